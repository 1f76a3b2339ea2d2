/*
 * Confinement by the Linux kernel: seccomp for system calls, Landlock for paths.
 *
 * The filter is a list of numbers that are allowed; everything else gets the violation action. Numbers differ
 * between architectures and so does the set of old calls, which newer architectures never had. A kernel that
 * knows calls for what the filter does not look into (the x32 numbers of x86-64) has them refused.
 */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#define OLD_CALLS 1
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE

/* An event loop on descriptors that are open already: no names, no new objects but pipes and wake-ups. */
static const int base_calls[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_close,
    SYS_fstat, SYS_newfstatat, SYS_statx, SYS_fcntl, SYS_dup, SYS_dup3, SYS_pipe2, SYS_eventfd2,
    SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_ppoll, SYS_pselect6,
    SYS_recvfrom, SYS_recvmsg, SYS_recvmmsg, SYS_sendto, SYS_sendmsg, SYS_sendmmsg, SYS_shutdown,
    SYS_accept, SYS_accept4, SYS_getsockopt, SYS_setsockopt, SYS_getsockname, SYS_getpeername,
    SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_futex, SYS_set_robust_list, SYS_membarrier,
    SYS_sched_yield, SYS_sched_getaffinity, SYS_getcpu, SYS_getrandom, SYS_uname, SYS_sysinfo,
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_getpid, SYS_getppid, SYS_gettid, SYS_getpgid, SYS_getsid, SYS_getrusage, SYS_getrlimit, SYS_times,
    SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getresuid, SYS_getresgid, SYS_getgroups,
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending, SYS_sigaltstack,
    SYS_restart_syscall, SYS_exit, SYS_exit_group,
#ifdef SYS_rseq
    SYS_rseq,
#endif
#ifdef SYS_close_range
    SYS_close_range,
#endif
#ifdef SYS_epoll_pwait2
    SYS_epoll_pwait2,
#endif
#ifdef OLD_CALLS
    SYS_stat, SYS_lstat, SYS_dup2, SYS_pipe, SYS_eventfd, SYS_epoll_create, SYS_epoll_wait, SYS_poll, SYS_select,
    SYS_time, SYS_getpgrp, SYS_arch_prctl,
#endif
};

/* Files by name, and writing them safely. */
static const int file_calls[] = {
    SYS_openat, SYS_faccessat, SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_chdir, SYS_fchdir,
    SYS_statfs, SYS_fstatfs, SYS_mkdirat, SYS_unlinkat, SYS_renameat, SYS_renameat2, SYS_linkat, SYS_symlinkat,
    SYS_fchmod, SYS_fchmodat, SYS_fchown, SYS_fchownat, SYS_truncate, SYS_ftruncate, SYS_fallocate,
    SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_flock, SYS_utimensat, SYS_umask, SYS_fadvise64,
    SYS_preadv, SYS_pwritev, SYS_copy_file_range, SYS_sendfile, SYS_splice, SYS_memfd_create,
    SYS_inotify_init1, SYS_inotify_add_watch, SYS_inotify_rm_watch,
#ifdef SYS_openat2
    SYS_openat2,
#endif
#ifdef SYS_faccessat2
    SYS_faccessat2,
#endif
#ifdef OLD_CALLS
    SYS_open, SYS_creat, SYS_access, SYS_readlink, SYS_getdents, SYS_mkdir, SYS_rmdir, SYS_unlink, SYS_rename,
    SYS_link, SYS_symlink, SYS_chmod, SYS_chown, SYS_lchown, SYS_utime, SYS_utimes,
#endif
};

/* Connections of one's own; which families is looked at below. */
static const int socket_calls[] = { SYS_socketpair, SYS_bind, SYS_connect, SYS_listen };

/* Other processes and other users. */
static const int process_calls[] = {
    SYS_clone, SYS_execve, SYS_execveat, SYS_wait4, SYS_waitid, SYS_kill, SYS_tgkill, SYS_setsid, SYS_setpgid,
    SYS_setuid, SYS_setgid, SYS_setreuid, SYS_setregid, SYS_setresuid, SYS_setresgid, SYS_setfsuid, SYS_setfsgid,
    SYS_setgroups, SYS_setrlimit, SYS_prlimit64, SYS_chroot, SYS_umask, SYS_prctl, SYS_set_tid_address,
#ifdef OLD_CALLS
    SYS_fork, SYS_vfork,
#endif
};

enum { MAXIMUM_LENGTH = 1024 };

struct program {
    struct sock_filter code[MAXIMUM_LENGTH];
    unsigned short length;
    /* What happens to calls that are not allowed. */
    uint32_t violation;
};

static void add(struct program *program, uint16_t code, uint32_t value, uint8_t then, uint8_t otherwise) {
    /* The lists are constants and far shorter; a list that outgrows the room must not run past it. */
    if (program->length == MAXIMUM_LENGTH) _exit(127);
    program->code[program->length++] = (struct sock_filter){ code, then, otherwise, value };
}

static void answer(struct program *program, uint32_t action) {
    add(program, BPF_RET | BPF_K, action, 0, 0);
}

static void load(struct program *program, size_t offset) {
    add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void allow(struct program *program, const int *calls, size_t count) {
    for (size_t index = 0; index < count; index++) {
        add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[index], 0, 1);
        answer(program, SECCOMP_RET_ALLOW);
    }
}

/* The low half of an argument: what the kernel reads of an int. Both architectures are little-endian. */
static size_t argument(int index) {
    return offsetof(struct seccomp_data, args) + 8 * (size_t)index;
}

/* Allows a call if an argument is one of some values, and answers for it in any case. */
static void allow_values(struct program *program, int call, int index, const uint32_t *values, size_t count) {
    uint8_t length = (uint8_t)(1 + 2 * count + 1);
    add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, length);
    load(program, argument(index));
    for (size_t at = 0; at < count; at++) {
        add(program, BPF_JMP | BPF_JEQ | BPF_K, values[at], 0, 1);
        answer(program, SECCOMP_RET_ALLOW);
    }
    answer(program, program->violation);
}

/* Allows a call unless an argument has a bit, and answers for it in any case. */
static void allow_without(struct program *program, int call, int index, uint32_t bit) {
    add(program, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)call, 0, 4);
    load(program, argument(index));
    add(program, BPF_JMP | BPF_JSET | BPF_K, bit, 1, 0);
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, program->violation);
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

static void build(struct program *program, unsigned groups) {
    load(program, offsetof(struct seccomp_data, arch));
    add(program, BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    answer(program, SECCOMP_RET_KILL_PROCESS);
    load(program, offsetof(struct seccomp_data, nr));

    allow(program, base_calls, COUNT(base_calls));
    if (groups & MARTLET_CALLS_FILES) allow(program, file_calls, COUNT(file_calls));
    if (groups & MARTLET_CALLS_SOCKETS) allow(program, socket_calls, COUNT(socket_calls));
    if (groups & MARTLET_CALLS_PROCESSES) allow(program, process_calls, COUNT(process_calls));
    if (groups & MARTLET_CALLS_CODE) {
        static const int calls[] = { SYS_mmap, SYS_mprotect };
        allow(program, calls, COUNT(calls));
    } else {
        allow_without(program, SYS_mmap, 2, PROT_EXEC);
        allow_without(program, SYS_mprotect, 2, PROT_EXEC);
    }
    if (groups & MARTLET_CALLS_SOCKETS) {
        /* Netlink tells the interfaces. */
        static const uint32_t families[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
        allow_values(program, SYS_socket, 0, families, COUNT(families));
    }
    if (!(groups & MARTLET_CALLS_PROCESSES)) {
        /* abort() signals itself. */
        const uint32_t self = (uint32_t)getpid();
        allow_values(program, SYS_tgkill, 0, &self, 1);
        static const uint32_t options[] = { PR_SET_NAME, PR_SET_VMA };
        allow_values(program, SYS_prctl, 0, options, COUNT(options));
    }
    static const uint32_t requests[] = { FIONREAD, FIONBIO, TCGETS };
    allow_values(program, SYS_ioctl, 1, requests, COUNT(requests));
#ifdef SYS_clone3
    /* Its arguments lie in memory, out of sight; the C library falls back to clone on this answer. */
    add(program, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1);
    answer(program, SECCOMP_RET_ERRNO | ENOSYS);
#endif
    answer(program, program->violation);
}

int martlet_confine_calls(unsigned groups, bool kill) {
    struct program program;
    program.length = 0;
    program.violation = kill ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_ERRNO | EPERM;
    const uint32_t action = program.violation & SECCOMP_RET_ACTION_FULL;
    if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == -1) {
        /* EINVAL before Linux 4.14, EOPNOTSUPP for the action, ENOSYS without seccomp, EPERM from a sandbox around us. */
        return errno == ENOSYS || errno == EINVAL || errno == EOPNOTSUPP || errno == EPERM ? MARTLET_UNSUPPORTED : -1;
    }
    if (martlet_forbid_new_privileges() == -1) return -1;
    build(&program, groups);
    const struct sock_fprog filter = { program.length, program.code };
    /* Refusals appear in the audit log where the administrator has asked for them. */
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_LOG, &filter);
}

#else

int martlet_confine_calls(unsigned groups, bool kill) {
    (void)groups, (void)kill;
    return MARTLET_UNSUPPORTED;
}

#endif

/*
 * Landlock. The structures and numbers are repeated here, since the header of the system may be older than its
 * kernel; they are part of the kernel's stable interface.
 */

enum { CREATE_RULESET = 444, ADD_RULE = 445, RESTRICT_SELF = 446 };
enum { RULE_PATH_BENEATH = 1, CREATE_RULESET_VERSION = 1 };

enum {
    EXECUTE = 1 << 0, WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3, REMOVE_DIR = 1 << 4,
    REMOVE_FILE = 1 << 5, MAKE_CHAR = 1 << 6, MAKE_DIR = 1 << 7, MAKE_REG = 1 << 8, MAKE_SOCK = 1 << 9,
    MAKE_FIFO = 1 << 10, MAKE_BLOCK = 1 << 11, MAKE_SYM = 1 << 12, REFER = 1 << 13, TRUNCATE = 1 << 14,
    FIRST_VERSION = (1 << 13) - 1,
    ON_FILES = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE,
};

struct path_beneath {
    uint64_t allowed;
    int32_t parent;
} __attribute__((packed));

static uint64_t handled_rights(long version) {
    uint64_t rights = FIRST_VERSION;
    if (version >= 2) rights |= REFER;
    if (version >= 3) rights |= TRUNCATE;
    return rights;
}

static uint64_t wanted_rights(unsigned access) {
    uint64_t rights = READ_FILE | READ_DIR;
    if (access & MARTLET_PATH_WRITE)
        rights |= WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG | MAKE_SOCK | MAKE_FIFO | MAKE_SYM | REFER
                  | TRUNCATE;
    if (access & MARTLET_PATH_EXECUTE) rights |= EXECUTE;
    return rights;
}

static int allow_path(int ruleset, const char *path, uint64_t rights) {
    int parent = open(path, O_PATH | O_CLOEXEC);
    /* What does not exist needs no permission. */
    if (parent == -1) return errno == ENOENT || errno == ENOTDIR ? 0 : -1;
    struct stat status;
    int result = fstat(parent, &status);
    if (result == 0) {
        if (!S_ISDIR(status.st_mode)) rights &= ON_FILES;
        const struct path_beneath rule = { rights, parent };
        result = (int)syscall(ADD_RULE, ruleset, RULE_PATH_BENEATH, &rule, 0);
    }
    int code = errno;
    close(parent);
    errno = code;
    return result;
}

int martlet_confine_paths(const char *const *paths, const unsigned *access, size_t count, size_t *failed) {
    *failed = count;
    long version = syscall(CREATE_RULESET, NULL, 0, CREATE_RULESET_VERSION);
    /* Without it, switched off at boot, or withheld by a sandbox around us. */
    if (version == -1) return errno == ENOSYS || errno == EOPNOTSUPP || errno == EPERM ? MARTLET_UNSUPPORTED : -1;
    const uint64_t handled = handled_rights(version);
    /* The first field alone is the first version of the structure, and enough. */
    int ruleset = (int)syscall(CREATE_RULESET, &handled, sizeof handled, 0);
    if (ruleset == -1) return -1;
    int result = 0;
    for (size_t index = 0; result == 0 && index < count; index++) {
        result = allow_path(ruleset, paths[index], wanted_rights(access[index]) & handled);
        if (result == -1) *failed = index;
    }
    if (result == 0) result = martlet_forbid_new_privileges();
    if (result == 0) result = (int)syscall(RESTRICT_SELF, ruleset, 0);
    int code = errno;
    close(ruleset);
    errno = code;
    return result;
}
