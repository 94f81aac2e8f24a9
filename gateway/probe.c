#include "gateway/probe.h"

#include "base/cleanup.h"

#include <errno.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { HOST_BYTES = 256 };

static qt_code split(const char *addr, char host[HOST_BYTES], const char **ret_port, qt_err *err) {
    const char *colon = strrchr(addr, ':');
    size_t len = colon != NULL ? (size_t)(colon - addr) : 0;
    if (colon == NULL || len >= HOST_BYTES) {
        return qt_fail(err, SETTING_INVALID, "%s is no host:port", addr);
    }
    bool brackets = len >= 2 && addr[0] == '[' && addr[len - 1] == ']';
    snprintf(host, HOST_BYTES, "%.*s", (int)(len - (brackets ? 2 : 0)), addr + brackets);
    if (host[0] == '\0' || strcmp(host, "0.0.0.0") == 0) {
        snprintf(host, HOST_BYTES, "127.0.0.1");
    } else if (strcmp(host, "::") == 0) {
        snprintf(host, HOST_BYTES, "::1");
    }
    *ret_port = colon + 1;
    return QT_OK;
}

static int connect_to(const struct addrinfo *found, int64_t timeout_ms) {
    struct timeval limit = {.tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000};
    for (const struct addrinfo *p = found; p != NULL; p = p->ai_next) {
        int fd = socket(p->ai_family, p->ai_socktype | SOCK_CLOEXEC, 0);
        if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit) == 0 &&
            setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0 &&
            connect(fd, p->ai_addr, p->ai_addrlen) == 0) {
            return fd;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    return -1;
}

/* Whether the first line of the answer says 200. */
static bool ask(int fd) {
    static const char request[] =
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    static const char wanted[] = "HTTP/1.1 200 ";
    char line[sizeof wanted];
    size_t got = 0;
    if (send(fd, request, sizeof request - 1, MSG_NOSIGNAL) != (ssize_t)sizeof request - 1) {
        return false;
    }
    while (got < sizeof wanted - 1) {
        ssize_t n = recv(fd, line + got, sizeof wanted - 1 - got, 0);
        if (n <= 0) {
            return false;
        }
        got += (size_t)n;
    }
    return memcmp(line, wanted, sizeof wanted - 1) == 0;
}

qt_code qt_gateway_probe(const char *listen_addr, int64_t timeout_ms, qt_err *err) {
    char host[HOST_BYTES];
    const char *port = "";
    QT_TRY(split(listen_addr, host, &port, err));
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    if (getaddrinfo(host, port, &hints, &found) != 0) {
        return qt_fail(err, SETTING_INVALID, "%s is no address", listen_addr);
    }
    QT_AUTO_CLOSE int fd = connect_to(found, timeout_ms);
    freeaddrinfo(found);
    if (fd < 0 || !ask(fd)) {
        return qt_fail(err, SERVICE_UNAVAILABLE, "%s does not answer", listen_addr);
    }
    return QT_OK;
}
