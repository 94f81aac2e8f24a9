/* Reads the program when a task is made, so that a broken program is refused at once and the task
 * says how large its circuit is. */
#ifndef QT_TASK_SVC_CIRCUIT_CHECK_H
#define QT_TASK_SVC_CIRCUIT_CHECK_H

#include "qtaskdist/v1/task.pb-c.h"
#include "services/task-svc/config.h"

#include "base/arena.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

typedef struct qt_circuit_facts {
    bool is_known; /* false: not checked, or QIR, which is read by sim-svc only */
    uint32_t num_qubits;
    uint32_t depth;
    uint64_t gate_count;
    /* Seconds, roughly, on one core at 1 ns per amplitude and gate: 1 ms
     * + gates * 2^min(qubits, 40) * 1 ns + shots * qubits * 20 ns; for Clifford circuits of more
     * than 20 qubits gates * qubits * 1 ns instead of the middle term. */
    double estimated_runtime;
} qt_circuit_facts;

/* A broken program fails with the parser's reason, field "payload.circuit_data", a message that
 * starts with line:column, and all its errors (at most max_errors, 0: the default) in the arena. A
 * feature that our parser lacks is no obstacle for a device. */
qt_code qt_circuit_check(const qt_config *config, Qtaskdist__V1__TaskType type,
                         const Qtaskdist__V1__TaskPayload *payload, size_t max_errors,
                         qt_arena *arena, qt_circuit_facts *ret_facts, qt_err *err);

#endif
