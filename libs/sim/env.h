/* The classical side of one shot: bits, variables, loop counters; and the value of expressions.
 *
 * An environment is one block of memory, so that a branch copies it at once. One thread. */
#ifndef QT_SIM_ENV_H
#define QT_SIM_ENV_H

#include "sim/value.h"

/* A variable, or the counter of a loop. */
typedef union qt_env_slot {
    uint64_t u;
    double f;
} qt_env_slot;

typedef struct qt_env_loop {
    int64_t value, step, last;
} qt_env_loop;

typedef struct qt_env {
    const qt_circuit *circuit;
    qt_arena scratch; /* wide values; emptied before each evaluation */
    uint64_t *memory; /* all that follows */
    size_t words;
    size_t evaluations; /* of nodes, in the expression that is being evaluated */
    uint64_t *bits;     /* all classical bits, hidden ones too */
    qt_env_slot *variables;
    qt_env_loop *loops;
} qt_env;

qt_code qt_env_init(qt_env *env, const qt_circuit *circuit, qt_err *err);
/* Safe on zeroed memory and twice. */
void qt_env_done(qt_env *env);
/* All zeros. */
void qt_env_clear(qt_env *env);

static inline void qt_env_set_bit(qt_env *env, uint32_t bit, bool value) {
    uint64_t mask = UINT64_C(1) << (bit % 64);
    env->bits[bit / 64] = value ? env->bits[bit / 64] | mask : env->bits[bit / 64] & ~mask;
}

static inline bool qt_env_bit(const qt_env *env, uint32_t bit) {
    return (env->bits[bit / 64] >> (bit % 64) & 1) != 0;
}

/* The value of an expression; valid until the next call. CIRCUIT_RUN_ERROR for an index out of
 * range or a division by 0. */
qt_code qt_env_eval(qt_env *env, uint32_t expr, qt_value *ret_value, qt_err *err);
/* Runs an ASSIGN. */
qt_code qt_env_assign(qt_env *env, const qt_op *op, qt_err *err);
void qt_env_set_variable(qt_env *env, uint32_t variable, const qt_value *value);

#endif
