#include "redis_server.h"

#include "testlib.h"

#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static redisContext *try_connect(const qt_test_redis *server) {
    redisContext *c = redisConnectUnix(server->url + strlen("unix://"));
    if (c == NULL || c->err != 0) {
        redisFree(c);
        return NULL;
    }
    if (server->password != NULL) {
        freeReplyObject(redisCommand(c, "AUTH %s", server->password));
    }
    return c;
}

static bool answers(void *arg) {
    redisContext *c = try_connect(arg);
    if (c == NULL) {
        return false;
    }
    redisReply *reply = redisCommand(c, "PING");
    bool ok = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL) {
        freeReplyObject(reply);
    }
    redisFree(c);
    return ok;
}

static void spawn(qt_test_redis *server) {
    char port[16];
    char log_file[256];
    snprintf(port, sizeof port, "%d", server->port);
    snprintf(log_file, sizeof log_file, "%s/redis.log", server->dir);
    const char *argv[] = {"redis-server",
                          "--port",
                          port,
                          "--bind",
                          "127.0.0.1",
                          "--unixsocket",
                          server->url + strlen("unix://"),
                          "--dir",
                          server->dir,
                          "--save",
                          "",
                          "--appendonly",
                          server->append_only ? "yes" : "no",
                          "--appendfsync",
                          "always",
                          "--requirepass",
                          server->password != NULL ? server->password : "",
                          NULL};
    server->pid = qt_test_spawn(argv, log_file);
    ck_assert_msg(qt_test_wait(answers, server, 20000), "redis-server does not answer");
}

void qt_test_redis_start(qt_test_redis *server, bool append_only, const char *password) {
    *server = (qt_test_redis){.append_only = append_only, .password = password};
    signal(SIGPIPE, SIG_IGN);
    server->dir = qt_test_dir_new();
    server->port = qt_test_free_port();
    snprintf(server->url, sizeof server->url, "unix://%.150s/redis.sock", server->dir);
    snprintf(server->tcp_url, sizeof server->tcp_url, "redis://127.0.0.1:%d/0", server->port);
    spawn(server);
}

void qt_test_redis_kill(qt_test_redis *server) {
    if (server->pid > 0) {
        qt_test_stop(server->pid, SIGKILL);
        server->pid = 0;
    }
}

void qt_test_redis_restart(qt_test_redis *server) {
    qt_test_redis_kill(server);
    spawn(server);
}

void qt_test_redis_stop(qt_test_redis *server) {
    qt_test_redis_kill(server);
    qt_test_dir_remove(server->dir);
    free(server->dir);
    server->dir = NULL;
}

static char *text_of(const redisReply *reply) {
    char text[64];
    switch (reply->type) {
    case REDIS_REPLY_INTEGER:
        snprintf(text, sizeof text, "%lld", reply->integer);
        return qt_xstrdup(text);
    case REDIS_REPLY_ARRAY:
        return reply->elements > 0 ? text_of(reply->element[0]) : qt_xstrdup("");
    case REDIS_REPLY_NIL:
        return qt_xstrdup("(nil)");
    case REDIS_REPLY_ERROR:
        snprintf(text, sizeof text, "(error) %.50s", reply->str);
        return qt_xstrdup(text);
    default:
        return qt_xstrdup(reply->str);
    }
}

char *qt_test_redis_command(const qt_test_redis *server, const char *command) {
    enum { MAX_WORDS = 32 };
    char *copy = qt_xstrdup(command);
    const char *words[MAX_WORDS];
    int count = 0;
    char *rest = copy;
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && count < MAX_WORDS;
         word = strtok_r(NULL, " ", &rest)) {
        words[count++] = word;
    }
    redisContext *c = try_connect(server);
    ck_assert_msg(c != NULL, "redis-server is not there for %s", command);
    redisReply *reply = redisCommandArgv(c, count, words, NULL);
    ck_assert_msg(reply != NULL, "%s: %s", command, c->errstr);
    char *text = text_of(reply);
    freeReplyObject(reply);
    redisFree(c);
    free(copy);
    return text;
}

long long qt_test_redis_number(const qt_test_redis *server, const char *command) {
    char *text = qt_test_redis_command(server, command);
    char *end = text;
    long long value = strtoll(text, &end, 10);
    ck_assert_msg(end != text && *end == '\0', "%s: %s is no number", command, text);
    free(text);
    return value;
}
