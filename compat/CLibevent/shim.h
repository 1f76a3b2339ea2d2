/*
 * libevent for Swift. No feature macro here: the compiler's module of the C library is built without
 * _GNU_SOURCE, and fd_set must look the same in both.
 */
#include <event2/event.h>
