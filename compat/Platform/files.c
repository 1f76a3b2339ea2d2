/* Files: what only Linux has, and fsync of many files at once. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

int martlet_start_writeback(int descriptor) {
#ifdef SYNC_FILE_RANGE_WRITE
    if (sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE) == 0) return 0;
    /* Only a hint: file systems and sandboxes without it lose a little speed. */
    return errno == ESPIPE || errno == ENOSYS || errno == EINVAL || errno == EPERM ? 0 : -1;
#else
    (void)descriptor;
    return 0;
#endif
}

struct sync_work {
    const int *descriptors;
    int *codes;
    size_t count;
    atomic_size_t next;
};

static void *sync_some(void *argument) {
    struct sync_work *work = argument;
    for (;;) {
        size_t index = atomic_fetch_add(&work->next, 1);
        if (index >= work->count) return NULL;
        int result;
        do result = fsync(work->descriptors[index]);
        while (result == -1 && errno == EINTR);
        work->codes[index] = result == 0 ? 0 : errno;
    }
}

void martlet_sync_all(const int *descriptors, int *codes, size_t count) {
    enum { MOST_THREADS = 16 };
    pthread_t threads[MOST_THREADS];
    size_t started = 0;
    struct sync_work work = { descriptors, codes, count, 0 };
    pthread_attr_t attributes;
    if (count > 1 && pthread_attr_init(&attributes) == 0) {
        /* The threads do nothing but fsync; signals stay with the caller. */
        sigset_t all, before;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before);
        pthread_attr_setstacksize(&attributes, PTHREAD_STACK_MIN + 32768);
        while (started < MOST_THREADS - 1 && started < count - 1) {
            /* Fewer threads than wished only take longer. */
            if (pthread_create(&threads[started], &attributes, sync_some, &work) != 0) break;
            started++;
        }
        pthread_attr_destroy(&attributes);
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    sync_some(&work);
    while (started > 0) pthread_join(threads[--started], NULL);
}
