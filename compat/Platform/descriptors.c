/* Descriptors: fcntl, locks, and descriptors on their way to other processes. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <fcntl.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

int martlet_fcntl(int descriptor, int command, int argument) {
    return fcntl(descriptor, command, argument);
}

ssize_t martlet_send_descriptor(int socket, const void *bytes, size_t count, int descriptor) {
    union { struct cmsghdr align; char room[CMSG_SPACE(sizeof(int))]; } control;
    struct iovec part = { (void *)bytes, count };
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (descriptor >= 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.room;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &descriptor, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t martlet_receive_descriptor(int socket, void *bytes, size_t count, int *descriptor) {
    union { struct cmsghdr align; char room[CMSG_SPACE(8 * sizeof(int))]; } control;
    struct iovec part = { bytes, count };
    struct msghdr message;
    memset(&message, 0, sizeof message);
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.room;
    message.msg_controllen = sizeof control.room;
    *descriptor = -1;
    ssize_t result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    if (result < 0) return result;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        size_t number = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t index = 0; index < number; index++) {
            int received;
            memcpy(&received, CMSG_DATA(header) + index * sizeof(int), sizeof(int));
            if (*descriptor < 0) *descriptor = received;
            else close(received);
        }
    }
    return result;
}

int martlet_eventfd(void) {
    return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

int martlet_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC);
}

int martlet_record_lock(int descriptor, bool lock, bool wait) {
    struct flock region;
    memset(&region, 0, sizeof region);
    region.l_type = lock ? F_WRLCK : F_UNLCK;
    region.l_whence = SEEK_SET;
    return fcntl(descriptor, wait ? F_SETLKW : F_SETLK, &region);
}
