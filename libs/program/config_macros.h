/* Fills the options of libs/program from a qt_config that includes program/config.def. */
#ifndef QT_PROGRAM_CONFIG_MACROS_H
#define QT_PROGRAM_CONFIG_MACROS_H

#include "program/program.h"

#define QT_PROGRAM_READ_OPTIONS(cfg)                                                               \
    ((qt_program_read_options){                                                                    \
        .max_bytes = (size_t)(cfg)->max_circuit_bytes,                                             \
        .max_tokens = (size_t)(cfg)->max_circuit_tokens,                                           \
        .max_ms = (cfg)->max_circuit_ms,                                                           \
        .max_nesting = (size_t)(cfg)->max_circuit_nesting,                                         \
        .max_errors = (size_t)(cfg)->max_circuit_errors,                                           \
        .limits = {.max_ops = (size_t)(cfg)->max_circuit_ops,                                      \
                   .max_qubits = (uint32_t)(cfg)->max_circuit_qubits,                              \
                   .max_bytes = (size_t)(cfg)->max_circuit_memory_mb << 20}})

#endif
