/*
 * What Swift cannot say of Unix: macros, variadic calls, fork, and what glibc shows to _GNU_SOURCE only.
 * That macro is defined by the .c files, not here: the compiler's module of the C library is built without.
 */
#ifndef MARTLET_CPLATFORM_H
#define MARTLET_CPLATFORM_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Unless said otherwise: 0 or a count when done, -1 with errno when not. */

/* descriptors.c */

/* fcntl with an integer argument. */
int martlet_fcntl(int descriptor, int command, int argument);

/* sendmsg of bytes with one descriptor (-1 for none) on the first byte. MSG_NOSIGNAL. */
ssize_t martlet_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);

/* recvmsg of bytes and at most one descriptor (-1 when none came), close-on-exec; surplus ones are closed. */
ssize_t martlet_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor);

/* An eventfd, non-blocking and close-on-exec. */
int martlet_eventfd(void);

/* pipe2: both ends close-on-exec. */
int martlet_pipe(int ends[2]);

/* fcntl record lock over the whole file, exclusive or released; waits when told to. */
int martlet_record_lock(int descriptor, bool lock, bool wait);

/* checksum.c */

/* Whether this processor computes CRC-32C itself. */
bool martlet_has_crc32c(void);

/* The inverted state of a CRC-32C behind `count` more octets; only where martlet_has_crc32c(). */
uint32_t martlet_crc32c(uint32_t state, const void *bytes, size_t count);

/* sockets.c */

/* accept4: non-blocking and close-on-exec. `peer` points to `room` octets; `length` is what the kernel filled. */
int martlet_accept(int listener, void *peer, uint32_t room, uint32_t *length);

/* Who is at the other end of a Unix socket, as the kernel saw it when the connection was made. */
int martlet_peer_credentials(int socket, pid_t *process, uid_t *user, gid_t *group);

/* processes.c */

/* How a child is to start. Pointers are borrowed for the call. */
struct martlet_spawn {
    const char *path;
    char *const *arguments;
    char *const *environment;
    /* What becomes 0, 1, 2 and 3; -1 stands for /dev/null, for the last one for closed. */
    int descriptors[4];
    bool new_session;
    /* Credentials are set only when told to; the order is groups, group, user. */
    bool change_user;
    uid_t user;
    gid_t group;
    const gid_t *groups;
    size_t group_count;
    /* Becomes the root and the working directory before credentials are set; NULL keeps the root. */
    const char *root;
    /* NULL keeps the working directory. */
    const char *directory;
    /* File mode creation mask; -1 keeps it. */
    int mask;
    /* Soft limit of open descriptors, cut to the hard one; 0 keeps it. */
    uint64_t open_files;
};

/*
 * fork and exec in one function, so that no Swift runs in between. Everything above 3 is closed, every
 * signal has its default action and is unblocked. A failure before or in exec is reported here: the result
 * is then -1, errno says why, and *step points to the name of the call.
 */
pid_t martlet_spawn(const struct martlet_spawn *request, const char **step);

/*
 * Goes on in the background: a child in a session of its own, in the root directory, with the standard
 * descriptors on /dev/null. Returns in the child only, with a descriptor to report the outcome of its start on:
 * a zero byte, or the reason of a failure. The process that was started waits for that, and exits with status 0,
 * or with 1 after writing the reason to standard error. -1 when it cannot be done.
 */
int martlet_detach(void);

/* The status of waitpid taken apart. */
bool martlet_wait_exited(int status, int *code);
int martlet_wait_signal(int status);

/* log.c */

/* openlog for mail with the connection made at once, so that it outlives chroot. */
int martlet_open_syslog(const char *name);
void martlet_write_syslog(int priority, const char *text);

/* title.c */

/* Writes the title over the arguments and the environment; what does not fit is cut. Needs /proc. */
int martlet_set_title(const char *title);

/* PR_SET_NAME, cut to 15 octets. */
int martlet_set_name(const char *name);

/* privileges.c */

/* chdir, chroot (NULL for none), setgroups, setresgid, setresuid, and a check that nothing came back. */
int martlet_drop_privileges(const char *root, uid_t user, gid_t group, const gid_t *groups, size_t group_count,
                            const char **step);

/* PR_SET_NO_NEW_PRIVS and PR_SET_DUMPABLE 0. */
int martlet_forbid_new_privileges(void);
int martlet_forbid_dumps(void);

/* confinement.c */

/* The kernel cannot do it; nothing has changed. */
enum { MARTLET_UNSUPPORTED = 1 };

/* Groups of system calls beyond those of an event loop. CODE is memory that can be executed. */
enum { MARTLET_CALLS_FILES = 1, MARTLET_CALLS_SOCKETS = 2, MARTLET_CALLS_PROCESSES = 4, MARTLET_CALLS_CODE = 8 };

/*
 * Allows the calls of an event loop and of the groups, for ever. Other calls fail with EPERM, or kill the
 * process. Sets PR_SET_NO_NEW_PRIVS.
 */
int martlet_confine_calls(unsigned groups, bool kill);

/* Reading is always allowed beneath a path that is named. */
enum { MARTLET_PATH_WRITE = 1, MARTLET_PATH_EXECUTE = 2 };

/*
 * Forbids opening and changing everything that does not lie beneath one of the paths, for ever; what is open
 * stays so. *failed is the index of the path that could not be allowed, or count. Sets PR_SET_NO_NEW_PRIVS.
 */
int martlet_confine_paths(const char *const *paths, const unsigned *access, size_t count, size_t *failed);

/* getrandom without flags. */
ssize_t martlet_random(void *bytes, size_t count);

/* memory.c */

/* Gives memory that was freed back to the system; does nothing where the allocator cannot be asked. */
void martlet_return_freed_memory(void);

/* A file without a place in any directory, gone with its last descriptor; close-on-exec. */
int martlet_memory_file(const char *name);

/* files.c */

/* Starts writing a file's dirty pages without waiting for them; promises nothing. */
int martlet_start_writeback(int descriptor);

/*
 * fsync of each; codes[i] becomes 0 or the errno. Up to 16 run at a time, for the disk then flushes its cache
 * once for several. The threads end before the call does.
 */
void martlet_sync_all(const int *descriptors, int *codes, size_t count);
#endif
