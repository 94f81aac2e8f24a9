/* Inside libs/qasm: what one parse carries with it.
 *
 * Functions that look at the program return QT_INVALID_ARGUMENT after they added a diagnostic;
 * the caller of a statement goes on behind it unless ctx->fatal is set (memory, limits, too many
 * errors), which ends the parse. */
#ifndef QT_QASM_CONTEXT_H
#define QT_QASM_CONTEXT_H

#include "base/arena.h"
#include "qasm/names.h"
#include "qasm/qasm.h"
#include "qasm/source.h"

enum { MAX_SOURCES = 16 };

typedef struct qasm_context {
    qt_qasm_options options; /* without zeros */
    qt_builder builder;
    qt_arena arena; /* names, definitions; lives as long as the parse */
    qasm_names names;
    qasm_source sources[MAX_SOURCES]; /* [0] is the program */
    size_t source_count;
    size_t bytes; /* of all sources */
    qt_diagnostics diagnostics;
    qt_err *err; /* filled when fatal without a diagnostic */
    bool fatal;
    bool told_include; /* that the include of the library's gates is missing */
    bool quiet;        /* errors are not reported: the parser is looking for a place to go on */
    uint64_t tokens;   /* read so far */
    int64_t start_us;  /* of the thread's processor time */
    uint64_t steps;    /* of expansion that emitted nothing; limited */
    uint64_t work;     /* steps and repetitions since the clock was read last */
} qasm_context;

qt_code qasm_context_init(qasm_context *ctx, const char *text, size_t len,
                          const qt_qasm_options *options, qt_err *err);
void qasm_context_done(qasm_context *ctx);

/* Adds a diagnostic about the place `at` (inside one of the sources). hint may be NULL. */
qt_code qasm_fail(qasm_context *ctx, const char *at, qt_reason reason, const char *hint,
                  const char *fmt, ...) QT_PRINTF(5, 6);
#define qasm_syntax(ctx, at, ...)                                                                  \
    qasm_fail((ctx), (at), QT_REASON_CIRCUIT_SYNTAX, NULL, __VA_ARGS__)
#define qasm_unsupported(ctx, at, ...)                                                             \
    qasm_fail((ctx), (at), QT_REASON_CIRCUIT_UNSUPPORTED, NULL, __VA_ARGS__)
/* Over a limit: fatal. */
#define qasm_too_large(ctx, at, ...)                                                               \
    qasm_fail((ctx), (at), QT_REASON_CIRCUIT_TOO_LARGE, NULL, __VA_ARGS__)
/* A statement failed: when nothing was reported yet, this place is, so that no program with an
 * error is accepted. */
void qasm_ensure_reported(qasm_context *ctx, const char *at);
/* "expected X, found Y" */
qt_code qasm_expected(qasm_context *ctx, const char *at, const char *what, const char *found);
/* "the gate 'cy' is not declared", with a hint from similar names; accept: which names may be
 * offered. Only the first use of a name is reported. */
qt_code qasm_unknown(qasm_context *ctx, const char *at, const char *what, qasm_name *name,
                     bool (*accept)(const qasm_name *name));

/* "the gate 'h' is not declared (include "qelib1.inc" is missing)"; told for one gate only. */
qt_code qasm_no_include(qasm_context *ctx, const char *at, const char *gate, const char *file);

enum { QASM_TICK = 4096 }; /* tokens or steps between two looks at the clock */

/* Fatal when the time is over. */
qt_code qasm_check_time(qasm_context *ctx, const char *at);
/* Fatal when there were too many tokens. Also while errors are not reported. */
qt_code qasm_check_tokens(qasm_context *ctx, const char *at);

/* Turns the outcome of a builder call into a diagnostic at a place; OUT_OF_MEMORY is fatal. */
qt_code qasm_built(qasm_context *ctx, const char *at, qt_code code, const qt_err *err);
/* Fatal: no memory. */
qt_code qasm_no_memory(qasm_context *ctx);
/* Memory of the parse; fatal when there is none. */
void *qasm_alloc(qasm_context *ctx, size_t size);
char *qasm_strndup(qasm_context *ctx, const char *s, size_t len);
/* Before work that takes so many steps: looks at the clock now and then. Fatal past the limit. */
qt_code qasm_tick(qasm_context *ctx, const char *at, uint64_t steps);
/* Makes room in an array of the arena: doubles, copies. */
qt_code qasm_grow(qasm_context *ctx, void **array, size_t *cap, size_t need, size_t item_bytes);
#define QASM_GROW(ctx, array, cap, need)                                                           \
    do {                                                                                           \
        if ((need) > (cap)) {                                                                      \
            void *grown_ = (array);                                                                \
            QT_TRY(qasm_grow((ctx), &grown_, &(cap), (need), sizeof *(array)));                    \
            (array) = grown_;                                                                      \
        }                                                                                          \
    } while (0)

/* Calls the builder with a local qt_err and turns a failure into a diagnostic. */
#define QASM_BUILD(ctx, at, call)                                                                  \
    do {                                                                                           \
        qt_err build_err_;                                                                         \
        qt_err *err = &build_err_;                                                                 \
        qt_code build_code_ = (call);                                                              \
        if (build_code_ != QT_OK) {                                                                \
            return qasm_built((ctx), (at), build_code_, err);                                      \
        }                                                                                          \
    } while (0)

/* A warning that the circuit keeps. */
qt_code qasm_warn(qasm_context *ctx, const char *at, const char *fmt, ...) QT_PRINTF(3, 4);

#endif
