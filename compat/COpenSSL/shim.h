/*
 * OpenSSL 3 for Swift. The compiler's module of the C library is built without _GNU_SOURCE; the features are
 * settled before OpenSSL's headers are read.
 */
#include <features.h>
#include <openssl/ssl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <openssl/pem.h>
