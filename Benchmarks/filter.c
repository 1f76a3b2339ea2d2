/* A filter for smtpd(8) that is asked in every phase, given every line, and changes nothing: what it costs is the price of
 * the protocol. With the argument "phases" it takes no content. */
#define _GNU_SOURCE 1
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char in[1 << 20], out[1 << 20];
static size_t have, put;

static void flush(void) {
    for (size_t done = 0; done < put;) {
        ssize_t n = write(1, out + done, put - done);
        if (n <= 0) exit(0);
        done += (size_t)n;
    }
    put = 0;
}

static void say(const char *bytes, size_t count) {
    if (put + count > sizeof out) flush();
    memcpy(out + put, bytes, count);
    put += count;
}

static void answer(char *line, char *end) {
    char *field[8];
    size_t count = 0;
    for (char *p = line; count < 8 && p < end; count++) {
        field[count] = p;
        char *bar = count < 7 ? memchr(p, '|', (size_t)(end - p)) : NULL;
        p = bar ? bar + 1 : end;
    }
    if (count < 7 || memcmp(line, "filter|", 7) != 0) return;
    /* Session and token with the bars behind them. */
    size_t ids = 34;
    if (memcmp(field[4], "data-line|", 10) == 0) {
        say("filter-dataline|", 16);
        say(field[5], (size_t)(end - field[5]) + 1);
    } else {
        say("filter-result|", 14);
        say(field[5], ids);
        say("proceed\n", 8);
    }
}

int main(int count, char **arguments) {
    int takes_content = count < 2 || strcmp(arguments[1], "phases") != 0;
    static const char *const phases[] = { "connect", "helo", "ehlo", "mail-from", "rcpt-to", "data", "commit", "rset", "quit", "noop" };
    for (size_t i = 0; i < sizeof phases / sizeof *phases; i++) {
        char line[64];
        say(line, (size_t)sprintf(line, "register|filter|smtp-in|%s\n", phases[i]));
    }
    if (takes_content) say("register|filter|smtp-in|data-line\n", 34);
    say("register|ready\n", 15);
    flush();
    for (;;) {
        ssize_t n = read(0, in + have, sizeof in - have);
        if (n <= 0) return 0;
        have += (size_t)n;
        char *line = in, *end = in + have, *feed;
        while ((feed = memchr(line, '\n', (size_t)(end - line)))) {
            answer(line, feed);
            line = feed + 1;
        }
        have = (size_t)(end - line);
        memmove(in, line, have);
        flush();
    }
}
