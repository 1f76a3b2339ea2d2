/* The system log: variadic calls and a name that must outlive the call. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

int martlet_open_syslog(const char *name) {
    /* Kept for ever: the library remembers the pointer. A second call leaves the first name to its readers. */
    char *kept = strdup(name);
    if (!kept) return -1;
    /* The time zone is read now, since its file is out of reach after chroot. */
    tzset();
    openlog(kept, LOG_PID | LOG_NDELAY, LOG_MAIL);
    return 0;
}

void martlet_write_syslog(int priority, const char *text) {
    syslog(priority, "%s", text);
}
