/*
 * zlib for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are settled
 * before zlib's header is read.
 */
#include <features.h>
#include <zlib.h>
