/* Inside libs/program: one entry of an IonQ circuit. */
#ifndef QT_PROGRAM_IONQ_GATE_H
#define QT_PROGRAM_IONQ_GATE_H

#include "circuit/builder.h"
#include "program/json_cursor.h"

/* Reads one object of the array `circuit`, whose first token was read, into operations. */
qt_code qt_ionq_read_gate(qt_json_cursor *c, const qt_json_token *first, bool native,
                          uint32_t num_qubits, qt_builder *b);

#endif
