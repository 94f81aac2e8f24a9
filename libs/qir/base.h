/* Inside libs/qir: whether a circuit fits the Base profile, and where its results go. */
#ifndef QT_QIR_BASE_H
#define QT_QIR_BASE_H

#include "circuit/circuit.h"

/* One measurement that is written, in the order of the program. */
typedef struct qt_qir_measure {
    uint32_t qubit;
    uint32_t result;
} qt_qir_measure;

typedef struct qt_qir_base_plan {
    qt_qir_measure *measures;
    size_t measure_count;
    uint32_t *bit_result; /* for each classical bit the result that holds its last value */
    uint32_t num_results;
    uint64_t deferred_measures;
    uint64_t dropped_resets;
    char why_not[160]; /* "" when the circuit fits; else the rest is not set */
} qt_qir_base_plan;

/* Safe on zeroed memory. */
void qt_qir_base_plan_done(qt_qir_base_plan *plan);

/* Measurements move behind all gates, which is exact as long as nothing uses their qubit again;
 * a qubit measured twice in a row shares its result; resets before the first use and after the
 * last one have no effect and are dropped. Fails with OUT_OF_MEMORY only. */
qt_code qt_qir_plan_base(const qt_circuit *circuit, qt_qir_base_plan *ret_plan, qt_err *err);

#endif
