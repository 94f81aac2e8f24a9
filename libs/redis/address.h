/* Where a Redis server is, and who we are there. */
#ifndef QT_REDIS_ADDRESS_H
#define QT_REDIS_ADDRESS_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qt_redis_address {
    char host[256];     /* name or number; "" for a unix socket */
    char path[108];     /* of the unix socket; "" for TCP */
    uint16_t port;      /* TCP only */
    int db;             /* number of the database */
    char user[128];     /* "": the default user */
    char password[256]; /* "": none */
} qt_redis_address;

/* Reads "redis://[[user]:password@]host[:port][/db]" (host may be "[v6 address]") or
 * "unix:///path[?db=n]"; user, password and path may have %XX escapes. SETTING_INVALID says what
 * is wrong and never repeats the text, which may hold a password. */
qt_code qt_redis_address_parse(const char *url, qt_redis_address *ret_address, qt_err *err);

/* The single settings instead of a URL; a host with a leading '/' is the path of a socket. */
qt_code qt_redis_address_make(const char *host, int64_t port, int64_t db, const char *user,
                              const char *password, qt_redis_address *ret_address, qt_err *err);

#endif
