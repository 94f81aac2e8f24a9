/* Builds a circuit operation by operation.
 *
 *   qt_builder b;
 *   qt_builder_init(&b, &limits);
 *   ... qt_build_gate(&b, QT_GATE_X, (uint32_t[]){0, 1}, 1, NULL, err) ...
 *   qt_builder_finish(&b, &circuit, err);   // checks that blocks are closed
 *   qt_builder_done(&b);                    // always; safe after finish
 *
 * Every function that adds something can fail with OUT_OF_MEMORY or CIRCUIT_TOO_LARGE (limits);
 * the builder is then to be thrown away. One thread. */
#ifndef QT_CIRCUIT_BUILDER_H
#define QT_CIRCUIT_BUILDER_H

#include "circuit/circuit.h"

typedef struct qt_circuit_limits {
    size_t max_ops;      /* operations after expansion */
    uint32_t max_qubits; /* also of classical bits */
    size_t max_bytes;    /* memory of the circuit */
} qt_circuit_limits;

/* 50,000,000 operations, 1,000,000 qubits, 4 GiB. */
extern const qt_circuit_limits qt_circuit_default_limits;
/* With the defaults where a limit is 0. */
qt_circuit_limits qt_circuit_limits_or_defaults(const qt_circuit_limits *limits);

typedef struct qt_builder {
    qt_circuit *circuit;
    size_t ops_cap, operands_cap, params_cap, param_exprs_cap, exprs_cap, wide_words_cap,
        case_values_cap, loops_cap, registers_cap, variables_cap, notes_cap, warnings_cap;
    uint32_t *blocks; /* open IF, ELSE, WHILE, FOR, SWITCH, CASE */
    size_t block_count, blocks_cap;
    size_t bytes;
    qt_circuit_limits limits;
} qt_builder;

qt_code qt_builder_init(qt_builder *b, const qt_circuit_limits *limits, qt_err *err);
void qt_builder_done(qt_builder *b);
qt_code qt_builder_finish(qt_builder *b, qt_circuit **ret_circuit, qt_err *err);

qt_code qt_build_register(qt_builder *b, qt_register_kind kind, const char *name, uint32_t size,
                          uint32_t *ret_register, qt_err *err);
qt_code qt_build_variable(qt_builder *b, const char *name, qt_type type, uint32_t width,
                          uint32_t *ret_variable, qt_err *err);
/* qubits: control_count controls, then the gate's own; params: as many as the gate has. */
qt_code qt_build_gate(qt_builder *b, qt_gate gate, const uint32_t *qubits, size_t control_count,
                      const double *params, qt_err *err);
qt_code qt_build_gate_dynamic(qt_builder *b, qt_gate gate, const uint32_t *qubits,
                              size_t control_count, const uint32_t *param_exprs, qt_err *err);
qt_code qt_build_measure(qt_builder *b, uint32_t qubit, uint32_t clbit, qt_err *err);
qt_code qt_build_reset(qt_builder *b, uint32_t qubit, qt_err *err);
qt_code qt_build_barrier(qt_builder *b, const uint32_t *qubits, size_t count, qt_err *err);
qt_code qt_build_delay(qt_builder *b, const uint32_t *qubits, size_t count, const char *duration,
                       uint32_t line, qt_err *err);
qt_code qt_build_note(qt_builder *b, const char *text, uint32_t line, qt_err *err);
qt_code qt_build_warning(qt_builder *b, const char *text, qt_err *err);
qt_code qt_build_assign(qt_builder *b, qt_lvalue lvalue, uint32_t what, uint32_t expr,
                        uint32_t index_expr, qt_err *err);

/* Control flow. Blocks close in reverse order. */
qt_code qt_build_if(qt_builder *b, uint32_t condition, qt_err *err);
qt_code qt_build_else(qt_builder *b, qt_err *err);
qt_code qt_build_while(qt_builder *b, uint32_t condition, qt_err *err);
qt_code qt_build_for(qt_builder *b, uint32_t variable, qt_loop loop, qt_err *err);
qt_code qt_build_switch(qt_builder *b, uint32_t expr, qt_err *err);
/* count 0: default. */
qt_code qt_build_case(qt_builder *b, const int64_t *values, size_t count, qt_err *err);
/* Closes the innermost block (a CASE together with its SWITCH). */
qt_code qt_build_end_block(qt_builder *b, qt_err *err);
qt_code qt_build_break(qt_builder *b, qt_err *err);
qt_code qt_build_continue(qt_builder *b, qt_err *err);
qt_code qt_build_end(qt_builder *b, qt_err *err);

/* Expressions. */
qt_code qt_build_expr(qt_builder *b, qt_expr expr, uint32_t *ret_expr, qt_err *err);
/* A constant of more bits than an INT has; `words` are whole, the lowest first, 0 beyond `width`.
 */
qt_code qt_build_wide(qt_builder *b, const uint64_t *words, uint32_t width, uint32_t *ret_expr,
                      qt_err *err);

#endif
