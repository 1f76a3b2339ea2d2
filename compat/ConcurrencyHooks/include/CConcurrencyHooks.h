/* The hooks of the Swift runtime through which work reaches its global executor. */
#ifndef MARTLET_CCONCURRENCYHOOKS_H
#define MARTLET_CCONCURRENCYHOOKS_H

/*
 * Sends every job meant for the global executor to `sink` instead, and makes sleeping on the runtime's
 * clock and jobs for the main actor end the process with a message: both would need another thread.
 * To be called before the first job exists that is not bound to an executor.
 */
void martlet_hook_global_executor(void (*sink)(void *job));
#endif
