/* Privileges: giving them up for good, checked afterwards. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <errno.h>
#include <grp.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <unistd.h>

/* Whether the process is what it was told to be, and stays it. */
static bool is_dropped(uid_t user, gid_t group, size_t group_count) {
    uid_t real_user, effective_user, saved_user;
    gid_t real_group, effective_group, saved_group;
    if (getresuid(&real_user, &effective_user, &saved_user) == -1) return false;
    if (getresgid(&real_group, &effective_group, &saved_group) == -1) return false;
    if (real_user != user || effective_user != user || saved_user != user) return false;
    if (real_group != group || effective_group != group || saved_group != group) return false;
    if (getgroups(0, NULL) != (int)group_count) return false;
    return user == 0 || (setuid(0) == -1 && seteuid(0) == -1);
}

int martlet_drop_privileges(const char *root, uid_t user, gid_t group, const gid_t *groups, size_t group_count,
                            const char **step) {
    if (root) {
        *step = "chdir";
        if (chdir(root) == -1) return -1;
        *step = "chroot";
        if (chroot(".") == -1 || chdir("/") == -1) return -1;
    }
    *step = "setgroups";
    if (setgroups(group_count, groups) == -1) return -1;
    *step = "setresgid";
    if (setresgid(group, group, group) == -1) return -1;
    *step = "setresuid";
    if (setresuid(user, user, user) == -1) return -1;
    *step = "check of dropped privileges";
    if (!is_dropped(user, group, group_count)) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

int martlet_forbid_new_privileges(void) {
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

int martlet_forbid_dumps(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

ssize_t martlet_random(void *bytes, size_t count) {
    return getrandom(bytes, count, 0);
}
