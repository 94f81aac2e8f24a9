/* Runs the program of a circuit on an engine and counts outcomes.
 *
 * All shots run together while they agree. Where a measurement or reset splits them, they are
 * divided by the probabilities, and each part goes on by itself, depth first: the state is copied
 * before the first part goes on and restored for the next ones. When no copy fits the memory
 * limit, the next part is run again from the last copy below, with the outcomes it had. The part
 * at the end of a program that only measures is sampled for all shots of a branch in one pass. */
#ifndef QT_SIM_EXEC_H
#define QT_SIM_EXEC_H

#include "sim/engine.h"
#include "sim/plan.h"

/* Watches the clock for an engine: asks for cancellation and reports progress. */
typedef struct qt_watch {
    const qt_sim_options *options;
    int64_t next_us;
    int percent; /* reported last */
    /* Fractions of the work, from 0 to 1: what the program has come to, and what of it the engine
     * had applied after its last flush. */
    double queued, applied;
    bool cancelled;
} qt_watch;

/* A qt_engine_stop function over a qt_watch. */
bool qt_watch_asked(void *watch, double fraction);

/* Runs options->shots shots. `counts` has a bit per visible classical bit, see key.h. `options`
 * are complete. */
qt_code qt_exec(const qt_circuit *circuit, const qt_plan *plan, const qt_sim_options *options,
                qt_engine *engine, qt_watch *watch, qt_tally *counts, qt_err *err);

#endif
