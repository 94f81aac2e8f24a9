#include "program/braket.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "program/json_cursor.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_INPUT_NESTING = 8 };

/* What the JSON around a program holds. The request's inputs stand before its own: the first of a
 * name counts. */
typedef struct wrapper {
    char *source;
    size_t source_len;
    qt_qasm_input *inputs;
    size_t input_count;
    qt_arena arena;
} wrapper;

static void wrapper_done(wrapper *w) {
    free(w->source);
    free(w->inputs);
    qt_arena_done(&w->arena);
}

static qt_code wrong(qt_json_cursor *c, const qt_json_token *t, const char *what) {
    return qt_json_cursor_fail(c, t->offset, QT_REASON_CIRCUIT_SYNTAX, "%s", what);
}

/* ---- header ---- */

static qt_code read_header(qt_json_cursor *c, const qt_json_token *first) {
    qt_json_token t;
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_OBJECT));
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_OBJECT_END) {
            return QT_OK;
        }
        bool name = qt_json_token_is(&t, "name");
        size_t mark = qt_json_cursor_enter(c, t.text, t.len);
        QT_TRY(qt_json_cursor_next(c, &t));
        if (name &&
            !(t.type == QT_JSON_STRING && qt_json_token_is(&t, "braket.ir.openqasm.program"))) {
            int shown = t.type == QT_JSON_STRING && t.len < 40 ? (int)t.len : 0;
            return qt_json_cursor_fail(c, t.offset, QT_REASON_CIRCUIT_UNSUPPORTED,
                                       "the schema '%.*s'; braket.ir.openqasm.program is supported",
                                       shown, t.text);
        }
        QT_TRY(qt_json_cursor_skip(c, &t));
        qt_json_cursor_leave(c, mark);
    }
}

/* ---- inputs: JSON values as constants of OpenQASM ---- */

static qt_code add_value(qt_json_cursor *c, const qt_json_token *t, size_t depth, qt_buf *out);

static qt_code add_list(qt_json_cursor *c, size_t depth, qt_buf *out) {
    qt_json_token t;
    qt_buf_add_char(out, '{');
    for (size_t i = 0;; i++) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_ARRAY_END) {
            qt_buf_add_char(out, '}');
            return QT_OK;
        }
        qt_buf_add_str(out, i > 0 ? ", " : "");
        QT_TRY(add_value(c, &t, depth + 1, out));
    }
}

static qt_code add_value(qt_json_cursor *c, const qt_json_token *t, size_t depth, qt_buf *out) {
    if (depth > MAX_INPUT_NESTING) {
        return wrong(c, t, "lists are nested too deep");
    }
    switch (t->type) {
    case QT_JSON_NUMBER:
        qt_buf_add(out, t->text, t->len);
        return QT_OK;
    case QT_JSON_TRUE:
    case QT_JSON_FALSE:
        qt_buf_add_str(out, t->type == QT_JSON_TRUE ? "true" : "false");
        return QT_OK;
    case QT_JSON_STRING: /* of bits */
        for (size_t i = 0; i < t->len; i++) {
            if (t->text[i] != '0' && t->text[i] != '1') {
                return wrong(c, t, "a string is made of the bits 0 and 1");
            }
        }
        qt_buf_add_char(out, '"');
        qt_buf_add(out, t->text, t->len);
        qt_buf_add_char(out, '"');
        return QT_OK;
    case QT_JSON_ARRAY:
        return add_list(c, depth, out);
    case QT_JSON_END:
    case QT_JSON_OBJECT:
    case QT_JSON_OBJECT_END:
    case QT_JSON_ARRAY_END:
    case QT_JSON_KEY:
    case QT_JSON_NULL:
        break;
    }
    return wrong(c, t, "an input is a number, a boolean, a string of bits or a list of these");
}

static qt_code add_input(wrapper *w, qt_qasm_input input, qt_err *err) {
    void *bigger = w->inputs;
    QT_TRY(qt_try_realloc(&bigger, (w->input_count + 1) * sizeof *w->inputs, err));
    w->inputs = bigger;
    w->inputs[w->input_count++] = input;
    return QT_OK;
}

static qt_code copy_input(wrapper *w, const char *name, const qt_buf *value, qt_err *err) {
    char *text = qt_arena_strndup(&w->arena, qt_buf_str(value), value->len);
    if (text == NULL) {
        return qt_fail(err, OUT_OF_MEMORY, "no memory for the inputs");
    }
    return add_input(w, (qt_qasm_input){.name = name, .value = text}, err);
}

static qt_code read_inputs(qt_json_cursor *c, const qt_json_token *first, wrapper *w) {
    qt_json_token t;
    size_t given = w->input_count;
    if (first->type == QT_JSON_NULL) {
        return QT_OK;
    }
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_OBJECT));
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_OBJECT_END) {
            return QT_OK;
        }
        size_t mark = qt_json_cursor_enter(c, t.text, t.len);
        char *name = qt_arena_strndup(&w->arena, t.text, t.len);
        if (name == NULL) {
            return qt_fail(c->err, OUT_OF_MEMORY, "no memory for the inputs");
        }
        if (w->input_count - given == QT_MAX_PROGRAM_INPUTS) {
            return qt_json_cursor_fail(c, t.offset, QT_REASON_CIRCUIT_TOO_LARGE,
                                       "more than %d inputs", (int)QT_MAX_PROGRAM_INPUTS);
        }
        QT_CLEANUP(qt_buf_done) qt_buf value = {0};
        QT_TRY(qt_json_cursor_next(c, &t));
        QT_TRY(add_value(c, &t, 0, &value));
        QT_TRY(qt_buf_check(&value, c->err));
        QT_TRY(copy_input(w, name, &value, c->err));
        qt_json_cursor_leave(c, mark);
    }
}

/* ---- the object ---- */

static qt_code read_source(qt_json_cursor *c, const qt_json_token *t, wrapper *w) {
    void *copy = NULL;
    QT_TRY(qt_json_cursor_expect(c, t, QT_JSON_STRING));
    if (w->source != NULL) {
        return wrong(c, t, "given twice");
    }
    QT_TRY(qt_try_malloc(t->len + 1, &copy, c->err));
    memcpy(copy, t->text, t->len);
    w->source = copy;
    w->source_len = t->len;
    return QT_OK;
}

static qt_code read_member(qt_json_cursor *c, const qt_json_token *key, wrapper *w) {
    bool header = qt_json_token_is(key, "braketSchemaHeader");
    bool source = qt_json_token_is(key, "source");
    bool inputs = qt_json_token_is(key, "inputs");
    if (qt_json_token_is(key, "instructions")) {
        return qt_json_cursor_fail(c, key->offset, QT_REASON_CIRCUIT_UNSUPPORTED,
                                   "JAQCD (braket.ir.jaqcd.program); send OpenQASM 3");
    }
    if (!header && !source && !inputs) {
        return wrong(c, key, "Braket's format has no such field");
    }
    qt_json_token t;
    QT_TRY(qt_json_cursor_next(c, &t));
    return header ? read_header(c, &t) : source ? read_source(c, &t, w) : read_inputs(c, &t, w);
}

static qt_code read_wrapper(qt_json_cursor *c, wrapper *w) {
    qt_json_token first;
    qt_json_token t;
    QT_TRY(qt_json_cursor_next(c, &first));
    QT_TRY(qt_json_cursor_expect(c, &first, QT_JSON_OBJECT));
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_OBJECT_END) {
            break;
        }
        size_t mark = qt_json_cursor_enter(c, t.text, t.len);
        QT_TRY(read_member(c, &t, w));
        qt_json_cursor_leave(c, mark);
    }
    QT_TRY(qt_json_cursor_next(c, &t)); /* nothing behind it */
    return w->source != NULL ? QT_OK : wrong(c, &first, "'source' is missing");
}

static qt_code parse(const char *text, size_t len, const qt_program_read_options *o,
                     const wrapper *w, qt_circuit **ret_circuit, qt_diagnostics *ret_diagnostics,
                     qt_err *err) {
    qt_qasm_options qasm = qt_program_qasm_options(QT_QASM_3, o);
    qasm.inputs = w->inputs;
    qasm.input_count = w->input_count;
    qasm.braket = true;
    return qt_qasm_parse(text, len, &qasm, ret_circuit, ret_diagnostics, err);
}

static bool is_json(const char *data, size_t len) {
    size_t i = 0;
    while (i < len && strchr(" \t\r\n", data[i]) != NULL && data[i] != '\0') {
        i++;
    }
    return i < len && data[i] == '{';
}

qt_code qt_braket_read(const char *data, size_t len, const qt_program_read_options *options,
                       qt_circuit **ret_circuit, qt_diagnostics *ret_diagnostics, qt_err *err) {
    QT_CLEANUP(wrapper_done) wrapper w = {0};
    qt_arena_init(&w.arena, 0);
    for (size_t i = 0; i < options->input_count; i++) {
        QT_TRY(add_input(&w, options->inputs[i], err));
    }
    if (!is_json(data, len)) {
        return parse(data, len, options, &w, ret_circuit, ret_diagnostics, err);
    }
    QT_CLEANUP(qt_json_cursor_done) qt_json_cursor c;
    qt_json_cursor_init(&c, data, len, 0, options->max_nesting, err);
    QT_TRY(read_wrapper(&c, &w));
    return parse(w.source, w.source_len, options, &w, ret_circuit, ret_diagnostics, err);
}
