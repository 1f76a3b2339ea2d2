/*
 * Private keys that lie in another process: RSA and ECDSA methods that stop the handshake's fiber until the
 * signature has come. These methods are the one way that OpenSSL 3 has to do so, and it calls them deprecated.
 */
#define OPENSSL_SUPPRESS_DEPRECATED 1
#include "CTLS.h"
#include <openssl/async.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

struct martlet_handshake {
    SSL *connection;
    bool may_sign;
    /* A fiber is stopped in `ask`; the pointers lead to what lies on it. */
    bool is_asking;
    struct martlet_signing pending;
    uint8_t *output;
    size_t room;
    /* 0: there is no signature. */
    size_t output_length;
};

/* The handshake that runs on this thread now. The methods of a key are told the key, and nothing of the
 * connection that signs; a fiber is entered only by `advance` below, which sets this. */
static _Thread_local struct martlet_handshake *running;

/* On the fiber: stops it, and is back with the length of the signature, 0 for none. */
static size_t ask(
    uint32_t key, enum martlet_signature kind, const uint8_t *input, size_t length, uint8_t *output, size_t room) {
    struct martlet_handshake *handshake = running;
    if (handshake == NULL || !handshake->may_sign || ASYNC_get_current_job() == NULL) return 0;
    handshake->pending = (struct martlet_signing){ key, kind, input, length };
    handshake->output = output;
    handshake->room = room;
    handshake->output_length = 0;
    handshake->is_asking = true;
    while (handshake->is_asking)
        if (ASYNC_pause_job() != 1) handshake->is_asking = false;
    return handshake->output_length;
}

/* MARK: Keys */

static CRYPTO_ONCE methods_made = CRYPTO_ONCE_STATIC_INIT;
static RSA_METHOD *rsa_method;
static EC_KEY_METHOD *curve_method;
static int rsa_index = -1;
static int curve_index = -1;

static int rsa_sign(int length, const unsigned char *input, unsigned char *output, RSA *rsa, int padding) {
    uint32_t key = (uint32_t)(uintptr_t)RSA_get_ex_data(rsa, rsa_index);
    enum martlet_signature kind;
    switch (padding) {
    case RSA_PKCS1_PADDING: kind = MARTLET_SIGN_RSA_PKCS1; break;
    case RSA_NO_PADDING: kind = MARTLET_SIGN_RSA_BLOCK; break;
    default: return -1;
    }
    size_t size = (size_t)RSA_size(rsa);
    if (length <= 0 || ask(key, kind, input, (size_t)length, output, size) != size) {
        ERR_raise(ERR_LIB_RSA, ERR_R_OPERATION_FAIL);
        return -1;
    }
    return (int)size;
}

/* TLS 1.2 with a key exchange by RSA would need it; the lists of ciphers exclude that. */
static int rsa_refuse(int length, const unsigned char *input, unsigned char *output, RSA *rsa, int padding) {
    (void)length, (void)input, (void)output, (void)rsa, (void)padding;
    ERR_raise(ERR_LIB_RSA, ERR_R_DISABLED);
    return -1;
}

static int curve_sign(
    int type, const unsigned char *digest, int length, unsigned char *output, unsigned int *output_length,
    const BIGNUM *inverse, const BIGNUM *r, EC_KEY *curve_key) {
    (void)type, (void)inverse, (void)r;
    uint32_t key = (uint32_t)(uintptr_t)EC_KEY_get_ex_data(curve_key, curve_index);
    size_t room = (size_t)ECDSA_size(curve_key);
    size_t got = length > 0 ? ask(key, MARTLET_SIGN_ECDSA, digest, (size_t)length, output, room) : 0;
    if (got == 0) {
        ERR_raise(ERR_LIB_EC, ERR_R_OPERATION_FAIL);
        return 0;
    }
    *output_length = (unsigned int)got;
    return 1;
}

static ECDSA_SIG *curve_refuse(
    const unsigned char *digest, int length, const BIGNUM *inverse, const BIGNUM *r, EC_KEY *curve_key) {
    (void)digest, (void)length, (void)inverse, (void)r, (void)curve_key;
    ERR_raise(ERR_LIB_EC, ERR_R_DISABLED);
    return NULL;
}

static void make_methods(void) {
    rsa_index = RSA_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    curve_index = EC_KEY_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    rsa_method = RSA_meth_dup(RSA_PKCS1_OpenSSL());
    if (rsa_method != NULL) {
        RSA_meth_set1_name(rsa_method, "key of another process");
        RSA_meth_set_priv_enc(rsa_method, rsa_sign);
        RSA_meth_set_priv_dec(rsa_method, rsa_refuse);
    }
    curve_method = EC_KEY_METHOD_new(EC_KEY_OpenSSL());
    if (curve_method != NULL) EC_KEY_METHOD_set_sign(curve_method, curve_sign, NULL, curve_refuse);
}

static EVP_PKEY *delegate_rsa(const RSA *public_key, uint32_t number) {
    const BIGNUM *n, *e;
    RSA_get0_key(public_key, &n, &e, NULL);
    RSA *rsa = RSA_new();
    EVP_PKEY *key = EVP_PKEY_new();
    BIGNUM *modulus = BN_dup(n), *exponent = BN_dup(e);
    if (rsa != NULL && RSA_set0_key(rsa, modulus, exponent, NULL) == 1) {
        modulus = exponent = NULL;
        if (RSA_set_method(rsa, rsa_method) == 1 && RSA_set_ex_data(rsa, rsa_index, (void *)(uintptr_t)number) == 1 &&
            key != NULL && EVP_PKEY_assign_RSA(key, rsa) == 1)
            return key;
    }
    BN_free(modulus);
    BN_free(exponent);
    RSA_free(rsa);
    EVP_PKEY_free(key);
    return NULL;
}

static EVP_PKEY *delegate_curve(const EC_KEY *public_key, uint32_t number) {
    EC_KEY *curve_key = EC_KEY_new();
    EVP_PKEY *key = EVP_PKEY_new();
    if (curve_key != NULL && EC_KEY_set_group(curve_key, EC_KEY_get0_group(public_key)) == 1 &&
        EC_KEY_set_public_key(curve_key, EC_KEY_get0_public_key(public_key)) == 1 &&
        EC_KEY_set_method(curve_key, curve_method) == 1 &&
        EC_KEY_set_ex_data(curve_key, curve_index, (void *)(uintptr_t)number) == 1 && key != NULL &&
        EVP_PKEY_assign_EC_KEY(key, curve_key) == 1)
        return key;
    EC_KEY_free(curve_key);
    EVP_PKEY_free(key);
    return NULL;
}

EVP_PKEY *martlet_delegated_key(EVP_PKEY *public_key, uint32_t number) {
    CRYPTO_THREAD_run_once(&methods_made, make_methods);
    if (rsa_method == NULL || curve_method == NULL) return NULL;
    switch (EVP_PKEY_get_base_id(public_key)) {
    case EVP_PKEY_RSA: {
        const RSA *rsa = EVP_PKEY_get0_RSA(public_key);
        return rsa != NULL ? delegate_rsa(rsa, number) : NULL;
    }
    case EVP_PKEY_EC: {
        const EC_KEY *curve_key = EVP_PKEY_get0_EC_KEY(public_key);
        return curve_key != NULL ? delegate_curve(curve_key, number) : NULL;
    }
    default: return NULL;
    }
}

/* MARK: Handshakes */

struct martlet_handshake *martlet_handshake_new(SSL *connection, bool may_sign) {
    struct martlet_handshake *handshake = calloc(1, sizeof *handshake);
    if (handshake == NULL) return NULL;
    handshake->connection = connection;
    handshake->may_sign = may_sign;
    if (may_sign) SSL_set_mode(connection, SSL_MODE_ASYNC);
    return handshake;
}

enum martlet_progress martlet_handshake_advance(struct martlet_handshake *handshake) {
    ERR_clear_error();
    struct martlet_handshake *outer = running;
    running = handshake;
    int result = SSL_do_handshake(handshake->connection);
    running = outer;
    if (result == 1) {
        /* Only handshakes sign; reads and writes need no fiber. */
        SSL_clear_mode(handshake->connection, SSL_MODE_ASYNC);
        return MARTLET_TLS_DONE;
    }
    switch (SSL_get_error(handshake->connection, result)) {
    case SSL_ERROR_WANT_READ: return MARTLET_TLS_WANTS_TO_READ;
    case SSL_ERROR_WANT_WRITE: return MARTLET_TLS_WANTS_TO_WRITE;
    case SSL_ERROR_WANT_ASYNC: return handshake->is_asking ? MARTLET_TLS_WANTS_SIGNATURE : MARTLET_TLS_FAILED;
    default: return MARTLET_TLS_FAILED;
    }
}

struct martlet_signing martlet_handshake_pending(const struct martlet_handshake *handshake) {
    return handshake->pending;
}

void martlet_handshake_sign(struct martlet_handshake *handshake, const uint8_t *signature, size_t length) {
    if (!handshake->is_asking) return;
    handshake->is_asking = false;
    if (signature == NULL || length > handshake->room) return;
    memcpy(handshake->output, signature, length);
    handshake->output_length = length;
}

void martlet_handshake_free(struct martlet_handshake *handshake) {
    if (handshake->is_asking) {
        /* A stopped fiber would never be given back. It goes to its end without a signature, and what it says
         * about that goes nowhere: the descriptor may be somebody else's by now. */
        BIO *nothing = BIO_new(BIO_s_null());
        if (nothing != NULL) SSL_set_bio(handshake->connection, nothing, nothing);
        martlet_handshake_sign(handshake, NULL, 0);
        if (nothing != NULL) martlet_handshake_advance(handshake);
        ERR_clear_error();
    }
    free(handshake);
}

/* MARK: What may be signed */

static bool is_pss_block_of(const uint8_t *block, size_t length, int bits, const EVP_MD *digest) {
    size_t size = (size_t)EVP_MD_get_size(digest);
    /* The encoded message has one bit less than the key, and may so be an octet shorter than the block. */
    size_t unused = (size_t)(bits - 1) % 8;
    if (unused == 0) {
        if (length == 0 || block[0] != 0) return false;
        block++, length--;
    }
    if (length < 2 * size + 2 || length > 2048 || block[length - 1] != 0xBC) return false;
    if (unused != 0 && block[0] >> unused != 0) return false;
    size_t masked = length - size - 1;
    uint8_t mask[2048];
    if (PKCS1_MGF1(mask, (long)masked, block + masked, (long)size, digest) != 0) return false;
    for (size_t index = 0; index < masked; index++) mask[index] ^= block[index];
    if (unused != 0) mask[0] &= (uint8_t)(0xFF >> (8 - unused));
    size_t zeros = masked - size - 1;
    for (size_t index = 0; index < zeros; index++)
        if (mask[index] != 0) return false;
    return mask[zeros] == 1;
}

bool martlet_is_pss_block(const uint8_t *block, size_t length, int bits) {
    if (bits < 1024 || bits > 16384) return false;
    return is_pss_block_of(block, length, bits, EVP_sha256()) || is_pss_block_of(block, length, bits, EVP_sha384()) ||
        is_pss_block_of(block, length, bits, EVP_sha512());
}
