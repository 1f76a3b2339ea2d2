/*
 * Clients of TLS from the first octet, for Benchmarks/run.
 *
 *   tlsload handshakes PORT COUNT AT-ONCE full|resumed [tls1.2]
 *       COUNT visits: handshake, greeting, QUIT; so many at once, each a process of its own. After the first visit of
 *       each the others resume its session, if they are to.
 *   tlsload hold PORT COUNT
 *       COUNT sessions that have said EHLO, held until standard input ends; then a NOOP on each.
 *
 * Prints one JSON object when done, and for `hold` when all are there.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
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

int main(int count, char **words) {
    if (count < 4) return 64;
    port = atoi(words[2]);
    long wanted = atol(words[3]);
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
