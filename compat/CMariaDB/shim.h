/*
 * libmariadb for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before the headers of libmariadb are read.
 */
#include <features.h>
#include <mysql.h>
