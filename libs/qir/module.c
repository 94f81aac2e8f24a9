/* What stands around the body of the entry point: types, labels, the function's frame, output
 * recording, declarations, attributes and module flags. */
#include "base/cleanup.h"
#include "qir/emit.h"

#include <ctype.h>
#include <string.h>

static bool is_plain_name(const char *name) {
    for (const char *p = name; *p != '\0'; p++) {
        unsigned char c = (unsigned char)*p;
        if (!isalnum(c) && strchr("-$._", c) == NULL) {
            return false;
        }
    }
    return !isdigit((unsigned char)name[0]);
}

/* Text inside quotes: what is not plain ASCII becomes \XX. */
static void put_escaped(qt_buf *text, const char *s, size_t len) {
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c > 0x7E || c == '"' || c == '\\') {
            qt_buf_printf(text, "\\%02X", c);
        } else {
            qt_buf_add_char(text, (char)c);
        }
    }
}

static void put_entry_name(qt_qir_emitter *e) {
    const char *name = e->options.entry_point;
    if (is_plain_name(name)) {
        qt_buf_add_str(&e->text, name);
        return;
    }
    qt_buf_add_char(&e->text, '"');
    put_escaped(&e->text, name, strlen(name));
    qt_buf_add_char(&e->text, '"');
}

static bool is_recorded(const qt_register *reg) {
    return reg->kind == QT_REGISTER_BIT && !reg->hidden && reg->size > 0;
}

/* Labels are numbered in the order of their records: for a register its name, then each bit. */
static uint32_t label_count(const qt_register *reg) {
    return reg->scalar ? 1 : reg->size + 1;
}

static size_t decimal_digits(uint32_t v) {
    size_t count = 1;
    for (; v >= 10; v /= 10) {
        count++;
    }
    return count;
}

/* Length of a label in bytes, the NUL included; part 0 is the register, part i its bit i - 1. */
static size_t label_bytes(const qt_register *reg, uint32_t part) {
    size_t index = part > 0 ? decimal_digits(part - 1) + 2 : 0;
    return strlen(reg->name) + index + 1;
}

/* A program whose bits are all hidden records an empty tuple, to say that nothing is recorded. */
static bool records_nothing(const qt_qir_emitter *e) {
    for (size_t r = 0; r < e->circuit->register_count; r++) {
        if (is_recorded(&e->circuit->registers[r])) {
            return false;
        }
    }
    return e->circuit->num_clbits > 0;
}

static void put_label_definitions(qt_qir_emitter *e) {
    uint32_t number = 0;
    if (records_nothing(e)) {
        qt_buf_add_str(&e->text, "@0 = internal constant [1 x i8] zeroinitializer\n\n");
    }
    for (size_t r = 0; r < e->circuit->register_count; r++) {
        const qt_register *reg = &e->circuit->registers[r];
        uint32_t count = is_recorded(reg) ? label_count(reg) : 0;
        for (uint32_t part = 0; part < count; part++) {
            qt_buf_printf(&e->text, "@%u = internal constant [%zu x i8] c\"", number++,
                          label_bytes(reg, part));
            put_escaped(&e->text, reg->name, strlen(reg->name));
            if (part > 0) {
                qt_buf_printf(&e->text, "[%u]", part - 1);
            }
            qt_buf_add_str(&e->text, "\\00\"\n");
        }
    }
    if (number > 0) {
        qt_buf_add_char(&e->text, '\n');
    }
}

void qt_qir_put_header(qt_qir_emitter *e) {
    if (e->options.version == QT_QIR_1_0) {
        qt_buf_add_str(&e->text, "%Qubit = type opaque\n%Result = type opaque\n\n");
    }
    put_label_definitions(e);
    qt_buf_add_str(&e->text, "define i64 @");
    put_entry_name(e);
    qt_buf_add_str(&e->text, "() #0 {\nentry:\n");
    if (!e->options.no_initialize) {
        qt_buf_printf(&e->text, "  call void @__quantum__rt__initialize(%snull)\n", e->label);
    }
    qt_buf_add_str(&e->text, "  br label %body\n\nbody:\n");
}

/* ", label)\n": the end of a record call. */
static void put_label(qt_qir_emitter *e, size_t bytes, uint32_t number) {
    if (e->options.version == QT_QIR_2_0) {
        qt_buf_printf(&e->text, ", ptr @%u)\n", number);
        return;
    }
    qt_buf_printf(&e->text,
                  ", i8* getelementptr inbounds ([%zu x i8], [%zu x i8]* @%u, i64 0, i64 0))\n",
                  bytes, bytes, number);
}

static void put_bit_record(qt_qir_emitter *e, uint32_t result, const char *value) {
    if (value != NULL) {
        e->uses |= QT_USES_BOOL_RECORD;
        qt_buf_printf(&e->text, "  call void @__quantum__rt__bool_record_output(i1 %s", value);
        return;
    }
    e->uses |= QT_USES_RESULT_RECORD;
    qt_buf_add_str(&e->text, "  call void @__quantum__rt__result_record_output(");
    qt_qir_put_pointer(e, e->result, "", result);
}

static uint32_t put_register_records(qt_qir_emitter *e, const qt_register *reg, uint32_t number,
                                     const uint32_t *bit_result, const char *const *bit_value) {
    if (!reg->scalar) {
        e->uses |= QT_USES_ARRAY_RECORD;
        qt_buf_printf(&e->text, "  call void @__quantum__rt__array_record_output(i64 %u",
                      reg->size);
        put_label(e, label_bytes(reg, 0), number++);
    }
    for (uint32_t i = 0; i < reg->size; i++) {
        uint32_t bit = reg->first + i;
        put_bit_record(e, bit_result[bit], bit_value != NULL ? bit_value[bit] : NULL);
        put_label(e, label_bytes(reg, reg->scalar ? 0 : i + 1), number++);
    }
    return number;
}

void qt_qir_put_records(qt_qir_emitter *e, const uint32_t *bit_result,
                        const char *const *bit_value) {
    uint32_t number = 0;
    for (size_t r = 0; r < e->circuit->register_count; r++) {
        const qt_register *reg = &e->circuit->registers[r];
        if (is_recorded(reg)) {
            number = put_register_records(e, reg, number, bit_result, bit_value);
        }
    }
    if (records_nothing(e)) {
        e->uses |= QT_USES_TUPLE_RECORD;
        qt_buf_add_str(&e->text, "  call void @__quantum__rt__tuple_record_output(i64 0");
        put_label(e, 1, 0);
    }
    qt_buf_add_str(&e->text, "  ret i64 0\n}\n\n");
}

static void put_qis_declaration(qt_qir_emitter *e, const qt_qis_info *info) {
    qt_buf_printf(&e->text, "declare void @%s(", info->function);
    const char *comma = "";
    for (unsigned i = 0; i < info->param_count; i++) {
        qt_buf_printf(&e->text, "%sdouble", comma);
        comma = ", ";
    }
    for (unsigned i = 0; i < info->qubit_count; i++) {
        qt_buf_printf(&e->text, "%s%.*s", comma, (int)strlen(e->qubit) - 1, e->qubit);
        comma = ", ";
    }
    qt_buf_add_str(&e->text, ")\n");
}

static void put_declarations(qt_qir_emitter *e) {
    for (unsigned i = 0; i < QT_QIS_COUNT_; i++) {
        if (e->used[i]) {
            put_qis_declaration(e, &qt_qis_table[i]);
        }
    }
    qt_buf *text = &e->text;
    if (e->uses & QT_USES_MZ) {
        qt_buf_printf(text, "declare void @__quantum__qis__mz__body(%.*s, %swriteonly) #1\n",
                      (int)strlen(e->qubit) - 1, e->qubit, e->result);
    }
    if (e->uses & QT_USES_READ_RESULT) {
        bool full = e->options.gates == QT_QIR_GATES_FULL;
        qt_buf_printf(text, "declare i1 @%s(%sreadonly)\n",
                      full ? "__quantum__rt__read_result" : "__quantum__qis__read_result__body",
                      e->result);
    }
    const char *label = e->options.version == QT_QIR_1_0 ? "i8*" : "ptr";
    if (!e->options.no_initialize) {
        qt_buf_printf(text, "declare void @__quantum__rt__initialize(%s)\n", label);
    }
    if (e->uses & QT_USES_ARRAY_RECORD) {
        qt_buf_printf(text, "declare void @__quantum__rt__array_record_output(i64, %s)\n", label);
    }
    if (e->uses & QT_USES_TUPLE_RECORD) {
        qt_buf_printf(text, "declare void @__quantum__rt__tuple_record_output(i64, %s)\n", label);
    }
    if (e->uses & QT_USES_RESULT_RECORD) {
        qt_buf_printf(text, "declare void @__quantum__rt__result_record_output(%s, %s)\n",
                      e->options.version == QT_QIR_1_0 ? "%Result*" : "ptr", label);
    }
    if (e->uses & QT_USES_BOOL_RECORD) {
        qt_buf_printf(text, "declare void @__quantum__rt__bool_record_output(i1, %s)\n", label);
    }
}

static void put_attributes(qt_qir_emitter *e) {
    qt_buf_printf(&e->text,
                  "\nattributes #0 = { \"entry_point\" \"qir_profiles\"=\"%s_profile\" "
                  "\"output_labeling_schema\"=\"qtaskdist\" \"required_num_qubits\"=\"%u\" "
                  "\"required_num_results\"=\"%u\" }\n",
                  qt_qir_profile_name(e->info.profile), e->info.num_qubits, e->info.num_results);
    if (e->uses & QT_USES_MZ) {
        qt_buf_add_str(&e->text, "attributes #1 = { \"irreversible\" }\n");
    }
}

/* The list names metadata numbers, so it is collected while the flags are written. */
static void put_flags(qt_qir_emitter *e) {
    QT_CLEANUP(qt_buf_done) qt_buf flags = {0};
    unsigned count = 4;
    unsigned lists = 4u + e->info.int_computations + e->info.float_computations +
                     (e->info.backwards_branching > 0) + e->info.multiple_target_branching;
    if (e->info.int_computations) {
        qt_buf_printf(&flags, "!%u = !{i32 5, !\"int_computations\", !%u}\n", count++, lists++);
    }
    if (e->info.float_computations) {
        qt_buf_printf(&flags, "!%u = !{i32 5, !\"float_computations\", !%u}\n", count++, lists++);
    }
    if (e->info.backwards_branching > 0) {
        qt_buf_printf(&flags, "!%u = !{i32 1, !\"backwards_branching\", i2 %d}\n", count++,
                      e->info.backwards_branching >= 2 ? e->info.backwards_branching - 4 : 1);
    }
    if (e->info.multiple_target_branching) {
        qt_buf_printf(&flags, "!%u = !{i32 1, !\"multiple_target_branching\", i1 true}\n", count++);
    }
    unsigned next = count;
    if (e->info.int_computations) {
        qt_buf_printf(&flags, "!%u = !{!\"i64\"}\n", next++);
    }
    if (e->info.float_computations) {
        qt_buf_printf(&flags, "!%u = !{!\"double\"}\n", next);
    }
    qt_buf_add_str(&e->text, "\n!llvm.module.flags = !{!0");
    for (unsigned i = 1; i < count; i++) {
        qt_buf_printf(&e->text, ", !%u", i);
    }
    qt_buf_printf(&e->text,
                  "}\n\n!0 = !{i32 1, !\"qir_major_version\", i32 %d}\n"
                  "!1 = !{i32 7, !\"qir_minor_version\", i32 0}\n"
                  "!2 = !{i32 1, !\"dynamic_qubit_management\", i1 false}\n"
                  "!3 = !{i32 1, !\"dynamic_result_management\", i1 false}\n",
                  e->options.version == QT_QIR_1_0 ? 1 : 2);
    qt_buf_add(&e->text, flags.data, flags.len);
    e->text.failed = e->text.failed || flags.failed;
}

void qt_qir_put_footer(qt_qir_emitter *e) {
    put_declarations(e);
    put_attributes(e);
    put_flags(e);
}
