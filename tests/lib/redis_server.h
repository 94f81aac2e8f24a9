/* A private redis-server for one test: in its own directory, on a unix socket and a free port, and
 * dead with the test's process. */
#ifndef QT_TESTS_REDIS_SERVER_H
#define QT_TESTS_REDIS_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct qt_test_redis {
    char *dir;
    char url[200];     /* unix://<dir>/redis.sock */
    char tcp_url[100]; /* redis://127.0.0.1:<port>/0 */
    int port;
    bool append_only;
    const char *password; /* NULL: none */
    pid_t pid;            /* 0: not running */
} qt_test_redis;

/* Starts and waits until it answers; a test that cannot start it fails. With append_only each
 * write is on disk before it is answered. password (kept, not copied) may be NULL. */
void qt_test_redis_start(qt_test_redis *server, bool append_only, const char *password);
/* kill -9. */
void qt_test_redis_kill(qt_test_redis *server);
/* Starts again with the same directory, socket and port. */
void qt_test_redis_restart(qt_test_redis *server);
/* Stops it and removes its directory. */
void qt_test_redis_stop(qt_test_redis *server);

/* Runs one command of words split at spaces on the server; the reply as text: a status, a string,
 * a number, "(nil)", "(error) ...", the first element's text of an array. The caller frees it. */
char *qt_test_redis_command(const qt_test_redis *server, const char *command);
/* The same, as a number. */
long long qt_test_redis_number(const qt_test_redis *server, const char *command);

#endif
