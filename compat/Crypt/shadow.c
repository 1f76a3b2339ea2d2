/* The shadow password database, through the name service switch. */
#define _GNU_SOURCE 1
#include "CCrypt.h"
#include <errno.h>
#include <shadow.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 16 << 10 };

int martlet_shadow_entry(const char *name, struct martlet_shadow *entry, char *hash, size_t room) {
    char *buffer = malloc(ROOM);
    if (buffer == NULL) return -1;
    struct spwd record, *found = NULL;
    int code = getspnam_r(name, &record, buffer, ROOM, &found);
    int result;
    if (found != NULL) {
        result = 1;
        if (strlen(record.sp_pwdp) >= room) {
            code = ERANGE;
            result = -1;
        } else {
            memcpy(hash, record.sp_pwdp, strlen(record.sp_pwdp) + 1);
            entry->last_change = record.sp_lstchg;
            entry->maximum_age = record.sp_max;
            entry->inactive = record.sp_inact;
            entry->expires = record.sp_expire;
        }
    } else {
        /* No entry is 0 or ENOENT; a file that may not be read is EACCES. */
        result = code == 0 || code == ENOENT || code == ESRCH ? 0 : -1;
    }
    explicit_bzero(buffer, ROOM);
    free(buffer);
    if (result == -1) errno = code;
    return result;
}
