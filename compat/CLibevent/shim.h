/* libevent for Swift. _GNU_SOURCE first: without it fd_set differs between clang modules. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#include <event2/event.h>
