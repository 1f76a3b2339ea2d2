/*
 * libevent for Swift. The compiler's module of the C library is built without _GNU_SOURCE, and fd_set must
 * look the same in both; libevent's headers define that macro, so the features are settled before them.
 */
#include <features.h>
#include <sys/select.h>
#include <event2/event.h>
