/*
 * Linux-PAM for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before PAM's headers are read.
 */
#include <features.h>
#include <security/pam_appl.h>
