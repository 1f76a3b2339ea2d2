/*
 * Session tickets (RFC 5077, RFC 8446 section 4.6.1): sealed with keys that never leave memory and do not get old,
 * so that what was recorded cannot be read by whoever takes the machine later.
 */
#include "CTLS.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

enum { LIFETIME = 2 * 3600 };

struct ticket_key {
    unsigned char name[16];
    unsigned char cipher[32];
    unsigned char digest[32];
};

struct martlet_ticket_keys {
    int references;
    /* Found once: to look an algorithm up takes longer than to use it on a ticket. */
    EVP_CIPHER *algorithm;
    /* Seconds on a clock that only goes forward. */
    time_t changed;
    struct ticket_key current;
    /* Still opens tickets, until the next change. */
    struct ticket_key previous;
};

static time_t seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec;
}

static int make(struct ticket_key *key) { return RAND_bytes((unsigned char *)key, sizeof *key) == 1; }

struct martlet_ticket_keys *martlet_ticket_keys_new(void) {
    struct martlet_ticket_keys *keys = OPENSSL_zalloc(sizeof *keys);
    if (keys == NULL) return NULL;
    keys->references = 1;
    keys->algorithm = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    keys->changed = seconds();
    if (keys->algorithm == NULL || !make(&keys->current) || !make(&keys->previous)) {
        martlet_ticket_keys_release(keys);
        return NULL;
    }
    return keys;
}

void martlet_ticket_keys_release(struct martlet_ticket_keys *keys) {
    if (keys == NULL || --keys->references > 0) return;
    EVP_CIPHER_free(keys->algorithm);
    OPENSSL_clear_free(keys, sizeof *keys);
}

static int refresh(struct martlet_ticket_keys *keys) {
    time_t age = seconds() - keys->changed;
    if (age < LIFETIME) return 1;
    /* After two lifetimes without a client the current one is too old for being the previous one. */
    if (age < 2 * LIFETIME)
        keys->previous = keys->current;
    else if (!make(&keys->previous))
        return 0;
    keys->changed += age - age % LIFETIME;
    return make(&keys->current);
}

static CRYPTO_ONCE index_made = CRYPTO_ONCE_STATIC_INIT;
static int keys_index = -1;

static void release(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number, void *argument) {
    (void)parent, (void)data, (void)index, (void)number, (void)argument;
    martlet_ticket_keys_release(value);
}

static void make_index(void) { keys_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, release); }

static int set_digest_key(EVP_MAC_CTX *digest, struct ticket_key *key) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->digest, sizeof key->digest),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, "sha256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(digest, parameters);
}

/* 0: no such key, so a full handshake; 2: open it, and give the client a new one. */
static int seal_or_open(
    SSL *connection, unsigned char *name, unsigned char *vector, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *digest,
    int is_sealing) {
    struct martlet_ticket_keys *keys = SSL_CTX_get_ex_data(SSL_get_SSL_CTX(connection), keys_index);
    if (keys == NULL || !refresh(keys)) return -1;
    if (is_sealing) {
        if (RAND_bytes(vector, EVP_CIPHER_get_iv_length(keys->algorithm)) != 1) return -1;
        memcpy(name, keys->current.name, sizeof keys->current.name);
        if (EVP_EncryptInit_ex(cipher, keys->algorithm, NULL, keys->current.cipher, vector) != 1) return -1;
        return set_digest_key(digest, &keys->current) == 1 ? 1 : -1;
    }
    struct ticket_key *key = &keys->current;
    if (CRYPTO_memcmp(name, key->name, sizeof key->name) != 0) {
        key = &keys->previous;
        if (CRYPTO_memcmp(name, key->name, sizeof key->name) != 0) return 0;
    }
    if (set_digest_key(digest, key) != 1) return -1;
    if (EVP_DecryptInit_ex(cipher, keys->algorithm, NULL, key->cipher, vector) != 1) return -1;
    return key == &keys->current ? 1 : 2;
}

int martlet_tls_use_ticket_keys(SSL_CTX *context, struct martlet_ticket_keys *keys) {
    CRYPTO_THREAD_run_once(&index_made, make_index);
    if (SSL_CTX_set_ex_data(context, keys_index, keys) != 1) return 0;
    keys->references++;
    SSL_CTX_set_timeout(context, LIFETIME);
    return (int)SSL_CTX_set_tlsext_ticket_key_evp_cb(context, seal_or_open);
}
