/*
 * What Swift cannot say to OpenSSL 3: macros, stacks, callbacks, and private keys that lie in another process.
 *
 * A handshake that signs with such a key runs on a fiber of OpenSSL, which stops where the signature is needed.
 * Nothing of Swift may be called there, so every callback of the library is a function of this target.
 */
#ifndef MARTLET_CTLS_H
#define MARTLET_CTLS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct evp_pkey_st;

/* Unless said otherwise: 1 when done, 0 or less with the reason in OpenSSL's queue of errors when not. */

/* contexts.c */

/* TLS 1.2, TLS 1.3 or both; numbers as on the wire. */
int martlet_tls_set_versions(struct ssl_ctx_st *context, int lowest, int highest);

/* Partial writes, buffers given back when idle, no chain made up from the trusted certificates, no compression, no
 * renegotiation; and the end of a connection whose peer asks for new keys more often than anybody needs. */
void martlet_tls_set_modes(struct ssl_ctx_st *context, bool is_server);

/* Finite fields of a fitting size for clients without elliptic curves. */
int martlet_tls_allow_finite_fields(struct ssl_ctx_st *context);

/* A further certificate of the chain of the key loaded last. */
int martlet_tls_add_to_chain(struct ssl_ctx_st *context, struct x509_st *certificate);

/* Keeps at most `size` sessions of clients that take no tickets; none for 0. */
void martlet_tls_set_session_cache(struct ssl_ctx_st *context, long size);

/* Asks the peer for a certificate. Without `required` a missing or false one is noted and nothing else. */
void martlet_tls_request_certificate(struct ssl_ctx_st *context, bool required);

/* The context to serve a host with; `name` in lower case, perhaps with `*` as its first label. Keeps `served`. */
int martlet_tls_serve_name(struct ssl_ctx_st *context, const char *name, struct ssl_ctx_st *served);

/* The name a client tells the server, before the handshake. */
int martlet_tls_announce_host(struct ssl_st *connection, const char *name);

/* tickets.c */

/* Keys that session tickets are sealed with: made here, never written anywhere, replaced every two hours. */
struct martlet_ticket_keys;
struct martlet_ticket_keys *martlet_ticket_keys_new(void);
void martlet_ticket_keys_release(struct martlet_ticket_keys *keys);
/* The context keeps the keys as long as it lives. */
int martlet_tls_use_ticket_keys(struct ssl_ctx_st *context, struct martlet_ticket_keys *keys);

/* certificates.c */

/* Calls for each DNS name the certificate is for: the alternative names, or without any the common name. */
void martlet_certificate_names(
    struct x509_st *certificate, void (*each)(void *context, const char *name, size_t length), void *context);

/* The subject as one line of printable ASCII (RFC 2253), cut to the room; the length. */
size_t martlet_certificate_subject(struct x509_st *certificate, char *text, size_t room);

/* signatures.c */

enum martlet_signature {
    /* An encoded digest, to be padded (RFC 8017 section 9.2, from the second step on). */
    MARTLET_SIGN_RSA_PKCS1 = 1,
    /* A block as long as the key, padded already. */
    MARTLET_SIGN_RSA_BLOCK,
    /* A digest. */
    MARTLET_SIGN_ECDSA
};

/* A key that has a public part and a number; whoever signs with it must do so in a handshake as below. NULL for a
 * key that is neither RSA nor of an elliptic curve, or without memory. */
struct evp_pkey_st *martlet_delegated_key(struct evp_pkey_st *public_key, uint32_t number);

enum martlet_progress {
    MARTLET_TLS_DONE,
    MARTLET_TLS_WANTS_TO_READ,
    MARTLET_TLS_WANTS_TO_WRITE,
    /* Waits for a signature; see `pending`. */
    MARTLET_TLS_WANTS_SIGNATURE,
    MARTLET_TLS_FAILED
};

/* What a handshake that waits for a signature wants signed. */
struct martlet_signing {
    uint32_t key;
    enum martlet_signature kind;
    /* Valid until the handshake goes on. */
    const uint8_t *input;
    size_t input_length;
};

/* One handshake under way. */
struct martlet_handshake;

/* For a connection that has its descriptor, its side and its parameters. NULL without memory. */
struct martlet_handshake *martlet_handshake_new(struct ssl_st *connection, bool may_sign);
enum martlet_progress martlet_handshake_advance(struct martlet_handshake *handshake);
/* What is to be signed. Only after MARTLET_TLS_WANTS_SIGNATURE. */
struct martlet_signing martlet_handshake_pending(const struct martlet_handshake *handshake);
/* The signature, or NULL when there will be none; advance again afterwards. */
void martlet_handshake_sign(struct martlet_handshake *handshake, const uint8_t *signature, size_t length);
/* Ends it, from whatever state it is in, and gives the connection back. The descriptor is not touched. */
void martlet_handshake_free(struct martlet_handshake *handshake);

/* Whether a block is what RFC 8017 section 9.1.1 makes of some digest with a salt as long as that: a signature of
 * TLS and not, say, something to decrypt. `bits` is the size of the key. */
bool martlet_is_pss_block(const uint8_t *block, size_t length, int bits);

#endif
