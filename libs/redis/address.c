#include "redis/address.h"

#include <stddef.h>
#include <string.h>

enum { DEFAULT_PORT = 6379, MAX_DB = 65535 };

/* A piece of the URL. */
typedef struct span {
    const char *s;
    size_t len;
} span;

static qt_code bad(qt_err *err, const char *what) {
    return qt_fail(err, SETTING_INVALID, "the address of Redis: %s", what);
}

/* Cuts the text before the first `c` off *rest; false when there is none. */
static bool cut(span *rest, char c, span *ret_head) {
    const char *at = memchr(rest->s, c, rest->len);
    if (at == NULL) {
        return false;
    }
    size_t len = (size_t)(at - rest->s);
    *ret_head = (span){rest->s, len};
    *rest = (span){at + 1, rest->len - len - 1};
    return true;
}

/* The same before the last `c`. */
static bool cut_last(span *rest, char c, span *ret_head) {
    const char *at = memrchr(rest->s, c, rest->len);
    if (at == NULL) {
        return false;
    }
    size_t len = (size_t)(at - rest->s);
    *ret_head = (span){rest->s, len};
    *rest = (span){at + 1, rest->len - len - 1};
    return true;
}

static int hex(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Copies with %XX decoded. */
static qt_code decode(span in, char *out, size_t cap, const char *what, qt_err *err) {
    size_t n = 0;
    for (size_t i = 0; i < in.len; i++) {
        int c = (unsigned char)in.s[i];
        if (c == '%') {
            bool complete = in.len - i > 2;
            int high = complete ? hex(in.s[i + 1]) : -1;
            int low = complete ? hex(in.s[i + 2]) : -1;
            if (high < 0 || low < 0) {
                return bad(err, "a % is not followed by two hexadecimal digits");
            }
            c = high * 16 + low;
            i += 2;
        }
        if (c == 0 || n + 1 >= cap) {
            return bad(err, what);
        }
        out[n++] = (char)c;
    }
    out[n] = '\0';
    return QT_OK;
}

static qt_code number(span in, long max, const char *what, long *ret_value, qt_err *err) {
    long value = 0;
    for (size_t i = 0; i < in.len; i++) {
        if (in.s[i] < '0' || in.s[i] > '9' || value > max) {
            return bad(err, what);
        }
        value = value * 10 + (in.s[i] - '0');
    }
    if (in.len == 0 || value > max) {
        return bad(err, what);
    }
    *ret_value = value;
    return QT_OK;
}

static qt_code parse_db(span in, qt_redis_address *a, qt_err *err) {
    long db = 0;
    QT_TRY(number(in, MAX_DB, "the database is not a number from 0 to 65535", &db, err));
    a->db = (int)db;
    return QT_OK;
}

static qt_code parse_port(span in, qt_redis_address *a, qt_err *err) {
    static const char what[] = "the port is not a number from 1 to 65535";
    long port = 0;
    QT_TRY(number(in, 65535, what, &port, err));
    if (port == 0) {
        return bad(err, what);
    }
    a->port = (uint16_t)port;
    return QT_OK;
}

static qt_code parse_query(span query, qt_redis_address *a, qt_err *err) {
    span name;
    if (!cut(&query, '=', &name) || name.len != 2 || memcmp(name.s, "db", 2) != 0) {
        return bad(err, "the only parameter is db");
    }
    return parse_db(query, a, err);
}

static qt_code parse_user(span user_info, qt_redis_address *a, qt_err *err) {
    span user;
    if (!cut(&user_info, ':', &user)) {
        return bad(err, "before the @ there must be user:password or :password");
    }
    QT_TRY(decode(user, a->user, sizeof a->user, "the user is too long", err));
    return decode(user_info, a->password, sizeof a->password, "the password is too long", err);
}

/* "host", "host:port", "[v6]" or "[v6]:port". */
static qt_code parse_host(span in, qt_redis_address *a, qt_err *err) {
    span host = in;
    span port = {NULL, 0};
    if (in.len > 0 && in.s[0] == '[') {
        span rest = {in.s + 1, in.len - 1};
        if (!cut(&rest, ']', &host) || (rest.len > 0 && rest.s[0] != ':')) {
            return bad(err, "the [host] is not closed");
        }
        port = rest.len > 0 ? (span){rest.s + 1, rest.len - 1} : port;
    } else if (cut(&in, ':', &host)) {
        port = in;
    }
    if (host.len == 0) {
        return bad(err, "the host is missing");
    }
    QT_TRY(decode(host, a->host, sizeof a->host, "the host is too long", err));
    return port.s != NULL ? parse_port(port, a, err) : QT_OK;
}

static qt_code parse_tcp(span rest, qt_redis_address *a, qt_err *err) {
    span part;
    span query = rest;
    if (cut(&query, '?', &part)) {
        rest = part;
        QT_TRY(parse_query(query, a, err));
    }
    /* the password may hold any character, so the last @ ends it */
    if (cut_last(&rest, '@', &part)) {
        QT_TRY(parse_user(part, a, err));
    }
    span host;
    if (!cut(&rest, '/', &host)) {
        return parse_host(rest, a, err);
    }
    QT_TRY(parse_host(host, a, err));
    return rest.len > 0 ? parse_db(rest, a, err) : QT_OK;
}

static qt_code parse_unix(span rest, qt_redis_address *a, qt_err *err) {
    span query = rest;
    span path = rest;
    if (cut(&query, '?', &path)) {
        QT_TRY(parse_query(query, a, err));
    }
    if (path.len < 2 || path.s[0] != '/') {
        return bad(err, "unix:// is followed by the absolute path of the socket");
    }
    return decode(path, a->path, sizeof a->path, "the path of the socket is too long", err);
}

qt_code qt_redis_address_parse(const char *url, qt_redis_address *ret_address, qt_err *err) {
    static const char tcp[] = "redis://";
    static const char local[] = "unix://";
    qt_redis_address a = {.port = DEFAULT_PORT};
    if (strncmp(url, tcp, sizeof tcp - 1) == 0) {
        url += sizeof tcp - 1;
        QT_TRY(parse_tcp((span){url, strlen(url)}, &a, err));
    } else if (strncmp(url, local, sizeof local - 1) == 0) {
        url += sizeof local - 1;
        QT_TRY(parse_unix((span){url, strlen(url)}, &a, err));
    } else {
        return bad(err, "it starts with redis:// or unix://");
    }
    *ret_address = a;
    return QT_OK;
}

static qt_code copy(const char *s, char *out, size_t cap, const char *what, qt_err *err) {
    size_t len = s != NULL ? strlen(s) : 0;
    if (len >= cap) {
        return bad(err, what);
    }
    memcpy(out, s != NULL ? s : "", len + 1);
    return QT_OK;
}

qt_code qt_redis_address_make(const char *host, int64_t port, int64_t db, const char *user,
                              const char *password, qt_redis_address *ret_address, qt_err *err) {
    qt_redis_address a = {0};
    if (host == NULL || host[0] == '\0') {
        return bad(err, "the host is missing");
    }
    if (port < 1 || port > 65535 || db < 0 || db > MAX_DB) {
        return bad(err, "the port or the database is out of range");
    }
    a.port = (uint16_t)port;
    a.db = (int)db;
    if (host[0] == '/') {
        QT_TRY(copy(host, a.path, sizeof a.path, "the path of the socket is too long", err));
    } else {
        QT_TRY(copy(host, a.host, sizeof a.host, "the host is too long", err));
    }
    QT_TRY(copy(user, a.user, sizeof a.user, "the user is too long", err));
    QT_TRY(copy(password, a.password, sizeof a.password, "the password is too long", err));
    *ret_address = a;
    return QT_OK;
}
