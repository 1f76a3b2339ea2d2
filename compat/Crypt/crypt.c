/* crypt(3), reentrant. */
#define _GNU_SOURCE 1
#include "CCrypt.h"
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int martlet_crypt(const char *password, const char *setting, char *result, size_t room) {
    /* 32 KB, too much for a stack of unknown size; zeroed as the library asks. */
    struct crypt_data *data = calloc(1, sizeof *data);
    if (data == NULL) return -1;
    errno = 0;
    const char *hash = crypt_r(password, setting, data);
    int code = 0;
    if (hash == NULL || hash[0] == '*') {
        code = errno != 0 ? errno : EINVAL;
    } else if (strlen(hash) >= room) {
        code = ERANGE;
    } else {
        memcpy(result, hash, strlen(hash) + 1);
    }
    explicit_bzero(data, sizeof *data);
    free(data);
    if (code == 0) return 0;
    errno = code;
    return -1;
}

int martlet_new_setting(const char *prefix, char *result, int room) {
    /* Costs 0 are those that the library recommends, and no octets of ours are those of the kernel. */
    return crypt_gensalt_rn(prefix, 0, NULL, 0, result, room) == NULL ? -1 : 0;
}
