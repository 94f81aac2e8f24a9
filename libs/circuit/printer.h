/* Inside libs/circuit: what both printers share. */
#ifndef QT_CIRCUIT_PRINTER_H
#define QT_CIRCUIT_PRINTER_H

#include "circuit/decompose.h"
#include "circuit/print.h"

typedef struct qt_printer {
    const qt_circuit *c;
    qt_buf *out;
    qt_err *err;
    unsigned language; /* 2 or 3 */
    bool braket;       /* with 3: Braket's dialect */
    unsigned indent;
    const char **registers;     /* printed names */
    const char **variables;     /* in OpenQASM 3 */
    uint32_t *qubit_regs;       /* register of every qubit */
    uint32_t *clbit_regs;       /* and classical bit */
    bool *loop_variable;        /* declared by its loop */
    uint32_t *variable_blocks;  /* operation whose block declares it; QT_NO_INDEX: the top */
    uint32_t *first_sets;       /* block of its first use */
    uint32_t *variable_numbers; /* from 1, in the order of first assignments; bits have none */
    uint32_t *variable_order;   /* the variable of every number */
    uint32_t *first_declared;   /* for every operation, and the top: 1 + a variable, or 0 */
    uint32_t *next_declared;    /* for every variable: 1 + the next of its block, or 0 */
    uint32_t variable_count;
    qt_arena arena;
} qt_printer;

/* language: 2, 3 or QT_PRINT_BRAKET. */
enum { QT_PRINT_BRAKET = 0x103 };
qt_code qt_printer_init(qt_printer *p, unsigned language, const qt_circuit *circuit, qt_buf *out,
                        qt_err *err);
void qt_printer_done(qt_printer *p);

/* Fills loop_variable, variable_blocks and variable_numbers. */
qt_code qt_printer_find_scopes(qt_printer *p);

void qt_print_qubit(qt_printer *p, uint32_t qubit);
void qt_print_clbit(qt_printer *p, uint32_t clbit);
/* " q[0], q[1]" */
void qt_print_qubits(qt_printer *p, const uint32_t *qubits, size_t count);
/* The same of a barrier or a nop, to the end of its line. */
void qt_print_operand_list(qt_printer *p, const qt_op *op);
/* "c[0] = measure q[0];" */
void qt_print_measure(qt_printer *p, const qt_op *op);
void qt_print_indent(qt_printer *p);
/* A number that reads back as the same double; multiples of pi as such. */
void qt_print_double(qt_buf *out, double value);
/* "(p0, p1)" of a gate with constant parameters, or "". */
void qt_print_params(qt_printer *p, const qt_op *op);
/* Definitions of the gates that the circuit uses and the language lacks. */
void qt_print_definitions(qt_printer *p);

/* A language's name of a gate with so many controls; NULL: it has none. */
enum { QT_MAX_NAMED_CONTROLS = 4 };
typedef const char *qt_gate_names[QT_MAX_NAMED_CONTROLS + 1];
/* Those that have a name, for the decomposition of all others. */
qt_gate_set qt_named_gates(const qt_gate_names names[QT_GATE_COUNT_]);

/* One side of a comparison without a conversion to 64 bits that keeps its value: OpenQASM 3 makes
 * that conversion by itself, so it would be there or not depending on where a circuit came from. */
uint32_t qt_compared_expr(const qt_circuit *c, uint32_t expr);
/* The classical bit that a BIT_OF node names: bit number n of a register; else QT_NO_INDEX. */
uint32_t qt_named_bit(const qt_circuit *c, const qt_expr *e);
/* An expression of OpenQASM 3. */
void qt_print_expr(qt_printer *p, uint32_t expr);
/* "uint[8]" */
void qt_print_type(qt_buf *out, qt_type type, uint32_t width);

#endif
