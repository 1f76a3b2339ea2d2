/* Memory: giving back what the allocator keeps, where it can be asked to. */
#include "CPlatform.h"
#include <stdlib.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void martlet_return_freed_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}
