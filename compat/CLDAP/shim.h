/*
 * libldap for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before the headers of libldap are read.
 */
#include <features.h>
#include <lber.h>
#include <ldap.h>
