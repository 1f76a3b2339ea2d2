/* load: what puts a mail server under load, one JSON object on standard output per run.
 *
 *   load smtp  PORT MESSAGES SESSIONS PER_SESSION SIZE RCPT [COUNT]
 *                                                             messages; RCPT holds one %d, which counts 0 to 9
 *                                                             through the messages, or COUNT recipients of each
 *   load idle  PORT SESSIONS                                  sessions that stay after EHLO until standard
 *                                                             input ends; 127.0.0.x shares them out
 *   load spawn RUNS AT_ONCE FILE COMMAND...                   commands with FILE as their standard input
 *   load disk  DIRECTORY                                      what fsync allows on this disk
 *
 * One thread and epoll, so that it takes as little as possible from the server beside it. It does not
 * pipeline and does not wait for the answer to QUIT. Times are seconds of the monotonic clock. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what) {
    perror(what);
    exit(1);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* ---- SMTP clients */

enum step { CONNECTING, BANNER, EHLO, MAIL, RCPT, DATA, BODY, IDLE };

struct client {
    int fd;
    enum step step;
    char line[512];
    size_t filled;
    const char *rest; /* of the body */
    size_t left;
    long sent, recipients;
    double began;
};

static int queue, port;
static long started, total, acked, refused, lost, per_session, recipients = 1, idle_sessions, opened;
static char *body;
static size_t body_size;
static const char *recipient;
static int idles;
static double *latencies, last;

static void watch(struct client *c, int operation, unsigned events) {
    struct epoll_event e = { .events = events, .data.ptr = c };
    if (epoll_ctl(queue, operation, c->fd, &e) != 0) die("epoll_ctl");
}

static void begin(struct client *c) {
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
    /* A source address serves 28,000 ports, and a server may limit the sessions of one. */
    struct sockaddr_in from = { .sin_family = AF_INET };
    memset(c, 0, sizeof *c);
    c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (c->fd < 0) die("socket");
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    from.sin_addr.s_addr = htonl(0x7f000001 + (unsigned)(opened++ / 500));
    if (idles) bind(c->fd, (struct sockaddr *)&from, sizeof from);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0 && errno != EINPROGRESS) die("connect");
    watch(c, EPOLL_CTL_ADD, EPOLLIN);
}

static void end(struct client *c, int properly) {
    if (properly) {
        ssize_t n = write(c->fd, "QUIT\r\n", 6);
        (void)n;
    } else {
        lost++;
    }
    close(c->fd);
    c->fd = -1;
    if (!idles && started < total) begin(c);
}

static void say(struct client *c, const char *text) {
    size_t n = strlen(text);
    if (write(c->fd, text, n) != (ssize_t)n) end(c, 0);
}

static void push(struct client *c) {
    while (c->left > 0) {
        ssize_t n = write(c->fd, c->rest, c->left);
        if (n < 0) {
            if (errno == EAGAIN) return watch(c, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
            return end(c, 0);
        }
        c->rest += n;
        c->left -= (size_t)n;
    }
    watch(c, EPOLL_CTL_MOD, EPOLLIN);
}

static void next_message(struct client *c) {
    if (started >= total || c->sent >= per_session) return end(c, 1);
    started++;
    c->sent++;
    c->began = now();
    c->step = MAIL;
    say(c, "MAIL FROM:<bench@client.test>\r\n");
}

static void replied(struct client *c, int code) {
    char line[600];
    switch (c->step) {
    case CONNECTING:
    case BANNER:
        if (code != 220) return end(c, 0);
        c->step = EHLO;
        return say(c, "EHLO client.test\r\n");
    case EHLO:
        if (code != 250) return end(c, 0);
        if (!idles) return next_message(c);
        c->step = IDLE;
        idle_sessions++;
        return;
    case MAIL:
        if (code != 250) break;
        c->step = RCPT;
        c->recipients = 0;
        goto next_recipient;
    case RCPT:
        if (code != 250) break;
        if (c->recipients == recipients) {
            c->step = DATA;
            return say(c, "DATA\r\n");
        }
    next_recipient:
        strcpy(line, "RCPT TO:<");
        snprintf(line + 9, 500, recipient, (int)(recipients == 1 ? started % 10 : c->recipients));
        c->recipients++;
        strcat(line, ">\r\n");
        return say(c, line);
    case DATA:
        if (code != 354) break;
        c->step = BODY;
        c->rest = body;
        c->left = body_size;
        return push(c);
    case BODY:
        if (code != 250) break;
        last = now();
        latencies[acked++] = last - c->began;
        return next_message(c);
    case IDLE:
        return;
    }
    refused++;
    end(c, 1);
}

static void readable(struct client *c) {
    ssize_t n = read(c->fd, c->line + c->filled, sizeof c->line - c->filled - 1);
    if (n <= 0) {
        if (n < 0 && errno == EAGAIN) return;
        return end(c, 0);
    }
    c->filled += (size_t)n;
    int fd = c->fd;
    char *line_end;
    while (c->fd == fd && (line_end = memchr(c->line, '\n', c->filled)) != NULL) {
        int is_last = line_end - c->line > 3 && c->line[3] != '-', code = atoi(c->line);
        size_t length = (size_t)(line_end - c->line) + 1;
        memmove(c->line, c->line + length, c->filled - length);
        c->filled -= length;
        if (is_last) {
            replied(c, code);
            /* A new connection may have begun in the same place. */
            if (c->step == CONNECTING) return;
        }
    }
}

static void serve(struct client *clients, long sessions, double patience) {
    double progress = now();
    long seen = 0;
    for (;;) {
        struct epoll_event events[256];
        int n = epoll_wait(queue, events, 256, 200);
        for (int i = 0; i < n; i++) {
            struct client *c = events[i].data.ptr;
            if (c->fd < 0) continue;
            if (events[i].events & EPOLLOUT) push(c);
            if (c->fd >= 0 && events[i].events & ~(unsigned)EPOLLOUT) readable(c);
        }
        long done = acked + refused + lost + idle_sessions;
        if (done != seen) {
            seen = done;
            progress = now();
        }
        long open = 0;
        if (idles) {
            if (idle_sessions + lost >= sessions) return;
        } else {
            for (long i = 0; i < sessions; i++) open += clients[i].fd >= 0;
            if (open == 0) return;
        }
        if (now() - progress > patience) return;
    }
}

static struct client *clients_for(long sessions) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    queue = epoll_create1(EPOLL_CLOEXEC);
    struct client *clients = calloc((size_t)sessions, sizeof *clients);
    if (queue < 0 || clients == NULL) die("clients");
    return clients;
}

static int smtp(char **argument) {
    port = atoi(argument[0]);
    total = atol(argument[1]);
    long sessions = atol(argument[2]);
    per_session = atol(argument[3]);
    size_t size = (size_t)atol(argument[4]);
    recipient = argument[5];
    if (argument[6] != NULL) recipients = atol(argument[6]);
    if (sessions > total) sessions = total;
    latencies = calloc((size_t)total, sizeof *latencies);
    body = malloc(size + 256);
    if (latencies == NULL || body == NULL) die("malloc");
    body_size = (size_t)sprintf(body, "From: bench@client.test\r\nTo: someone@bench.test\r\nSubject: load\r\n\r\n");
    while (body_size + 64 < size) body_size += (size_t)sprintf(body + body_size, "%061zu\r\n", body_size);
    body_size += (size_t)sprintf(body + body_size, ".\r\n");
    struct client *clients = clients_for(sessions);
    double start = now();
    last = start;
    for (long i = 0; i < sessions; i++) begin(&clients[i]);
    serve(clients, sessions, 20);
    qsort(latencies, (size_t)acked, sizeof *latencies, by_value);
    printf(
        "{\"acked\": %ld, \"refused\": %ld, \"lost\": %ld, \"start\": %.6f, \"last\": %.6f, \"p50\": %.6f, \"p99\": %.6f}\n",
        acked, refused, lost, start, last, acked ? latencies[acked / 2] : 0.0, acked ? latencies[acked * 99 / 100] : 0.0);
    return 0;
}

static int idle(char **argument) {
    port = atoi(argument[0]);
    long sessions = atol(argument[1]);
    idles = 1;
    struct client *clients = clients_for(sessions);
    for (long i = 0; i < sessions; i += 50) {
        for (long k = i; k < i + 50 && k < sessions; k++) begin(&clients[k]);
        serve(clients, i + 50 < sessions ? i + 50 : sessions, 10);
    }
    printf("{\"idle\": %ld, \"lost\": %ld}\n", idle_sessions, lost);
    fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {}
    return 0;
}

/* ---- Commands */

static int spawn(char **argument) {
    long runs = atol(argument[0]), at_once = atol(argument[1]);
    volatile long begun = 0, done = 0, running = 0, bad = 0;
    pid_t *pids = calloc((size_t)runs, sizeof *pids);
    double *times = calloc((size_t)runs, sizeof *times), *spent = calloc((size_t)runs, sizeof *spent);
    if (pids == NULL || times == NULL || spent == NULL) die("calloc");
    double start = now();
    while (done < runs) {
        while (running < at_once && begun < runs) {
            times[begun] = now();
            pid_t pid = vfork();
            if (pid == 0) {
                int input = open(argument[2], O_RDONLY);
                if (input >= 0 && dup2(input, 0) == 0) execvp(argument[3], argument + 3);
                _exit(127);
            }
            pids[begun++] = pid;
            running++;
        }
        int status;
        pid_t pid = wait(&status);
        for (long i = begun - 1; i >= 0; i--)
            if (pids[i] == pid) {
                spent[i] = now() - times[i];
                break;
            }
        if (status != 0) bad++;
        done++;
        running--;
    }
    double wall = now() - start;
    struct rusage use;
    getrusage(RUSAGE_CHILDREN, &use);
    qsort(spent, (size_t)runs, sizeof *spent, by_value);
    printf(
        "{\"runs\": %ld, \"bad\": %ld, \"rate\": %.2f, \"p50\": %.6f, \"p99\": %.6f, \"cpu\": %.6f}\n", runs, bad,
        (double)runs / wall, spent[runs / 2], spent[runs * 99 / 100],
        ((double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6)
            / (double)runs);
    return 0;
}

/* ---- The disk */

static int disk(char **argument) {
    char path[4096];
    static char block[64 * 4096];
    if (chdir(argument[0]) != 0) die(argument[0]);
    snprintf(path, sizeof path, "disk.%d", (int)getpid());
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) die(path);
    unlink(path);
    for (int i = 0; i < 32; i++)
        if (pwrite(file, block, sizeof block, (off_t)i * (off_t)sizeof block) != (ssize_t)sizeof block) die("write");
    fsync(file);
    printf("{");
    size_t sizes[2] = { 4096, sizeof block };
    for (int k = 0; k < 2; k++) {
        long n = 0;
        double start = now();
        while (now() - start < 1) {
            if (pwrite(file, block, sizes[k], (off_t)(n % 31) * (off_t)sizeof block) < 0 || fdatasync(file) != 0) die("sync");
            n++;
        }
        printf("\"log_syncs_of_%zu_kib\": %.1f, ", sizes[k] / 1024, (double)n / (now() - start));
    }
    long n = 0;
    double start = now();
    while (now() - start < 1) {
        snprintf(path, sizeof path, "disk.%d.%ld", (int)getpid(), n);
        int one = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (one < 0 || write(one, block, 4096) != 4096 || fsync(one) != 0) die(path);
        close(one);
        unlink(path);
        n++;
    }
    printf("\"new_files_synced_one_by_one\": %.1f}\n", (double)n / (now() - start));
    return 0;
}

int main(int count, char **argument) {
    if ((count == 8 || count == 9) && strcmp(argument[1], "smtp") == 0) return smtp(argument + 2);
    if (count == 4 && strcmp(argument[1], "idle") == 0) return idle(argument + 2);
    if (count >= 6 && strcmp(argument[1], "spawn") == 0) return spawn(argument + 2);
    if (count == 3 && strcmp(argument[1], "disk") == 0) return disk(argument + 2);
    fprintf(stderr, "usage: load smtp|idle|spawn|disk ...; see the first lines of load.c\n");
    return 2;
}
