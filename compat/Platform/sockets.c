/* Sockets: what glibc shows to _GNU_SOURCE only. */
#define _GNU_SOURCE 1
#include "CPlatform.h"
#include <sys/socket.h>

int martlet_accept(int listener, void *peer, uint32_t room, uint32_t *length) {
    *length = room;
    return accept4(listener, peer, length, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

int martlet_peer_credentials(int socket, pid_t *process, uid_t *user, gid_t *group) {
    struct ucred credentials;
    socklen_t length = sizeof credentials;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &credentials, &length) == -1) return -1;
    *process = credentials.pid;
    *user = credentials.uid;
    *group = credentials.gid;
    return 0;
}
