/* Errors: a code for programs, a reason from one table, a sentence for people.
 *
 * A function that can fail returns qt_code and takes a `qt_err *err` as its last parameter. On
 * failure it fills *err and leaves every `ret_` output untouched; on success *err is not touched.
 * `err` is never NULL. qt_err owns no memory, so it needs no clean-up and can be copied.
 *
 * Threads: a qt_err belongs to one thread at a time; nothing here is shared. */
#ifndef QT_BASE_ERR_H
#define QT_BASE_ERR_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__has_c_attribute)
#if __has_c_attribute(nodiscard) && __STDC_VERSION__ > 201710L
#define QT_NODISCARD [[nodiscard]]
#endif
#endif
#ifndef QT_NODISCARD
#define QT_NODISCARD
#endif

#define QT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* The numbers of gRPC's status codes (grpc/status.h); libs/rpc asserts that they are equal. */
typedef enum QT_NODISCARD qt_code {
    QT_OK = 0,
    QT_CANCELLED = 1,
    QT_UNKNOWN = 2,
    QT_INVALID_ARGUMENT = 3,
    QT_DEADLINE_EXCEEDED = 4,
    QT_NOT_FOUND = 5,
    QT_ALREADY_EXISTS = 6,
    QT_PERMISSION_DENIED = 7,
    QT_RESOURCE_EXHAUSTED = 8,
    QT_FAILED_PRECONDITION = 9,
    QT_ABORTED = 10,
    QT_OUT_OF_RANGE = 11,
    QT_UNIMPLEMENTED = 12,
    QT_INTERNAL = 13,
    QT_UNAVAILABLE = 14,
    QT_DATA_LOSS = 15,
    QT_UNAUTHENTICATED = 16,
} qt_code;

typedef enum qt_reason {
    QT_REASON_NONE = 0,
#define QT_REASON(name, code, text) QT_REASON_##name,
#include "base/reasons.def"
#undef QT_REASON
    QT_REASON_COUNT_
} qt_reason;

struct qt_diagnostics; /* base/diagnostics.h */

typedef struct qt_err {
    qt_code code;
    qt_reason reason;
    const char *file; /* where it was raised; static storage */
    int line;
    int64_t retry_after_ms; /* 0: no advice */
    char field[96];         /* path of the wrong field, e.g. "payload.shots"; "" if none */
    char msg[256];          /* for people, in English, cut at the end when too long */
    /* All that is wrong with the text in `field`, of which msg is the first; or NULL. Borrowed: the
     * function that raises says how long it stays. */
    const struct qt_diagnostics *diagnostics;
} qt_err;

/* Raises: `return qt_fail(err, TASK_NOT_FOUND, "task %s", id);` */
#define qt_fail(err, name, ...)                                                                    \
    qt_err_raise((err), QT_REASON_##name, NULL, __FILE__, __LINE__, __VA_ARGS__)
/* Raises an error about one field of the request: the path comes before the sentence. */
#define qt_fail_field(err, name, path, ...)                                                        \
    qt_err_raise((err), QT_REASON_##name, (path), __FILE__, __LINE__, __VA_ARGS__)
/* Puts "context: " in front of the message of an error and returns its code. */
qt_code qt_wrap(qt_err *err, const char *context);
/* Puts `prefix` (e.g. "tasks[3].") in front of the field path, if there is one. */
void qt_err_prefix_field(qt_err *err, const char *prefix);

qt_code qt_err_raise(qt_err *err, qt_reason reason, const char *field, const char *file, int line,
                     const char *fmt, ...) QT_PRINTF(6, 7);
/* Raises with a code and reason that came from outside, e.g. from another service. A reason that
 * is not in the table keeps the code and becomes REMOTE_ERROR. */
qt_code qt_err_raise_remote(qt_err *err, qt_code code, const char *reason, const char *msg);

/* "INVALID_ARGUMENT"; "UNKNOWN" for a number that is no code. Static storage. */
const char *qt_code_name(qt_code code);
/* "TASK_NOT_FOUND"; "" for NONE. Static storage. */
const char *qt_reason_name(qt_reason reason);
/* The sentence of the table. Static storage. */
const char *qt_reason_text(qt_reason reason);
/* The code that a reason stands for. */
qt_code qt_reason_code(qt_reason reason);
/* The reason of that name, or QT_REASON_NONE. */
qt_reason qt_reason_from_name(const char *name);

/* Calls, and returns what it returned when that is a failure. The only macro that hides a return.
 */
#define QT_TRY(call)                                                                               \
    do {                                                                                           \
        qt_code qt_try_code_ = (call);                                                             \
        if (qt_try_code_ != QT_OK) {                                                               \
            return qt_try_code_;                                                                   \
        }                                                                                          \
    } while (0)

#endif
