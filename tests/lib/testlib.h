/* What tests share: the runner, the k-th-failure loop, free ports, child processes, waiting. */
#ifndef QT_TESTS_TESTLIB_H
#define QT_TESTS_TESTLIB_H

#include "base/alloc.h"
#include "base/err.h"

#include <check.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Runs a suite and returns the exit code for main(). */
int qt_test_run(Suite *suite);

/* Runs the block once for each k: in run k the k-th checked allocation fails. The block must cope
 * with the failure (expected code or success) and leak nothing; the loop ends when a run needed
 * fewer than k allocations.
 *
 *   QT_EACH_FAILURE(k) {
 *       qt_err err;
 *       qt_code code = thing(&err);
 *       ck_assert(code == QT_OK || code == QT_RESOURCE_EXHAUSTED);
 *   }
 */
#define QT_EACH_FAILURE(k) for (long k = 0; qt_test_failure_begin(k); k++)
/* Used by QT_EACH_FAILURE: true while the run before (if any) met its failure. */
bool qt_test_failure_begin(long k);

#define ck_assert_ok(call)                                                                         \
    do {                                                                                           \
        qt_code code_ = (call);                                                                    \
        ck_assert_msg(code_ == QT_OK, "%s: %s %s: %s", #call, qt_code_name(code_),                 \
                      qt_reason_name(err.reason), err.msg);                                        \
    } while (0)

/* A TCP port on 127.0.0.1 that is free now, below 32768 (outside the ephemeral range). */
int qt_test_free_port(void);

/* A new private directory below $TMPDIR or /tmp; short, for unix sockets. Caller frees the name. */
char *qt_test_dir_new(void);
/* Removes it with everything in it. */
void qt_test_dir_remove(const char *dir);

/* A child process. It dies with this process. stdout and stderr go to log_file (NULL:
 * inherited). argv ends with NULL; argv[0] is looked up in PATH. */
pid_t qt_test_spawn(const char *const argv[], const char *log_file);
/* The same as another user when this process is root (PostgreSQL refuses root). */
pid_t qt_test_spawn_as(const char *user, const char *const argv[], const char *log_file);
/* Sends a signal and waits until it is gone; SIGKILL after 10 s. Returns its wait status. */
int qt_test_stop(pid_t pid, int sig);
/* Runs to the end; its exit code, or 128 + signal. */
int qt_test_run_command(const char *user, const char *const argv[], const char *log_file);

/* Waits until condition(arg) is true; false when timeout_ms have passed. */
bool qt_test_wait(bool (*condition)(void *arg), void *arg, int64_t timeout_ms);

/* The source and build folders of the project (QT_SOURCE_DIR, QT_BINARY_DIR). */
const char *qt_test_source_dir(void);
const char *qt_test_binary_dir(void);

/* All bytes of a file, with a NUL behind them; the test fails when it cannot be read. */
char *qt_test_read_file(const char *path, size_t *ret_len);

#endif
