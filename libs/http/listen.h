/* Opens the listening socket. Private to libs/http. */
#ifndef QT_HTTP_LISTEN_H
#define QT_HTTP_LISTEN_H

#include "base/err.h"

/* addr: "host:port", "[v6]:port", port 0 picks one. The caller closes *ret_fd. */
qt_code qt_http_listen(const char *addr, int *ret_fd, int *ret_port, qt_err *err);

#endif
