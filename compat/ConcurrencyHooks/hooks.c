/*
 * Points the Swift runtime's global executor at the event loop.
 *
 * The declarations repeat those of the runtime's own header (swift/Runtime/Concurrency.h), which is not
 * installed with the toolchain; the hooks have been part of the runtime's interface since Swift 5.5.
 */
#include "CConcurrencyHooks.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SWIFTCC __attribute__((swiftcall))

typedef SWIFTCC void (*enqueue_original)(void *job);
typedef SWIFTCC void (*delay_original)(unsigned long long delay, void *job);
typedef SWIFTCC void (*deadline_original)(long long seconds, long long nanoseconds, long long tolerance_seconds,
                                          long long tolerance_nanoseconds, int clock, void *job);

/* A serial executor as the runtime passes it: the object and its witness table. */
struct executor {
    void *identity;
    uintptr_t implementation;
};
typedef SWIFTCC struct executor (*main_executor_original)(void);

extern SWIFTCC void (*swift_task_enqueueGlobal_hook)(void *job, enqueue_original original);
extern SWIFTCC void (*swift_task_enqueueGlobalWithDelay_hook)(unsigned long long delay, void *job,
                                                              delay_original original);
extern SWIFTCC void (*swift_task_enqueueGlobalWithDeadline_hook)(long long seconds, long long nanoseconds,
                                                                 long long tolerance_seconds,
                                                                 long long tolerance_nanoseconds, int clock,
                                                                 void *job, deadline_original original);
extern SWIFTCC struct executor (*swift_task_getMainExecutor_hook)(main_executor_original original);

/* Written once, before the loop starts. */
static void (*global_sink)(void *job);

static _Noreturn void refuse(const char *text) {
    ssize_t written = write(STDERR_FILENO, text, strlen(text));
    (void)written;
    abort();
}

static SWIFTCC void on_global(void *job, enqueue_original original) {
    (void)original;
    global_sink(job);
}

static SWIFTCC void on_delay(unsigned long long delay, void *job, delay_original original) {
    (void)delay, (void)job, (void)original;
    refuse("Task.sleep is not for programs on the event loop: use pause(until:)\n");
}

static SWIFTCC void on_deadline(long long seconds, long long nanoseconds, long long tolerance_seconds,
                                long long tolerance_nanoseconds, int clock, void *job,
                                deadline_original original) {
    (void)seconds, (void)nanoseconds, (void)tolerance_seconds, (void)tolerance_nanoseconds, (void)clock;
    (void)job, (void)original;
    refuse("Task.sleep is not for programs on the event loop: use pause(until:)\n");
}

/* Asked for by whoever is about to run on the main actor; nobody else needs it. */
static SWIFTCC struct executor on_main(main_executor_original original) {
    (void)original;
    refuse("the main actor is not served by programs on the event loop: isolate to EventLoopActor\n");
}

void martlet_hook_global_executor(void (*sink)(void *job)) {
    global_sink = sink;
    swift_task_enqueueGlobal_hook = on_global;
    swift_task_enqueueGlobalWithDelay_hook = on_delay;
    swift_task_enqueueGlobalWithDeadline_hook = on_deadline;
    swift_task_getMainExecutor_hook = on_main;
}
