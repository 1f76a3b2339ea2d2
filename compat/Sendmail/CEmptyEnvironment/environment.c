/*
 * For the set-group-id program: the C library and the Swift runtime read variables from their own
 * initialisers, before main. What stands in .preinit_array runs before those of every library.
 */
#include "CEmptyEnvironment.h"

static void empty(int count, char **arguments, char **environment) {
    (void)count;
    (void)arguments;
    environment[0] = 0;
}

__attribute__((section(".preinit_array"), used))
static void (*const before_everything)(int, char **, char **) = empty;

void martlet_empty_environment(void) {}
