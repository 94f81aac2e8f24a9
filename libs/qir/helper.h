/* QIR read, checked and assembled outside of this process.
 *
 * LLVM trusts its input: hostile modules make it crash, loop or take all memory. So a service
 * never calls LLVM. It starts a helper (posix_spawn, which is safe with threads, unlike fork):
 * another process of the same program, with one thread and LLVM loaded. For each request the
 * helper forks a child with limits of time and memory, which talks to the caller through a socket
 * of its own and is thrown away afterwards. Whatever a module does to its child, the caller gets
 * an error and the next request a fresh process. The helper starts with the first request, ends
 * when its caller is gone, and is started again when it died.
 *
 * The client's part is in qt_qir and needs no LLVM. Any number of threads may call at once. */
#ifndef QT_QIR_HELPER_H
#define QT_QIR_HELPER_H

#include "qir/check.h"
#include "qir/llvm.h"

#include <sys/types.h>

typedef struct qt_qir_helper qt_qir_helper;

/* The argument that makes the program a helper: `if (qt_qir_is_helper(argc, argv)) return
 * qt_qir_helper_main();` comes first in its main(). */
#define QT_QIR_HELPER_ARGUMENT "--qir-helper"

typedef struct qt_qir_helper_options {
    const char *program;    /* to start; NULL: the one that runs. Kept. */
    unsigned max_processes; /* at once, others wait; 0: 4 */
    int64_t time_ms;        /* of one request; 0: 30,000 */
    size_t memory_bytes;    /* of one request; 0: 2 GiB */
} qt_qir_helper_options;

/* Polled every 50 ms while a call waits; true ends it with CALL_CANCELLED. NULL: never. */
typedef struct qt_qir_wait {
    bool (*cancelled)(void *self);
    void *self;
} qt_qir_wait;

/* Starts nothing yet. OUT_OF_MEMORY. */
qt_code qt_qir_helper_new(const qt_qir_helper_options *options, qt_qir_helper **ret_helper,
                          qt_err *err);
/* Ends the helper; no call may be in it any more. NULL is allowed. */
void qt_qir_helper_free(qt_qir_helper *helper);

/* As qt_qir_read(), qt_qir_check() and qt_qir_to_bitcode(), whose errors they have, and:
 * CIRCUIT_SYNTAX when the module broke its process, STEP_LIMIT when the time was over,
 * OUT_OF_MEMORY and IO_ERROR when no process could be had. `wait` may be NULL. */
qt_code qt_qir_helper_read(qt_qir_helper *helper, const char *data, size_t len,
                           const qt_qir_read_options *options, const qt_qir_wait *wait,
                           qt_circuit **ret_circuit, qt_err *err);
qt_code qt_qir_helper_check(qt_qir_helper *helper, const char *data, size_t len,
                            const qt_qir_check_options *options, const qt_qir_wait *wait,
                            qt_qir_report *ret_report, qt_err *err);
qt_code qt_qir_helper_to_bitcode(qt_qir_helper *helper, const char *text, size_t len,
                                 qt_qir_version version, const qt_qir_wait *wait,
                                 qt_buf *ret_bitcode, qt_err *err);

/* The process id of the helper that runs now, or -1. For tests and logs. */
pid_t qt_qir_helper_pid(qt_qir_helper *helper);

/* The helper's part, in qt_qir_llvm. */
bool qt_qir_is_helper(int argc, char **argv);
/* Serves until its starter is gone; returns the exit code. */
int qt_qir_helper_main(void);

#endif
