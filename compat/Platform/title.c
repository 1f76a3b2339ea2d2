/*
 * The title of a process as ps shows it.
 *
 * The kernel shows the memory in which it placed the arguments when the program started, and goes on into the
 * environment, which lies behind, when the last byte of the arguments is no longer zero. Where both lie is
 * read from /proc/self/stat: that needs no access to main() and is right with every C library.
 */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

extern char **environ;

struct area {
    char *start;
    char *end;
};

/* Fields 48 to 51 are arg_start, arg_end, env_start, env_end; the name in field 2 may hold spaces. */
static int find_area(struct area *area) {
    char text[4096];
    int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
    if (file == -1) return -1;
    ssize_t count = read(file, text, sizeof text - 1);
    close(file);
    if (count <= 0) goto unknown;
    text[count] = '\0';
    char *at = strrchr(text, ')');
    for (int field = 2; at && field < 48; field++) at = strchr(at + 1, ' ');
    unsigned long start, arguments_end, environment_start, end;
    if (!at || sscanf(at, "%lu %lu %lu %lu", &start, &arguments_end, &environment_start, &end) != 4) goto unknown;
    /* All zero when the kernel does not tell. */
    if (start == 0 || arguments_end <= start) goto unknown;
    area->start = (char *)start;
    area->end = (char *)(environment_start == arguments_end && end > environment_start ? end : arguments_end);
    return 0;
unknown:
    errno = ENOTSUP;
    return -1;
}

/* Moves the environment to the heap if it still lies in the area that will be overwritten. */
static int move_environment(const struct area *area) {
    size_t count = 0;
    bool inside = false;
    for (; environ && environ[count]; count++)
        if (environ[count] >= area->start && environ[count] < area->end) inside = true;
    if (!inside) return 0;
    char **copy = calloc(count + 1, sizeof *copy);
    if (!copy) return -1;
    for (size_t index = 0; index < count; index++) {
        copy[index] = strdup(environ[index]);
        if (!copy[index]) return -1;
    }
    environ = copy;
    return 0;
}

int martlet_set_title(const char *title) {
    struct area area;
    if (find_area(&area) == -1 || move_environment(&area) == -1) return -1;
    size_t room = (size_t)(area.end - area.start);
    size_t length = strlen(title);
    if (length > room - 1) length = room - 1;
    memcpy(area.start, title, length);
    memset(area.start + length, 0, room - length);
    return 0;
}

int martlet_set_name(const char *name) {
    return prctl(PR_SET_NAME, name, 0, 0, 0);
}
