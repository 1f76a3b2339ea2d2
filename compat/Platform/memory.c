/* Memory: giving back what the allocator keeps, where it can be asked to; files that are memory. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <stdlib.h>
#include <sys/mman.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void martlet_return_freed_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

int martlet_memory_file(const char *name) { return memfd_create(name, MFD_CLOEXEC); }
