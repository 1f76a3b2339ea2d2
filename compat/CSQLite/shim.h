/*
 * libsqlite3 for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before the headers of libsqlite3 are read.
 */
#include <features.h>
#include <sqlite3.h>
