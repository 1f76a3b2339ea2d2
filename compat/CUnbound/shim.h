/*
 * libunbound for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before libunbound's headers are read.
 */
#include <features.h>
#include <unbound.h>
#include <unbound-event.h>
