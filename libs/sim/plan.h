/* What is known of a run before it starts: the method, the qubits that matter, where the part
 * begins whose measurements can all wait for the end, memory and time. */
#ifndef QT_SIM_PLAN_H
#define QT_SIM_PLAN_H

#include "sim/sim.h"

typedef struct qt_plan {
    qt_sim_method method;
    uint32_t *engine_qubit; /* by qubit of the circuit: its number in the engine, or QT_NO_INDEX
                             * for one that no gate touches and that therefore reads as 0 */
    uint32_t engine_qubits;
    size_t end; /* operations from here on never run */
    /* From here to the end there are only gates, and measurements that no later operation
     * disturbs or reads: they are sampled together. */
    size_t tail;
    size_t stateless; /* from here on no operation touches the quantum state */
    bool has_loops;
    uint64_t memory_bytes; /* of the state, and of what the method needs besides */
    uint64_t state_bytes;
    uint64_t max_saves; /* copies of the state that fit the memory limit */
    double seconds;
} qt_plan;

/* Releases; safe on zeroed memory and twice. */
void qt_plan_done(qt_plan *plan);
/* options: zero values are replaced by the defaults that sim.h names. Fails as qt_sim_plan(). */
qt_code qt_plan_make(const qt_circuit *circuit, const qt_sim_options *options, qt_plan *ret_plan,
                     qt_err *err);
/* Fills the defaults in. */
qt_sim_options qt_sim_options_complete(const qt_sim_options *options);

#endif
