#include "circuit/pack.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <string.h>

enum { MAGIC = 0x31637471 };

/* The arrays without pointers: PLAIN(array, count). */
#define EACH_PLAIN(PLAIN)                                                                          \
    PLAIN(ops, op_count)                                                                           \
    PLAIN(operands, operand_count)                                                                 \
    PLAIN(params, param_count)                                                                     \
    PLAIN(param_exprs, param_expr_count)                                                           \
    PLAIN(exprs, expr_count)                                                                       \
    PLAIN(wide_words, wide_word_count)                                                             \
    PLAIN(case_values, case_value_count)                                                           \
    PLAIN(loops, loop_count)

static void put_u64(qt_buf *out, uint64_t v) {
    qt_buf_add(out, &v, sizeof v);
}

static void put_text(qt_buf *out, const char *text) {
    size_t len = strlen(text);
    put_u64(out, len);
    qt_buf_add(out, text, len);
}

static void put_array(qt_buf *out, const void *array, size_t count, size_t item_bytes) {
    put_u64(out, count);
    qt_buf_add(out, array, count * item_bytes);
}

static void put_register(qt_buf *out, const qt_register *r) {
    put_u64(out, (uint64_t)r->first << 32 | r->size);
    put_u64(out, (uint64_t)r->kind | (r->scalar ? 4U : 0U) | (r->hidden ? 8U : 0U));
    put_text(out, r->name);
}

void qt_circuit_pack(const qt_circuit *c, qt_buf *out) {
    put_u64(out, MAGIC);
    put_u64(out, (uint64_t)c->num_qubits << 32 | c->num_clbits);
#define PLAIN(array, count) put_array(out, c->array, c->count, sizeof *c->array);
    EACH_PLAIN(PLAIN)
#undef PLAIN
    put_u64(out, c->register_count);
    for (size_t i = 0; i < c->register_count; i++) {
        put_register(out, &c->registers[i]);
    }
    put_u64(out, c->variable_count);
    for (size_t i = 0; i < c->variable_count; i++) {
        put_u64(out, (uint64_t)c->variables[i].type << 32 | c->variables[i].width);
        put_text(out, c->variables[i].name);
    }
    put_u64(out, c->note_count);
    for (size_t i = 0; i < c->note_count; i++) {
        put_u64(out, c->notes[i].line);
        put_text(out, c->notes[i].text);
    }
    put_u64(out, c->warning_count);
    for (size_t i = 0; i < c->warning_count; i++) {
        put_text(out, c->warnings[i]);
    }
}

typedef struct unpacker {
    const char *data;
    size_t left;
    qt_circuit *circuit;
    qt_err *err;
} unpacker;

static qt_code cut_off(const unpacker *u) {
    return qt_fail(u->err, DATA_CORRUPT, "the bytes of a circuit are cut off");
}

static qt_code get_u64(unpacker *u, uint64_t *ret_v) {
    if (u->left < sizeof *ret_v) {
        return cut_off(u);
    }
    memcpy(ret_v, u->data, sizeof *ret_v);
    u->data += sizeof *ret_v;
    u->left -= sizeof *ret_v;
    return QT_OK;
}

/* A count of things that take at least item_bytes each. */
static qt_code get_count(unpacker *u, size_t item_bytes, size_t *ret_count) {
    uint64_t count = 0;
    QT_TRY(get_u64(u, &count));
    if (count > UINT32_MAX || count > u->left / item_bytes) {
        return cut_off(u);
    }
    *ret_count = count;
    return QT_OK;
}

static qt_code get_text(unpacker *u, char **ret_text) {
    size_t len = 0;
    QT_TRY(get_count(u, 1, &len));
    char *text = qt_arena_strndup(&u->circuit->strings, u->data, len);
    if (text == NULL) {
        return qt_fail(u->err, OUT_OF_MEMORY, "no memory for a name");
    }
    u->data += len;
    u->left -= len;
    *ret_text = text;
    return QT_OK;
}

static qt_code get_array(unpacker *u, size_t item_bytes, void **ret_array, size_t *ret_count) {
    size_t count = 0;
    QT_TRY(get_count(u, item_bytes, &count));
    QT_TRY(qt_try_malloc(count * item_bytes, ret_array, u->err));
    if (count > 0) {
        memcpy(*ret_array, u->data, count * item_bytes);
    }
    u->data += count * item_bytes;
    u->left -= count * item_bytes;
    *ret_count = count;
    return QT_OK;
}

static qt_code get_registers(unpacker *u) {
    qt_circuit *c = u->circuit;
    size_t count = 0;
    QT_TRY(get_count(u, 3 * sizeof(uint64_t), &count));
    QT_TRY(qt_try_calloc(count, sizeof *c->registers, (void **)&c->registers, u->err));
    for (; c->register_count < count; c->register_count++) {
        uint64_t place = 0;
        uint64_t flags = 0;
        char *name = NULL;
        QT_TRY(get_u64(u, &place));
        QT_TRY(get_u64(u, &flags));
        QT_TRY(get_text(u, &name));
        c->registers[c->register_count] =
            (qt_register){.name = name,
                          .kind = (flags & 1) != 0 ? QT_REGISTER_BIT : QT_REGISTER_QUBIT,
                          .first = (uint32_t)(place >> 32),
                          .size = (uint32_t)place,
                          .scalar = (flags & 4) != 0,
                          .hidden = (flags & 8) != 0};
    }
    return QT_OK;
}

static qt_code get_variables(unpacker *u) {
    qt_circuit *c = u->circuit;
    size_t count = 0;
    QT_TRY(get_count(u, 2 * sizeof(uint64_t), &count));
    QT_TRY(qt_try_calloc(count, sizeof *c->variables, (void **)&c->variables, u->err));
    for (; c->variable_count < count; c->variable_count++) {
        uint64_t type = 0;
        char *name = NULL;
        QT_TRY(get_u64(u, &type));
        QT_TRY(get_text(u, &name));
        if (type >> 32 > QT_TYPE_ANGLE) {
            return qt_fail(u->err, DATA_CORRUPT, "a variable of a circuit has a wrong type");
        }
        c->variables[c->variable_count] =
            (qt_variable){.name = name, .type = (qt_type)(type >> 32), .width = (uint32_t)type};
    }
    return QT_OK;
}

static qt_code get_notes(unpacker *u) {
    qt_circuit *c = u->circuit;
    size_t count = 0;
    QT_TRY(get_count(u, 2 * sizeof(uint64_t), &count));
    QT_TRY(qt_try_calloc(count, sizeof *c->notes, (void **)&c->notes, u->err));
    for (; c->note_count < count; c->note_count++) {
        uint64_t line = 0;
        char *text = NULL;
        QT_TRY(get_u64(u, &line));
        QT_TRY(get_text(u, &text));
        c->notes[c->note_count] = (qt_note){.text = text, .line = (uint32_t)line};
    }
    return QT_OK;
}

static qt_code get_warnings(unpacker *u) {
    qt_circuit *c = u->circuit;
    size_t count = 0;
    QT_TRY(get_count(u, sizeof(uint64_t), &count));
    QT_TRY(qt_try_calloc(count, sizeof *c->warnings, (void **)&c->warnings, u->err));
    for (; c->warning_count < count; c->warning_count++) {
        QT_TRY(get_text(u, &c->warnings[c->warning_count]));
    }
    return QT_OK;
}

static qt_code get_circuit(unpacker *u) {
    qt_circuit *c = u->circuit;
    uint64_t magic = 0;
    uint64_t sizes = 0;
    QT_TRY(get_u64(u, &magic));
    QT_TRY(get_u64(u, &sizes));
    if (magic != MAGIC) {
        return qt_fail(u->err, DATA_CORRUPT, "the bytes are no circuit");
    }
    c->num_qubits = (uint32_t)(sizes >> 32);
    c->num_clbits = (uint32_t)sizes;
#define PLAIN(array, count) QT_TRY(get_array(u, sizeof *c->array, (void **)&c->array, &c->count));
    EACH_PLAIN(PLAIN)
#undef PLAIN
    QT_TRY(get_registers(u));
    QT_TRY(get_variables(u));
    QT_TRY(get_notes(u));
    QT_TRY(get_warnings(u));
    return u->left == 0 ? QT_OK
                        : qt_fail(u->err, DATA_CORRUPT, "bytes follow behind those of a circuit");
}

qt_code qt_circuit_unpack(const char *data, size_t len, qt_circuit **ret_circuit, qt_err *err) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_TRY(qt_try_calloc(1, sizeof *circuit, (void **)&circuit, err));
    qt_arena_init(&circuit->strings, 0);
    unpacker u = {.data = data, .left = len, .circuit = circuit, .err = err};
    QT_TRY(get_circuit(&u));
    QT_TRY(qt_circuit_validate(circuit, err));
    *ret_circuit = QT_TAKE(circuit);
    return QT_OK;
}
