/* The body around an IonQ circuit. Members come in any order, so a first pass over the text finds
 * where the parts are (and that it is JSON), and a second one reads them. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "program/ionq.h"
#include "program/ionq_gate.h"

#include <stdlib.h>
#include <string.h>

typedef enum member {
    MEMBER_UNKNOWN,
    MEMBER_INPUT,
    MEMBER_QUBITS,
    MEMBER_GATESET,
    MEMBER_CIRCUIT,
    MEMBER_REGISTERS,
    MEMBER_METADATA,
    MEMBER_FORMAT, /* a string that names a format */
    MEMBER_FREE,   /* without meaning for a simulation */
    MEMBER_SHOTS,  /* warned about, as is the next */
    MEMBER_NOISE,
    MEMBER_CIRCUITS,
    MEMBER_DATA,
    MEMBER_COUNT_
} member;

/* Where a member may stand. */
enum { IN_JOB = 1, IN_INPUT = 2 };

static const struct {
    const char *name;
    uint8_t member;
    uint8_t where;
} members[] = {
    {"input", MEMBER_INPUT, IN_JOB},          {"body", MEMBER_INPUT, IN_JOB},
    {"qubits", MEMBER_QUBITS, IN_INPUT},      {"gateset", MEMBER_GATESET, IN_INPUT},
    {"circuit", MEMBER_CIRCUIT, IN_INPUT},    {"registers", MEMBER_REGISTERS, IN_JOB | IN_INPUT},
    {"metadata", MEMBER_METADATA, IN_JOB},    {"format", MEMBER_FORMAT, IN_INPUT},
    {"type", MEMBER_FORMAT, IN_JOB},          {"lang", MEMBER_FREE, IN_JOB},
    {"name", MEMBER_FREE, IN_JOB | IN_INPUT}, {"target", MEMBER_FREE, IN_JOB},
    {"backend", MEMBER_FREE, IN_JOB},         {"shots", MEMBER_SHOTS, IN_JOB},
    {"noise", MEMBER_NOISE, IN_JOB},          {"settings", MEMBER_FREE, IN_JOB},
    {"compilation", MEMBER_FREE, IN_JOB},     {"error_mitigation", MEMBER_FREE, IN_JOB},
    {"dry_run", MEMBER_FREE, IN_JOB},         {"session_id", MEMBER_FREE, IN_JOB},
    {"project_id", MEMBER_FREE, IN_JOB},      {"preflight", MEMBER_FREE, IN_JOB},
    {"circuits", MEMBER_CIRCUITS, IN_INPUT},  {"data", MEMBER_DATA, IN_INPUT},
};

enum { NOWHERE = -1 };

/* What the first pass finds: offsets into the text. */
typedef struct outline {
    ptrdiff_t circuit;
    ptrdiff_t registers;
    char *registers_text; /* from the metadata: JSON in a string, NULL: none */
    uint32_t qubits;
    bool has_qubits;
    bool native;
    bool has_shots;
    bool has_noise;
    bool is_job;
    uint32_t max_qubits;
} outline;

static void outline_done(outline *o) {
    free(o->registers_text);
}

static qt_code wrong(qt_json_cursor *c, const qt_json_token *t, const char *what) {
    return qt_json_cursor_fail(c, t->offset, QT_REASON_CIRCUIT_SYNTAX, "%s", what);
}

static member find_member(const qt_json_token *key, unsigned where) {
    for (size_t i = 0; i < QT_ARRAY_LEN(members); i++) {
        if ((members[i].where & where) != 0 && qt_json_token_is(key, members[i].name)) {
            return (member)members[i].member;
        }
    }
    return MEMBER_UNKNOWN;
}

static qt_code read_format(qt_json_cursor *c, const qt_json_token *t) {
    QT_TRY(qt_json_cursor_expect(c, t, QT_JSON_STRING));
    if (qt_json_token_is(t, "ionq.circuit.v0") || qt_json_token_is(t, "ionq.circuit.v1")) {
        return QT_OK;
    }
    int shown = t->len < 40 ? (int)t->len : 40;
    return qt_json_cursor_fail(c, t->offset, QT_REASON_CIRCUIT_UNSUPPORTED,
                               "the format '%.*s'; ionq.circuit.v0 and v1 are supported", shown,
                               t->text);
}

static qt_code read_gateset(qt_json_cursor *c, const qt_json_token *t, outline *o) {
    QT_TRY(qt_json_cursor_expect(c, t, QT_JSON_STRING));
    o->native = qt_json_token_is(t, "native");
    return o->native || qt_json_token_is(t, "qis") ? QT_OK
                                                   : wrong(c, t, "a gateset is qis or native");
}

/* metadata.registers is our own way to keep registers, as text of JSON. */
static qt_code read_metadata(qt_json_cursor *c, const qt_json_token *first, outline *o) {
    if (first->type != QT_JSON_OBJECT) {
        return qt_json_cursor_skip(c, first);
    }
    qt_json_token t;
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_OBJECT_END) {
            return QT_OK;
        }
        bool ours = qt_json_token_is(&t, "registers") && o->registers_text == NULL;
        QT_TRY(qt_json_cursor_next(c, &t));
        if (ours && t.type == QT_JSON_STRING) {
            void *copy = NULL;
            QT_TRY(qt_try_calloc(t.len + 1, 1, &copy, c->err));
            o->registers_text = memcpy(copy, t.text, t.len);
        } else {
            QT_TRY(qt_json_cursor_skip(c, &t));
        }
    }
}

static qt_code read_input(qt_json_cursor *c, const qt_json_token *first, unsigned where,
                          outline *o);

static qt_code read_member(qt_json_cursor *c, member m, const qt_json_token *t, outline *o) {
    switch (m) {
    case MEMBER_INPUT:
        o->is_job = true;
        return read_input(c, t, IN_INPUT, o);
    case MEMBER_QUBITS:
        o->has_qubits = true;
        QT_TRY(qt_json_cursor_index(c, t, UINT32_MAX, &o->qubits));
        return o->qubits > 0 ? QT_OK : wrong(c, t, "a circuit has at least one qubit");
    case MEMBER_GATESET:
        return read_gateset(c, t, o);
    case MEMBER_CIRCUIT:
        o->circuit = (ptrdiff_t)t->offset;
        QT_TRY(qt_json_cursor_expect(c, t, QT_JSON_ARRAY));
        return qt_json_cursor_skip(c, t);
    case MEMBER_REGISTERS:
        o->registers = t->type == QT_JSON_NULL ? NOWHERE : (ptrdiff_t)t->offset;
        return qt_json_cursor_skip(c, t);
    case MEMBER_METADATA:
        return read_metadata(c, t, o);
    case MEMBER_FORMAT:
        return read_format(c, t);
    case MEMBER_SHOTS:
        o->has_shots = t->type != QT_JSON_NULL;
        return qt_json_cursor_skip(c, t);
    case MEMBER_NOISE:
        o->has_noise = t->type != QT_JSON_NULL;
        return qt_json_cursor_skip(c, t);
    case MEMBER_CIRCUITS:
        return qt_json_cursor_fail(c, t->offset, QT_REASON_CIRCUIT_UNSUPPORTED,
                                   "several circuits in one job; make a task of each");
    case MEMBER_DATA:
        return qt_json_cursor_fail(c, t->offset, QT_REASON_CIRCUIT_UNSUPPORTED,
                                   "a program in another language; send it with its own type");
    case MEMBER_FREE:
    case MEMBER_UNKNOWN:
    case MEMBER_COUNT_:
        break;
    }
    return qt_json_cursor_skip(c, t);
}

/* An object whose members stand `where`. */
static qt_code read_input(qt_json_cursor *c, const qt_json_token *first, unsigned where,
                          outline *o) {
    QT_TRY(qt_json_cursor_expect(c, first, QT_JSON_OBJECT));
    unsigned seen = 0;
    qt_json_token t;
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_OBJECT_END) {
            return QT_OK;
        }
        member m = find_member(&t, where);
        size_t mark = qt_json_cursor_enter(c, t.text, t.len);
        bool twice = m != MEMBER_FREE && m != MEMBER_FORMAT && (seen >> m & 1U) != 0;
        if (m == MEMBER_UNKNOWN || twice) {
            return wrong(c, &t, twice ? "given twice" : "IonQ's format has no such field here");
        }
        seen |= 1U << m;
        QT_TRY(qt_json_cursor_next(c, &t));
        QT_TRY(read_member(c, m, &t, o));
        qt_json_cursor_leave(c, mark);
    }
}

static qt_code read_outline(qt_json_cursor *c, outline *o) {
    qt_json_token first;
    qt_json_token t;
    QT_TRY(qt_json_cursor_next(c, &first));
    QT_TRY(read_input(c, &first, IN_JOB | IN_INPUT, o));
    QT_TRY(qt_json_cursor_next(c, &t)); /* nothing behind it */
    if (o->circuit == NOWHERE || !o->has_qubits) {
        const char *what = o->circuit == NOWHERE ? "circuit" : "qubits";
        return qt_json_cursor_fail(c, first.offset, QT_REASON_CIRCUIT_SYNTAX, "%s'%s' is missing",
                                   o->is_job ? "input: " : "", what);
    }
    return QT_OK;
}

/* ---- registers ---- */

/* A name that every language takes, made of what the program gave. */
static void clean_name(const qt_json_token *t, char *ret_name, size_t cap) {
    size_t len = 0;
    for (size_t i = 0; i < t->len && len + 1 < cap; i++) {
        char ch = t->text[i];
        bool letter = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '_';
        bool digit = ch >= '0' && ch <= '9';
        ret_name[len] = letter || (digit && len > 0) ? ch : '_';
        len++;
    }
    if (len == 0) {
        ret_name[len++] = 'c';
    }
    ret_name[len] = '\0';
}

/* The qubits of one register's bits; QT_NO_INDEX: measures none. */
static qt_code read_sources(qt_json_cursor *c, uint32_t num_qubits, uint32_t max, uint32_t **items,
                            uint32_t *ret_count) {
    qt_json_token t;
    uint32_t cap = 0;
    QT_TRY(qt_json_cursor_next(c, &t));
    QT_TRY(qt_json_cursor_expect(c, &t, QT_JSON_ARRAY));
    for (uint32_t i = 0;; i++) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_ARRAY_END) {
            *ret_count = i;
            return QT_OK;
        }
        size_t mark = qt_json_cursor_enter_item(c, i);
        if (i == max) {
            return qt_json_cursor_fail(c, t.offset, QT_REASON_CIRCUIT_TOO_LARGE,
                                       "more than %u bits", max);
        }
        if (i == cap) {
            void *bigger = *items;
            cap = cap == 0 ? 64 : cap * 2;
            QT_TRY(qt_try_realloc(&bigger, cap * sizeof **items, c->err));
            *items = bigger;
        }
        (*items)[i] = QT_NO_INDEX;
        if (t.type != QT_JSON_NULL) {
            QT_TRY(qt_json_cursor_index(c, &t, num_qubits - 1, &(*items)[i]));
        }
        qt_json_cursor_leave(c, mark);
    }
}

static qt_code build_register(qt_builder *b, const char *name, const uint32_t *sources,
                              uint32_t count, qt_err *err) {
    uint32_t first = b->circuit->num_clbits;
    uint32_t reg = 0;
    QT_TRY(qt_build_register(b, QT_REGISTER_BIT, name, count, &reg, err));
    for (uint32_t i = 0; i < count; i++) {
        if (sources == NULL || sources[i] != QT_NO_INDEX) {
            QT_TRY(qt_build_measure(b, sources == NULL ? i : sources[i], first + i, err));
        }
    }
    return QT_OK;
}

static qt_code read_registers(qt_json_cursor *c, const outline *o, qt_builder *b, bool *ret_any) {
    enum { NAME_BYTES = 64 };
    QT_AUTO_FREE uint32_t *sources = NULL;
    qt_json_token t;
    (void)qt_json_cursor_enter(c, "registers", 9);
    QT_TRY(qt_json_cursor_next(c, &t));
    QT_TRY(qt_json_cursor_expect(c, &t, QT_JSON_OBJECT));
    for (;;) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_OBJECT_END) {
            return QT_OK;
        }
        char name[NAME_BYTES];
        clean_name(&t, name, sizeof name);
        size_t mark = qt_json_cursor_enter(c, t.text, t.len);
        uint32_t count = 0;
        free(sources);
        sources = NULL;
        QT_TRY(read_sources(c, o->qubits, o->max_qubits, &sources, &count));
        if (count > 0) {
            *ret_any = true;
            QT_TRY(build_register(b, name, sources, count, c->err));
        }
        qt_json_cursor_leave(c, mark);
    }
}

/* ---- the circuit ---- */

static qt_code read_circuit(qt_json_cursor *c, const outline *o, qt_builder *b) {
    qt_json_token t;
    if (o->is_job) {
        (void)qt_json_cursor_enter(c, "input", 5);
    }
    (void)qt_json_cursor_enter(c, "circuit", 7);
    QT_TRY(qt_json_cursor_next(c, &t)); /* the array, as the outline found */
    for (size_t i = 0;; i++) {
        QT_TRY(qt_json_cursor_next(c, &t));
        if (t.type == QT_JSON_ARRAY_END) {
            return QT_OK;
        }
        size_t mark = qt_json_cursor_enter_item(c, i);
        QT_TRY(qt_ionq_read_gate(c, &t, o->native, o->qubits, b));
        qt_json_cursor_leave(c, mark);
    }
}

static qt_code build_warnings(const outline *o, qt_builder *b, qt_err *err) {
    if (o->has_shots) {
        QT_TRY(qt_build_warning(b, "shots of the job's body have no effect here", err));
    }
    if (o->has_noise) {
        QT_TRY(qt_build_warning(b, "noise of the job's body is not simulated", err));
    }
    return QT_OK;
}

/* Behind the gates: what is measured. */
static qt_code build_measures(const char *data, size_t len, size_t max_nesting, const outline *o,
                              qt_builder *b, qt_err *err) {
    bool any = false;
    bool in_body = o->registers != NOWHERE;
    if (in_body || o->registers_text != NULL) {
        const char *text = in_body ? data : o->registers_text;
        size_t text_len = in_body ? len : strlen(text);
        QT_CLEANUP(qt_json_cursor_done) qt_json_cursor c;
        qt_json_cursor_init(&c, text, text_len, in_body ? (size_t)o->registers : 0, max_nesting,
                            err);
        QT_TRY(read_registers(&c, o, b, &any));
    }
    return any ? QT_OK : build_register(b, "c", NULL, o->qubits, err);
}

static qt_code build(const char *data, size_t len, size_t max_nesting, const outline *o,
                     qt_builder *b, qt_err *err) {
    uint32_t reg = 0;
    QT_CLEANUP(qt_json_cursor_done) qt_json_cursor c;
    qt_json_cursor_init(&c, data, len, (size_t)o->circuit, max_nesting, err);
    QT_TRY(qt_build_register(b, QT_REGISTER_QUBIT, "q", o->qubits, &reg, err));
    QT_TRY(read_circuit(&c, o, b));
    QT_TRY(build_measures(data, len, max_nesting, o, b, err));
    return build_warnings(o, b, err);
}

qt_code qt_ionq_read(const char *data, size_t len, const qt_program_read_options *options,
                     qt_circuit **ret_circuit, qt_err *err) {
    qt_circuit_limits limits = qt_circuit_limits_or_defaults(&options->limits);
    QT_CLEANUP(outline_done)
    outline o = {.circuit = NOWHERE, .registers = NOWHERE, .max_qubits = limits.max_qubits};
    QT_CLEANUP(qt_json_cursor_done) qt_json_cursor c;
    qt_json_cursor_init(&c, data, len, 0, options->max_nesting, err);
    QT_TRY(read_outline(&c, &o));
    QT_CLEANUP(qt_builder_done) qt_builder b = {0};
    QT_TRY(qt_builder_init(&b, &limits, err));
    QT_TRY(build(data, len, options->max_nesting, &o, &b, err));
    return qt_builder_finish(&b, ret_circuit, err);
}
