/* What sim-svc does: runs, converts and describes circuits. No protobuf and no RPC here. */
#ifndef QT_SIM_SVC_JOB_H
#define QT_SIM_SVC_JOB_H

#include "base/buf.h"
#include "circuit/circuit.h"
#include "program/program.h"
#include "qir/helper.h"
#include "services/sim-svc/budget.h"
#include "sim/sim.h"

#include <stddef.h>

enum { QT_DEFAULT_SHOTS = 1024 };

/* A program. `field` and `type_field` are the paths of its text and type in the request, for
 * errors; `arena` takes the list of them. */
typedef struct qt_program {
    qt_program_kind kind;
    const char *text;
    size_t len;
    const char *type_field;
    const char *field;
    bool keep_loops;             /* else they are unrolled where that is possible */
    qt_arena *arena;             /* NULL: only the first error is told */
    qt_cancel cancel;            /* who waits while it is read */
    const qt_qasm_input *inputs; /* values of an OpenQASM 3 program's inputs */
    size_t input_count;
} qt_program;

typedef struct qt_job_limits {
    size_t max_circuit_bytes;
    qt_program_read_options read; /* but for the bytes */
    uint32_t max_shots;
    unsigned threads; /* of one run */
    bool qir_strict;  /* refuse programs in QIR that break their profile */
    uint32_t verify_qubits;
    uint64_t verify_branches;
    int64_t verify_ms;
} qt_job_limits;

/* Shared by all runs; any number of threads may use it. */
typedef struct qt_job_runner {
    qt_job_limits limits;
    qt_budget memory;
    qt_qir_helper *qir; /* NULL: this build has no LLVM */
} qt_job_runner;

/* Who waits for a run. */
typedef struct qt_job_watch {
    qt_cancel cancel;
    void (*progress)(void *self, int percent); /* NULL: not reported; self is cancel.self */
} qt_job_watch;

typedef struct qt_simulation {
    qt_program program;
    uint32_t shots; /* 0: QT_DEFAULT_SHOTS */
    bool has_seed;  /* else one is picked */
    uint32_t seed;
    qt_sim_method method;
} qt_simulation;

/* A description of a circuit. */
typedef struct qt_analysis {
    qt_circuit_stats stats;
    uint32_t num_qubits;
    uint32_t num_clbits;
    qt_sim_method method; /* that AUTO picks; QT_SIM_AUTO when the circuit fits none */
    uint64_t memory_bytes;
    double seconds; /* for QT_DEFAULT_SHOTS, estimated */
} qt_analysis;

/* Parses a program; errors have its field, and err->diagnostics in the program's arena. */
qt_code qt_job_parse(const qt_job_runner *runner, const qt_program *program,
                     qt_circuit **ret_circuit, qt_err *err);
/* Runs a circuit. The circuit is returned too, for its warnings. */
qt_code qt_job_simulate(qt_job_runner *runner, const qt_simulation *simulation,
                        const qt_job_watch *watch, qt_circuit **ret_circuit,
                        qt_sim_result **ret_result, qt_err *err);
qt_code qt_job_analyze(const qt_job_runner *runner, const qt_program *program,
                       qt_circuit **ret_circuit, qt_analysis *ret_analysis, qt_err *err);

/* FIELD_REQUIRED, CIRCUIT_TOO_LARGE. */
qt_code qt_job_check_text(const qt_job_runner *runner, const qt_program *program, qt_err *err);
/* Puts the program's field into an error about the circuit; returns the code. */
qt_code qt_job_in_program(qt_code code, const qt_program *program, qt_err *err);
/* METHOD_UNIMPLEMENTED about `field` when this build has no LLVM; `what` cannot be done then. */
qt_code qt_job_need_llvm(const qt_job_runner *runner, const char *field, const char *what,
                         qt_err *err);
/* Reads up to max_bytes, without any check of fields: what qt_job_parse() does behind them.
 * `strict` refuses QIR that breaks its profile. */
qt_code qt_job_read(const qt_job_runner *runner, const qt_program *program, size_t max_bytes,
                    bool strict, qt_circuit **ret_circuit, qt_err *err);

/* Qubits of a statevector that fits the memory. */
uint32_t qt_job_max_qubits(const qt_job_runner *runner);

#endif
