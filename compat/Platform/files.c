/* Files: what only Linux has. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <errno.h>
#include <fcntl.h>

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
