/*
 * libhiredis for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before the headers of libhiredis are read.
 */
#include <features.h>
#include <hiredis/hiredis.h>
