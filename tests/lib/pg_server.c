#include "pg_server.h"

#include "testlib.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PG_BIN "/usr/lib/postgresql/15/bin"

enum { START_MS = 60000 };

static char *path_in(const char *dir, const char *name) {
    char *text = NULL;
    ck_assert_int_ge(asprintf(&text, "%s/%s", dir, name), 0);
    return text;
}

static void run_initdb(const char *dir) {
    char *data = path_in(dir, "data");
    char *log = path_in(dir, "initdb.txt");
    const char *const argv[] = {
        PG_BIN "/initdb",  "-D",         data, "-U", "postgres", "--auth=trust", "--no-sync",
        "--encoding=UTF8", "--locale=C", NULL};
    ck_assert_int_eq(qt_test_run_command("postgres", argv, log), 0);
    free(data);
    free(log);
}

static bool takes_connections(void *arg) {
    PGconn *conn = PQconnectdb(arg);
    bool ok = PQstatus(conn) == CONNECTION_OK;
    PQfinish(conn);
    return ok;
}

void qt_pg_server_restart(qt_pg_server *server) {
    char *data = path_in(server->dir, "data");
    char *log = path_in(server->dir, "log.txt");
    const char *const argv[] = {PG_BIN "/postgres",
                                "-D",
                                data,
                                "-k",
                                server->dir,
                                "-c",
                                "listen_addresses=",
                                "-c",
                                server->fsync ? "fsync=on" : "fsync=off",
                                "-c",
                                "max_connections=200",
                                "-c",
                                "shared_buffers=64MB",
                                NULL};
    server->pid = qt_test_spawn_as("postgres", argv, log);
    ck_assert_msg(qt_test_wait(takes_connections, server->url, START_MS),
                  "PostgreSQL did not start");
    free(data);
    free(log);
}

void qt_pg_server_start(qt_pg_server *server, bool fsync) {
    *server = (qt_pg_server){.dir = qt_test_dir_new(), .fsync = fsync};
    ck_assert_int_ge(asprintf(&server->url, "host=%s user=postgres dbname=postgres", server->dir),
                     0);
    struct passwd *pw = getpwnam("postgres");
    if (geteuid() == 0 && pw != NULL) {
        ck_assert_int_eq(chown(server->dir, pw->pw_uid, pw->pw_gid), 0);
    }
    run_initdb(server->dir);
    qt_pg_server_restart(server);
}

/* The postmaster's death makes its children quit, but a new one must not start before they did:
 * all of them hold the socket's lock file's shared memory, so the new one waits and tries. */
void qt_pg_server_kill(qt_pg_server *server) {
    qt_test_stop(server->pid, SIGKILL);
    server->pid = 0;
}

void qt_pg_server_stop(qt_pg_server *server) {
    if (server->pid > 0) {
        qt_test_stop(server->pid, SIGQUIT);
    }
    if (server->dir != NULL) {
        qt_test_dir_remove(server->dir);
    }
    free(server->dir);
    free(server->url);
    *server = (qt_pg_server){0};
}

char *qt_pg_server_new_database(qt_pg_server *server) {
    static int turn;
    char sql[64];
    char *url = NULL;
    turn++;
    snprintf(sql, sizeof sql, "CREATE DATABASE t%d", turn);
    PGconn *conn = PQconnectdb(server->url);
    PGresult *result = PQexec(conn, sql);
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    ck_assert_int_ge(asprintf(&url, "host=%s user=postgres dbname=t%d", server->dir, turn), 0);
    return url;
}
