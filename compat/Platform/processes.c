/* Processes: fork and exec in one function, and the wait macros. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum step { DESCRIPTORS, SESSION, LIMIT, ROOT, GROUPS, GROUP, USER, DIRECTORY, EXEC };

static const char *const step_names[] = {
    "dup2", "setsid", "setrlimit", "chroot", "setgroups", "setresgid", "setresuid", "chdir", "execve",
};

struct failure {
    int step;
    int code;
};

/* Where the pipe for failures is kept in the child: just above what the program gets. */
enum { REPORT = 4 };

static _Noreturn void fail(int report, enum step step) {
    struct failure failure = { step, errno };
    ssize_t written = write(report, &failure, sizeof failure);
    (void)written;
    _exit(127);
}

/* Closes everything from `first` on; only calls that are safe after fork. */
static void close_from(unsigned int first) {
#ifdef SYS_close_range
    if (syscall(SYS_close_range, first, ~0U, 0) == 0) return;
#endif
    struct rlimit limit;
    rlim_t end = getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max != RLIM_INFINITY ? limit.rlim_max : 65536;
    for (rlim_t descriptor = first; descriptor < end; descriptor++) close((int)descriptor);
}

/* Puts the descriptors in their places. All are moved out of the way first, since a source may be a target. */
static int place_descriptors(const int *sources, int *report) {
    int moved[4];
    *report = fcntl(*report, F_DUPFD_CLOEXEC, 16);
    if (*report == -1) return -1;
    for (int index = 0; index < 4; index++) {
        moved[index] = -1;
        if (sources[index] >= 0) {
            moved[index] = fcntl(sources[index], F_DUPFD_CLOEXEC, 16);
        } else if (index < 3) {
            int null = open("/dev/null", O_RDWR | O_CLOEXEC);
            if (null == -1) return -1;
            moved[index] = fcntl(null, F_DUPFD_CLOEXEC, 16);
        } else {
            continue;
        }
        if (moved[index] == -1) return -1;
    }
    for (int index = 0; index < 4; index++) {
        if (moved[index] == -1) close(index);
        else if (dup2(moved[index], index) == -1) return -1;
    }
    if (dup3(*report, REPORT, O_CLOEXEC) == -1) return -1;
    *report = REPORT;
    close_from(REPORT + 1);
    return 0;
}

static void reset_signals(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = SIG_DFL;
    /* KILL, STOP and the C library's own signals refuse, as they should. */
    for (int number = 1; number < NSIG; number++) sigaction(number, &action, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

static _Noreturn void become(const struct martlet_spawn *request, int report) {
    if (place_descriptors(request->descriptors, &report) == -1) fail(report, DESCRIPTORS);
    if (request->new_session && setsid() == -1) fail(report, SESSION);
    if (request->open_files != 0) {
        struct rlimit limit;
        if (getrlimit(RLIMIT_NOFILE, &limit) == -1) fail(report, LIMIT);
        limit.rlim_cur = request->open_files < limit.rlim_max ? request->open_files : limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) == -1) fail(report, LIMIT);
    }
    if (request->root && (chroot(request->root) == -1 || chdir("/") == -1)) fail(report, ROOT);
    if (request->change_user) {
        /* The plain system calls: the library's wrappers talk to other threads, which are not here. */
        if (syscall(SYS_setgroups, request->group_count, request->groups) == -1) fail(report, GROUPS);
        if (syscall(SYS_setresgid, request->group, request->group, request->group) == -1) fail(report, GROUP);
        if (syscall(SYS_setresuid, request->user, request->user, request->user) == -1) fail(report, USER);
    }
    /* As the user: a directory only root may enter is not for them. */
    if (request->directory && chdir(request->directory) == -1) fail(report, DIRECTORY);
    if (request->mask >= 0) umask((mode_t)request->mask);
    reset_signals();
    execve(request->path, request->arguments, request->environment);
    fail(report, EXEC);
}

pid_t martlet_spawn(const struct martlet_spawn *request, const char **step) {
    int report[2];
    *step = "pipe2";
    if (pipe2(report, O_CLOEXEC) == -1) return -1;

    /* A signal handler of ours must not run in the child. */
    sigset_t all, before;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &before);
    *step = "fork";
    pid_t child = fork();
    if (child == 0) become(request, report[1]);
    int code = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child == -1) {
        close(report[0]);
        errno = code;
        return -1;
    }

    struct failure failure;
    ssize_t count;
    do count = read(report[0], &failure, sizeof failure);
    while (count == -1 && errno == EINTR);
    close(report[0]);
    if (count != sizeof failure) return child;

    /* It has ended or is about to: collect it here, since the caller never learns its number. */
    while (waitpid(child, NULL, 0) == -1 && errno == EINTR) continue;
    *step = failure.step >= 0 && failure.step <= EXEC ? step_names[failure.step] : "spawn";
    errno = failure.code;
    return -1;
}

bool martlet_wait_exited(int status, int *code) {
    *code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
    return WIFEXITED(status);
}

int martlet_wait_signal(int status) {
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

/* The process that was started, waiting for the word of the one in the background. */
static _Noreturn void await_start(int report) {
    char text[4096];
    size_t length = 0;
    while (length < sizeof text) {
        ssize_t count = read(report, text + length, sizeof text - length);
        if (count == -1 && errno == EINTR) continue;
        if (count <= 0) break;
        length += (size_t)count;
        if (text[0] == '\0') _exit(0);
    }
    static const char silent[] = "the daemon ended before it was ready\n";
    ssize_t written = length > 0 ? write(STDERR_FILENO, text, length) : write(STDERR_FILENO, silent, sizeof silent - 1);
    (void)written;
    _exit(1);
}

int martlet_detach(void) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) == -1) return -1;
    pid_t child = fork();
    if (child == -1) {
        int code = errno;
        close(report[0]);
        close(report[1]);
        errno = code;
        return -1;
    }
    if (child > 0) {
        close(report[1]);
        await_start(report[0]);
    }
    close(report[0]);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null == -1 || setsid() == -1 || chdir("/") == -1) return -1;
    /* The pipe is out of their way: the caller has completed its standard descriptors before. */
    for (int target = 0; target < 3; target++)
        if (dup2(null, target) == -1) return -1;
    if (null > STDERR_FILENO) close(null);
    return report[1];
}
