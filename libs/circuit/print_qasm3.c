/* A circuit as OpenQASM 3. */
#include "base/cleanup.h"
#include "circuit/printer.h"

#include <string.h>

/* With hidden registers the others are declared as outputs: that hides the rest. When all are
 * hidden, they and the program stand in a block, whose registers are no part of the counts. */
typedef enum hiding { HIDE_NONE, HIDE_BY_OUTPUT, HIDE_BY_BLOCK } hiding;

static hiding find_hiding(const qt_circuit *c) {
    bool hidden = false;
    bool visible = false;
    for (size_t i = 0; i < c->register_count; i++) {
        bool bits = c->registers[i].kind == QT_REGISTER_BIT;
        hidden = hidden || (bits && c->registers[i].hidden);
        visible = visible || (bits && !c->registers[i].hidden);
    }
    for (size_t i = 0; i < c->variable_count; i++) {
        hidden = hidden || c->variables[i].type == QT_TYPE_BIT;
    }
    return !hidden ? HIDE_NONE : visible ? HIDE_BY_OUTPUT : HIDE_BY_BLOCK;
}

static void print_register(qt_printer *p, size_t index, hiding how) {
    const qt_register *r = &p->c->registers[index];
    bool bits = r->kind == QT_REGISTER_BIT;
    qt_print_indent(p);
    qt_buf_add_str(p->out, how == HIDE_BY_OUTPUT && bits && !r->hidden ? "output " : "");
    qt_buf_add_str(p->out, bits ? "bit" : "qubit");
    if (!r->scalar) {
        qt_buf_printf(p->out, "[%u]", r->size);
    }
    qt_buf_printf(p->out, " %s;\n", p->registers[index]);
}

/* Those of one kind, or of both; hardware qubits are not declared. */
static void print_registers(qt_printer *p, hiding how, bool qubits, bool bits) {
    for (size_t i = 0; i < p->c->register_count; i++) {
        const qt_register *r = &p->c->registers[i];
        if (r->name[0] != '$' && (r->kind == QT_REGISTER_QUBIT ? qubits : bits)) {
            print_register(p, i, how);
        }
    }
}

/* Variables that are bits: hidden registers in all but name. */
static void print_bit_variables(qt_printer *p) {
    for (size_t i = 0; i < p->c->variable_count; i++) {
        const qt_variable *v = &p->c->variables[i];
        if (v->type == QT_TYPE_BIT) {
            qt_print_indent(p);
            qt_print_type(p->out, v->type, v->width);
            qt_buf_printf(p->out, " %s;\n", p->variables[i]);
        }
    }
}

/* Those that the block of an operation (op_count: the top) declares. */
static void print_variables(qt_printer *p, size_t block) {
    for (uint32_t k = p->first_declared[block]; k > 0; k = p->next_declared[k - 1]) {
        const qt_variable *v = &p->c->variables[k - 1];
        qt_print_indent(p);
        qt_print_type(p->out, v->type, v->width);
        qt_buf_printf(p->out, " %s;\n", p->variables[k - 1]);
    }
}

static const char *controlled_name(qt_gate gate, unsigned controls) {
    static const struct {
        qt_gate gate;
        unsigned controls;
        const char *name;
    } names[] = {{QT_GATE_X, 1, "cx"},      {QT_GATE_X, 2, "ccx"},  {QT_GATE_Y, 1, "cy"},
                 {QT_GATE_Z, 1, "cz"},      {QT_GATE_H, 1, "ch"},   {QT_GATE_P, 1, "cp"},
                 {QT_GATE_RX, 1, "crx"},    {QT_GATE_RY, 1, "cry"}, {QT_GATE_RZ, 1, "crz"},
                 {QT_GATE_SWAP, 1, "cswap"}};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (names[i].gate == gate && names[i].controls == controls) {
            return names[i].name;
        }
    }
    return NULL;
}

static void print_gate(qt_printer *p, const qt_op *op) {
    const char *name = controlled_name(op->sub, op->control_count);
    if (name == NULL && op->control_count == 1) {
        qt_buf_add_str(p->out, "ctrl @ ");
    } else if (name == NULL && op->control_count > 1) {
        qt_buf_printf(p->out, "ctrl(%u) @ ", op->control_count);
    }
    qt_buf_add_str(p->out, name != NULL ? name : qt_gate_get_info(op->sub)->name);
    qt_print_params(p, op);
    qt_print_qubits(p, qt_op_qubits(p->c, op), op->qubit_count);
    qt_buf_add_str(p->out, ";\n");
}

static void print_assign(qt_printer *p, const qt_op *op) {
    switch ((qt_lvalue)op->sub) {
    case QT_LVALUE_VAR:
        qt_buf_add_str(p->out, p->variables[op->a]);
        break;
    case QT_LVALUE_BIT:
        qt_print_clbit(p, op->a);
        break;
    case QT_LVALUE_REG:
        qt_buf_add_str(p->out, p->registers[op->a]);
        break;
    case QT_LVALUE_REG_AT:
        qt_buf_printf(p->out, "%s[", p->registers[op->a]);
        qt_print_expr(p, op->c);
        qt_buf_add_char(p->out, ']');
        break;
    }
    qt_buf_add_str(p->out, " = ");
    qt_print_expr(p, op->b);
    qt_buf_add_str(p->out, ";\n");
}

static void print_for(qt_printer *p, const qt_op *op) {
    const qt_loop *loop = &p->c->loops[op->c];
    const qt_variable *v = &p->c->variables[op->a];
    qt_buf_add_str(p->out, "for ");
    qt_print_type(p->out, v->type, v->width);
    qt_buf_printf(p->out, " %s in [", p->variables[op->a]);
    qt_print_expr(p, loop->first);
    qt_buf_add_char(p->out, ':');
    if (loop->step != QT_NO_INDEX) {
        qt_print_expr(p, loop->step);
        qt_buf_add_char(p->out, ':');
    }
    qt_print_expr(p, loop->last);
    qt_buf_add_str(p->out, "] {\n");
}

static void print_head(qt_printer *p, const char *keyword, uint32_t expr) {
    bool binary = p->c->exprs[expr].kind == QT_EXPR_BINARY; /* has its own parentheses */
    qt_buf_printf(p->out, "%s %s", keyword, binary ? "" : "(");
    qt_print_expr(p, expr);
    qt_buf_add_str(p->out, binary ? " {\n" : ") {\n");
}

static void print_case(qt_printer *p, const qt_op *op) {
    qt_buf_add_str(p->out, op->c > 0 ? "case" : "default");
    for (uint32_t i = 0; i < op->c; i++) {
        qt_buf_add_str(p->out, i == 0 ? " " : ", ");
        qt_buf_add_i64(p->out, p->c->case_values[op->a + i]);
    }
    qt_buf_add_str(p->out, " {\n");
}

/* Borders of a box. */
static bool opens_box(const char *text) {
    return strncmp(text, "box", 3) == 0 && text[strlen(text) - 1] == '{';
}

static bool closes_box(const char *text) {
    return strcmp(text, "}") == 0;
}

/* Pragmas, annotations and boxes as they stood; anything else as a comment. */
static void print_note(qt_printer *p, const char *text) {
    bool line = text[0] == '@' || text[0] == '#' || strncmp(text, "pragma", 6) == 0 ||
                opens_box(text) || closes_box(text);
    qt_buf_printf(p->out, "%s%s\n", line ? "" : "// ", text);
}

static void print_flow(qt_printer *p, const qt_op *op) {
    switch ((int)op->kind) {
    case QT_OP_IF:
        print_head(p, "if", op->a);
        break;
    case QT_OP_ELSE:
        qt_buf_add_str(p->out, "} else {\n");
        break;
    case QT_OP_WHILE:
        print_head(p, "while", op->a);
        break;
    case QT_OP_FOR:
        print_for(p, op);
        break;
    case QT_OP_SWITCH:
        print_head(p, "switch", op->a);
        break;
    case QT_OP_CASE:
        print_case(p, op);
        break;
    case QT_OP_BREAK:
        qt_buf_add_str(p->out, "break;\n");
        break;
    case QT_OP_CONTINUE:
        qt_buf_add_str(p->out, "continue;\n");
        break;
    case QT_OP_END:
        qt_buf_add_str(p->out, "end;\n");
        break;
    default:
        qt_buf_add_str(p->out, "}\n");
        break;
    }
}

static void print_op(qt_printer *p, const qt_op *op) {
    switch ((int)op->kind) {
    case QT_OP_GATE:
    case QT_OP_GATE_DYNAMIC:
        print_gate(p, op);
        break;
    case QT_OP_MEASURE:
        qt_print_measure(p, op);
        break;
    case QT_OP_RESET:
        qt_buf_add_str(p->out, "reset ");
        qt_print_qubit(p, op->a);
        qt_buf_add_str(p->out, ";\n");
        break;
    case QT_OP_BARRIER:
        qt_buf_add_str(p->out, "barrier");
        qt_print_operand_list(p, op);
        break;
    case QT_OP_DELAY:
        qt_buf_printf(p->out, "delay[%s]", p->c->notes[op->c].text);
        qt_print_operand_list(p, op);
        break;
    case QT_OP_ASSIGN:
        print_assign(p, op);
        break;
    case QT_OP_NOTE:
        print_note(p, p->c->notes[op->a].text);
        break;
    default:
        print_flow(p, op);
        break;
    }
}

static const char *note_text(const qt_printer *p, const qt_op *op) {
    return op->kind == QT_OP_NOTE ? p->c->notes[op->a].text : "";
}

/* Braces that this operation closes before its line and opens behind it. */
static int closes(const qt_printer *p, const qt_op *op) {
    uint8_t kind = op->kind;
    return closes_box(note_text(p, op)) || kind == QT_OP_ELSE || kind == QT_OP_ENDIF ||
           kind == QT_OP_ENDWHILE || kind == QT_OP_ENDFOR || kind == QT_OP_ENDSWITCH;
}

static int opens(const qt_op *op) {
    uint8_t kind = op->kind;
    return kind == QT_OP_IF || kind == QT_OP_ELSE || kind == QT_OP_WHILE || kind == QT_OP_FOR ||
           kind == QT_OP_SWITCH || kind == QT_OP_CASE;
}

/* A case has no operation of its own at its end: the next case or the end of the switch is it. */
static void close_case(qt_printer *p, size_t index) {
    const qt_op *op = &p->c->ops[index];
    bool next = op->kind == QT_OP_CASE || op->kind == QT_OP_ENDSWITCH;
    bool first = index > 0 && p->c->ops[index - 1].kind == QT_OP_SWITCH;
    if (next && !first) {
        p->indent--;
        qt_print_indent(p);
        qt_buf_add_str(p->out, "}\n");
    }
}

static void print_ops(qt_printer *p) {
    for (size_t i = 0; i < p->c->op_count && !p->out->failed; i++) {
        const qt_op *op = &p->c->ops[i];
        close_case(p, i);
        p->indent -= closes(p, op) && p->indent > 0 ? 1 : 0;
        qt_print_indent(p);
        print_op(p, op);
        if (opens(op)) {
            p->indent++;
            print_variables(p, i);
        }
        p->indent += opens_box(note_text(p, op)) ? 1 : 0;
    }
}

/* Says that the variables below are those of the circuit, so that our front end reads them back as
 * such instead of computing with what it knows of them. */
static void print_runtime_pragma(qt_printer *p) {
    for (size_t i = 0; i < p->c->variable_count; i++) {
        if (p->c->variables[i].type != QT_TYPE_BIT) {
            qt_buf_add_str(p->out, QT_PRINT_RUNTIME_PRAGMA "\n");
            return;
        }
    }
}

qt_code qt_circuit_print_qasm3(const qt_circuit *circuit, qt_buf *out, qt_err *err) {
    QT_CLEANUP(qt_printer_done) qt_printer p = {0};
    QT_TRY(qt_printer_init(&p, 3, circuit, out, err));
    qt_buf_add_str(out, "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n");
    print_runtime_pragma(&p);
    qt_print_definitions(&p);
    hiding how = find_hiding(circuit);
    bool block = how == HIDE_BY_BLOCK;
    print_registers(&p, how, true, !block);
    if (block) {
        qt_buf_add_str(out, "if (true) {\n");
        p.indent++;
        print_registers(&p, how, false, true);
    }
    print_bit_variables(&p);
    print_variables(&p, circuit->op_count);
    print_ops(&p);
    qt_buf_add_str(out, block ? "}\n" : "");
    return qt_buf_check(out, err);
}
