/*
 * Contexts: what is common to many connections. Macros of OpenSSL as functions, and its callbacks.
 */
#include "CTLS.h"
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

/* New keys are due after some twenty million records; a peer that asks more often than this wants our time. */
enum { MAXIMUM_KEY_UPDATES = 64 };

int martlet_tls_set_versions(SSL_CTX *context, int lowest, int highest) {
    return SSL_CTX_set_min_proto_version(context, lowest) == 1 && SSL_CTX_set_max_proto_version(context, highest) == 1;
}

/* Where a connection counts, and where a context has its hosts. Made once, whatever order contexts come in. */
static CRYPTO_ONCE indices_made = CRYPTO_ONCE_STATIC_INIT;
static int update_index = -1;
static int hosts_index = -1;

struct host {
    struct host *next;
    SSL_CTX *served;
    char name[];
};

static void free_hosts(void *parent, void *value, CRYPTO_EX_DATA *data, int index, long number, void *argument) {
    (void)parent, (void)data, (void)index, (void)number, (void)argument;
    for (struct host *host = value; host != NULL;) {
        struct host *next = host->next;
        SSL_CTX_free(host->served);
        free(host);
        host = next;
    }
}

static void make_indices(void) {
    update_index = SSL_get_ex_new_index(0, NULL, NULL, NULL, NULL);
    hosts_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_hosts);
}

static void watch_messages(
    int is_sent, int version, int type, const void *bytes, size_t count, SSL *connection, void *argument) {
    (void)version, (void)argument;
    if (is_sent || type != SSL3_RT_HANDSHAKE || count == 0) return;
    if (*(const unsigned char *)bytes != SSL3_MT_KEY_UPDATE) return;
    uintptr_t updates = (uintptr_t)SSL_get_ex_data(connection, update_index) + 1;
    if (updates > MAXIMUM_KEY_UPDATES) shutdown(SSL_get_fd(connection), SHUT_RDWR);
    SSL_set_ex_data(connection, update_index, (void *)updates);
}

void martlet_tls_set_modes(SSL_CTX *context, bool is_server) {
    CRYPTO_THREAD_run_once(&indices_made, make_indices);
    /* A connection that ends without a word is an end like any other: the protocol above knows what was whole. */
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF |
            (is_server ? SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA : 0));
    SSL_CTX_set_mode(
        context,
        SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS |
            SSL_MODE_AUTO_RETRY | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_msg_callback(context, watch_messages);
}

int martlet_tls_allow_finite_fields(SSL_CTX *context) { return (int)SSL_CTX_set_dh_auto(context, 1); }

int martlet_tls_add_to_chain(SSL_CTX *context, X509 *certificate) {
    return (int)SSL_CTX_add1_chain_cert(context, certificate);
}

void martlet_tls_set_session_cache(SSL_CTX *context, long size) {
    SSL_CTX_set_session_cache_mode(context, size > 0 ? SSL_SESS_CACHE_SERVER : SSL_SESS_CACHE_OFF);
    if (size > 0) SSL_CTX_sess_set_cache_size(context, size);
}

/* The error stays noted in the result of the verification. */
static int note_only(int is_verified, X509_STORE_CTX *store) {
    (void)is_verified, (void)store;
    return 1;
}

void martlet_tls_request_certificate(SSL_CTX *context, bool required) {
    if (required)
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    else
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, note_only);
}

static SSL_CTX *find_host(const struct host *hosts, const char *name) {
    for (const struct host *host = hosts; host != NULL; host = host->next)
        if (strcasecmp(host->name, name) == 0) return host->served;
    /* A star stands for one whole label, and never for the last but one alone (RFC 6125 section 6.4.3). */
    const char *rest = strchr(name, '.');
    if (rest == NULL || rest == name || strchr(rest + 1, '.') == NULL) return NULL;
    for (const struct host *host = hosts; host != NULL; host = host->next)
        if (host->name[0] == '*' && strcasecmp(host->name + 1, rest) == 0) return host->served;
    return NULL;
}

static int choose_host(SSL *connection, int *alert, void *argument) {
    (void)alert;
    const char *name = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name);
    if (name == NULL) return SSL_TLSEXT_ERR_NOACK;
    SSL_CTX *served = find_host(SSL_CTX_get_ex_data(argument, hosts_index), name);
    /* A name that is nobody's gets the first certificate: mail servers are called by many names. */
    if (served == NULL) return SSL_TLSEXT_ERR_NOACK;
    return SSL_set_SSL_CTX(connection, served) == NULL ? SSL_TLSEXT_ERR_ALERT_FATAL : SSL_TLSEXT_ERR_OK;
}

int martlet_tls_serve_name(SSL_CTX *context, const char *name, SSL_CTX *served) {
    CRYPTO_THREAD_run_once(&indices_made, make_indices);
    struct host *first = SSL_CTX_get_ex_data(context, hosts_index);
    struct host *host = malloc(sizeof *host + strlen(name) + 1);
    if (host == NULL) return 0;
    strcpy(host->name, name);
    /* A context that kept itself would never go away. */
    host->served = served == context ? NULL : served;
    if (host->served != NULL) SSL_CTX_up_ref(served);
    host->next = NULL;
    /* Behind the others: of two with the same name the earlier counts. */
    struct host *last = first;
    while (last != NULL && last->next != NULL) last = last->next;
    if (last != NULL)
        last->next = host;
    else if (SSL_CTX_set_ex_data(context, hosts_index, host) != 1) {
        SSL_CTX_free(host->served);
        free(host);
        return 0;
    }
    SSL_CTX_set_tlsext_servername_callback(context, choose_host);
    SSL_CTX_set_tlsext_servername_arg(context, context);
    return 1;
}

int martlet_tls_announce_host(SSL *connection, const char *name) {
    return (int)SSL_set_tlsext_host_name(connection, name);
}
