/* What Swift cannot say of Unix: macros, variadic calls, fork. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#ifndef MARTLET_CPLATFORM_H
#define MARTLET_CPLATFORM_H
#include <sys/types.h>

/* fcntl with an integer argument. */
int martlet_fcntl(int descriptor, int command, int argument);

/* sendmsg of bytes with one descriptor (-1 for none) on the first byte. MSG_NOSIGNAL. */
ssize_t martlet_send_descriptor(int socket, const void *bytes, size_t count, int descriptor);

/* recvmsg of bytes and at most one descriptor (-1 when none came), close-on-exec; surplus ones are closed. */
ssize_t martlet_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor);
#endif
