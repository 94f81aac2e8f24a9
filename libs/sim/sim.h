/* Runs circuits: shots in, counts out.
 *
 * The same circuit, shots, seed and method give the same counts on every machine and with any
 * number of threads. A run allocates its state once, after it checked the memory limit. */
#ifndef QT_SIM_SIM_H
#define QT_SIM_SIM_H

#include "circuit/circuit.h"

typedef enum qt_sim_method {
    QT_SIM_AUTO,
    QT_SIM_STATEVECTOR,
    QT_SIM_STABILIZER,
    QT_SIM_DENSITY_MATRIX,
} qt_sim_method;

/* "auto", "statevector", ... Static storage. */
const char *qt_sim_method_name(qt_sim_method method);

typedef struct qt_sim_options {
    uint32_t shots; /* at least 1 */
    uint32_t seed;
    qt_sim_method method;
    uint64_t max_memory_bytes; /* 0: 16 GiB */
    uint64_t max_steps;        /* operations per shot of a circuit with loops; 0: 10,000,000 */
    unsigned threads;          /* 0: 1 */
    /* Called every few milliseconds of work from the calling thread; true stops the run with
     * CALL_CANCELLED. NULL: never. */
    bool (*cancelled)(void *self);
    /* Progress from 0 to 100, never backwards. NULL: not reported. */
    void (*progress)(void *self, int percent);
    void *self; /* passed to both */
} qt_sim_options;

/* One outcome and how many shots gave it. */
typedef struct qt_count {
    const char *key; /* Qiskit's order: see qt_sim_result */
    uint32_t count;
} qt_count;

typedef struct qt_sim_result {
    /* Sorted by key. A key has a character per classical bit: in each register the highest bit
     * first; the last declared register leftmost, registers separated by a space; hidden
     * registers are left out. A circuit without measurements has the one key of all zeros (""
     * without classical bits). */
    qt_count *counts;
    size_t count_count;
    uint32_t shots;
    uint32_t seed;
    qt_sim_method method; /* the one that ran; never AUTO */
    uint32_t num_qubits;
    uint32_t num_clbits; /* that are part of the keys */
    double seconds;
    uint64_t memory_bytes; /* of the state */
    qt_arena strings;
} qt_sim_result;

/* What a run would take. */
typedef struct qt_sim_estimate {
    qt_sim_method method; /* the one that would run; never AUTO */
    uint64_t memory_bytes;
    double seconds;
} qt_sim_estimate;

/* NULL is allowed. */
void qt_sim_result_free(qt_sim_result *result);
void qt_sim_result_free_p(qt_sim_result **result);

/* Fails like qt_sim_run would: CIRCUIT_TOO_MANY_QUBITS with the number of bytes needed,
 * METHOD_UNSUITABLE with the first operation that the method cannot do. */
qt_code qt_sim_plan(const qt_circuit *circuit, const qt_sim_options *options,
                    qt_sim_estimate *ret_estimate, qt_err *err);

qt_code qt_sim_run(const qt_circuit *circuit, const qt_sim_options *options,
                   qt_sim_result **ret_result, qt_err *err);

#endif
