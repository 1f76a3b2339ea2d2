/*
 * Clients of TLS from the first octet, for Benchmarks/run; and what the library does without a mail server.
 *
 *   tlsload handshakes PORT COUNT AT-ONCE full|resumed [tls1.2]
 *       COUNT visits: handshake, greeting, QUIT; so many at once, each a process of its own. After the first visit of
 *       each the others resume its session, if they are to.
 *   tlsload hold PORT COUNT
 *       COUNT sessions that have said EHLO, held until standard input ends; then a NOOP on each.
 *   tlsload serve PORT CERTIFICATE KEY
 *       The least a server can do with the same library and the same settings: accept, handshake, greeting, QUIT; one
 *       connection after the other, key in the process, until killed.
 *   tlsload speed
 *       What one core does in a second beside signatures: ephemeral keys on X25519, and secrets derived with them.
 *
 * Prints one JSON object when done, and for `hold` when all are there.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct counts {
    long good, bad, resumed;
    double client_cpu;
};

static SSL_CTX *context;
static int port;

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec / 1e9;
}

static SSL *greeted(SSL_SESSION *session) {
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int raw = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    struct timeval patience = { .tv_sec = 60 };
    if (raw < 0) return NULL;
    setsockopt(raw, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(raw, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    SSL *connection = SSL_new(context);
    SSL_set_fd(connection, raw);
    if (session) SSL_set_session(connection, session);
    char line[512];
    if (connect(raw, (struct sockaddr *)&place, sizeof place) == 0 && SSL_connect(connection) == 1 &&
        SSL_read(connection, line, sizeof line) > 3 && memcmp(line, "220", 3) == 0)
        return connection;
    SSL_free(connection);
    close(raw);
    return NULL;
}

static int said(SSL *connection, const char *command, const char *code) {
    char line[1024];
    return SSL_write(connection, command, strlen(command)) > 0 && SSL_read(connection, line, sizeof line) > 3 && memcmp(line, code, 3) == 0;
}

static void end(SSL *connection) {
    int raw = SSL_get_fd(connection);
    SSL_shutdown(connection);
    SSL_free(connection);
    close(raw);
}

static void visit(long count, int resumes, struct counts *counts) {
    SSL_SESSION *session = NULL;
    for (long number = 0; number < count; number++) {
        SSL *connection = greeted(session);
        if (connection == NULL || !said(connection, "QUIT\r\n", "221")) {
            __atomic_add_fetch(&counts->bad, 1, __ATOMIC_RELAXED);
            if (connection) end(connection);
            continue;
        }
        __atomic_add_fetch(&counts->good, 1, __ATOMIC_RELAXED);
        if (SSL_session_reused(connection)) __atomic_add_fetch(&counts->resumed, 1, __ATOMIC_RELAXED);
        if (resumes) {
            SSL_SESSION_free(session);
            session = SSL_get1_session(connection);
        }
        end(connection);
    }
}

/* What Martlet sets, as far as it costs anything. */
static int serve(const char *certificate, const char *key) {
    struct sockaddr_in place = { .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&place, sizeof place) != 0 || listen(listener, 128) != 0) return 1;
    context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
    SSL_CTX_set_read_ahead(context, 1);
    SSL_CTX_set_num_tickets(context, 1);
    SSL_CTX_set_session_id_context(context, (const unsigned char *)"bench", 5);
    if (SSL_CTX_use_certificate_chain_file(context, certificate) != 1 || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
        return 1;
    printf("{\"serving\": %d}\n", port);
    fflush(stdout);
    for (int raw; (raw = accept(listener, NULL, NULL)) >= 0;) {
        setsockopt(raw, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
        SSL *connection = SSL_new(context);
        SSL_set_fd(connection, raw);
        char line[512];
        if (SSL_accept(connection) == 1 && SSL_write(connection, "220 bench\r\n", 11) > 0 && SSL_read(connection, line, sizeof line) > 0)
            SSL_write(connection, "221 bye\r\n", 9);
        end(connection);
    }
    return 1;
}

/* Of processor time, as `openssl speed` counts it. */
static double a_second_of(int (*body)(void *), void *argument) {
    long done = 0;
    clock_t start = clock();
    do {
        for (int number = 0; number < 50; number++)
            if (body(argument) != 1) exit(1);
        done += 50;
    } while (clock() - start < CLOCKS_PER_SEC);
    return (double)done * CLOCKS_PER_SEC / (clock() - start);
}

static int make_key(void *argument) {
    EVP_PKEY *key = NULL;
    int result = EVP_PKEY_generate(argument, &key);
    EVP_PKEY_free(key);
    return result;
}

static int derive(void *argument) {
    unsigned char secret[32];
    size_t length = sizeof secret;
    return EVP_PKEY_derive(argument, secret, &length);
}

static int speed(void) {
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_id(EVP_PKEY_X25519, NULL);
    EVP_PKEY *own = NULL, *others = NULL;
    if (EVP_PKEY_keygen_init(making) != 1 || EVP_PKEY_generate(making, &own) != 1 || EVP_PKEY_generate(making, &others) != 1) return 1;
    EVP_PKEY_CTX *deriving = EVP_PKEY_CTX_new(own, NULL);
    if (EVP_PKEY_derive_init(deriving) != 1 || EVP_PKEY_derive_set_peer(deriving, others) != 1) return 1;
    double keys = a_second_of(make_key, making), secrets = a_second_of(derive, deriving);
    printf("{\"keygen\": %f, \"derive\": %f}\n", keys, secrets);
    return 0;
}

int main(int count, char **words) {
    if (count == 2 && strcmp(words[1], "speed") == 0) return speed();
    if (count < 4) return 64;
    port = atoi(words[2]);
    long wanted = atol(words[3]);
    if (strcmp(words[1], "serve") == 0) return count == 5 ? serve(words[3], words[4]) : 64;
    context = SSL_CTX_new(TLS_client_method());
    if (count > 6) SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
    if (strcmp(words[1], "hold") == 0) {
        SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
        SSL **held = calloc(wanted, sizeof *held);
        long good = 0, answered = 0;
        double start = now();
        for (long number = 0; number < wanted; number++) {
            held[good] = greeted(NULL);
            if (held[good] && said(held[good], "EHLO client.test\r\n", "250")) good++;
        }
        printf("{\"held\": %ld, \"lost\": %ld, \"seconds\": %f}\n", good, wanted - good, now() - start);
        fflush(stdout);
        while (getchar() != EOF) continue;
        for (long number = 0; number < good; number++) answered += said(held[number], "NOOP\r\n", "250");
        printf("{\"answered\": %ld}\n", answered);
        return answered == wanted ? 0 : 1;
    }
    if (count < 6) return 64;
    int at_once = atoi(words[4]), resumes = strcmp(words[5], "resumed") == 0;
    struct counts *counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    double start = now();
    for (int number = 0; number < at_once; number++)
        if (fork() == 0) {
            visit(wanted / at_once, resumes, counts);
            _exit(0);
        }
    while (wait(NULL) > 0) continue;
    double seconds = now() - start;
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    printf(
        "{\"good\": %ld, \"bad\": %ld, \"resumed\": %ld, \"rate\": %f, \"client_cpu\": %f}\n", counts->good, counts->bad, counts->resumed,
        counts->good / seconds,
        used.ru_utime.tv_sec + used.ru_stime.tv_sec + (used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
    return counts->bad == 0 ? 0 : 1;
}
