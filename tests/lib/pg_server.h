/* A private PostgreSQL for tests: its own data directory, a unix socket, no TCP. */
#ifndef QT_TESTS_PG_SERVER_H
#define QT_TESTS_PG_SERVER_H

#include <stdbool.h>
#include <sys/types.h>

typedef struct qt_pg_server {
    char *dir; /* holds data/, the socket and log.txt */
    char *url; /* of the database `postgres`, for libpq */
    pid_t pid;
    bool fsync;
} qt_pg_server;

/* Makes a cluster and starts it; the test fails when that is not possible. */
void qt_pg_server_start(qt_pg_server *server, bool fsync);
/* Stops it and removes everything. Safe on zeroed memory. */
void qt_pg_server_stop(qt_pg_server *server);
/* kill -9 of the postmaster, which takes its children along; nothing is removed. */
void qt_pg_server_kill(qt_pg_server *server);
/* Starts it again after a kill; waits until it takes connections. */
void qt_pg_server_restart(qt_pg_server *server);
/* A URL of another database of the server, made new and empty; caller frees it. */
char *qt_pg_server_new_database(qt_pg_server *server);

#endif
