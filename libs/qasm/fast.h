/* Inside libs/qasm: the quick way through what large programs are full of: calls of gates on single
 * qubits with known parameters, e.g. `cx q[0], q[1];` and `rz(-3*pi/4) q[2];`. */
#ifndef QT_QASM_FAST_H
#define QT_QASM_FAST_H

#include "qasm/gates.h"
#include "qasm/lex.h"

/* Reads such statements from the one on that the token starts, which must be the last one lexed and
 * stand outside of all blocks, until one is anything else, and leaves that to the parser: the next
 * token lexed is its first. Nothing is read of a statement that is not plain or has an error.
 * *ret_any: whether any statement was read; the token is stale then. Fails only over a limit. */
qt_code qasm_fast_gates(qasm_lexer *lexer, qasm_gates *gates, const qasm_token *token,
                        bool *ret_any);

#endif
