#include "pg_server.h"

#include "testlib.h"

#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
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

static void spawn(qt_pg_server *server) {
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
    free(data);
    free(log);
}

/* After a kill -9 the old server's children may still be there for a moment; PostgreSQL does not
 * start beside them, so it is started again until it does. */
static bool is_up(void *arg) {
    qt_pg_server *server = arg;
    if (server->pid == 0 || waitpid(server->pid, NULL, WNOHANG) == server->pid) {
        spawn(server);
    }
    PGconn *conn = PQconnectdb(server->url);
    bool ok = PQstatus(conn) == CONNECTION_OK;
    PQfinish(conn);
    return ok;
}

void qt_pg_server_restart(qt_pg_server *server) {
    ck_assert_msg(qt_test_wait(is_up, server, START_MS), "PostgreSQL did not start");
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
    char name[40];
    char sql[64];
    char *url = NULL;
    snprintf(name, sizeof name, "t%d_%d", (int)getpid(), ++turn); /* tests are forked */
    snprintf(sql, sizeof sql, "CREATE DATABASE %s", name);
    PGconn *conn = PQconnectdb(server->url);
    PGresult *result = PQexec(conn, sql);
    ck_assert_msg(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
    ck_assert_int_ge(asprintf(&url, "host=%s user=postgres dbname=%s", server->dir, name), 0);
    return url;
}
