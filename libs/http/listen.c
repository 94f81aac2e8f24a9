#include "http/listen.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

enum { HOST_BYTES = 256, BACKLOG = 1024 };

/* Splits at the last ':'; brackets around the host are dropped. */
static qt_code split_addr(const char *addr, char host[HOST_BYTES], const char **ret_port,
                          qt_err *err) {
    const char *colon = strrchr(addr, ':');
    size_t len = colon != NULL ? (size_t)(colon - addr) : 0;
    bool brackets = len >= 2 && addr[0] == '[' && addr[len - 1] == ']';
    if (colon == NULL || colon[1] == '\0' || len >= HOST_BYTES) {
        return qt_fail(err, SETTING_INVALID, "%s is no host:port", addr);
    }
    len -= brackets ? 2 : 0;
    memcpy(host, addr + brackets, len);
    host[len] = '\0';
    *ret_port = colon + 1;
    return QT_OK;
}

static int port_of(int fd) {
    struct sockaddr_storage addr;
    socklen_t len = sizeof addr;
    if (getsockname(fd, (struct sockaddr *)&addr, &len) != 0) {
        return 0;
    }
    if (addr.ss_family == AF_INET6) {
        return ntohs(((const struct sockaddr_in6 *)&addr)->sin6_port);
    }
    return ntohs(((const struct sockaddr_in *)&addr)->sin_port);
}

static int open_one(const struct addrinfo *info) {
    QT_AUTO_CLOSE int fd =
        socket(info->ai_family, info->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, info->ai_addr, info->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        return -1;
    }
    int taken = fd;
    fd = -1;
    return taken;
}

qt_code qt_http_listen(const char *addr, int *ret_fd, int *ret_port, qt_err *err) {
    char host[HOST_BYTES];
    const char *port = "";
    QT_TRY(split_addr(addr, host, &port, err));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    int status = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
    if (status != 0) {
        return qt_fail(err, SETTING_INVALID, "%s: %s", addr, gai_strerror(status));
    }
    int fd = -1;
    for (const struct addrinfo *p = found; p != NULL && fd < 0; p = p->ai_next) {
        fd = open_one(p);
    }
    int saved = errno;
    freeaddrinfo(found);
    if (fd < 0) {
        return qt_fail(err, IO_ERROR, "cannot listen on %s: %s", addr, strerror(saved));
    }
    *ret_port = port_of(fd);
    *ret_fd = fd;
    return QT_OK;
}
