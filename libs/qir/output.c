/* Recorded output: what the bit registers of the circuit are. */
#include "qir/reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_NAME = 64 };

/* Puts a record at its place. When building, a value that is not simply a result is assigned. */
static qt_code push(qt_reader *r, qt_qir_record record, qt_err *err) {
    if (r->loop_depth > 0) {
        return qt_reader_refuse(r, err, "output is recorded in a loop on measurements");
    }
    QT_TRY(
        qt_reader_grow(&r->records, &r->record_cap, r->record_count + 1, sizeof *r->records, err));
    size_t place = r->record_count++;
    r->records[place] = record;
    if (!r->building) {
        return QT_OK;
    }
    const qt_qir_record *known = place < r->known_count ? &r->known[place] : NULL;
    if (known == NULL || known->what != record.what) {
        return qt_fail(err, INTERNAL, "the runs recorded different outputs");
    }
    uint32_t expr = 0;
    if (known->reg != QT_NO_INDEX) {
        QT_TRY(qt_sym_expr(r, record.value, &expr, err));
        return qt_build_assign(&r->builder, QT_LVALUE_REG, known->reg, expr, QT_NO_INDEX, err);
    }
    if (known->clbit == QT_NO_INDEX || known->own) {
        return QT_OK;
    }
    qt_sym bit = record.value;
    if (bit.kind == QT_SYM_ID) {
        qt_expr x = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1};
        x.u.a = r->result_clbit[bit.i];
        QT_TRY(qt_build_expr(&r->builder, x, &expr, err));
    } else {
        bit = bit.kind == QT_SYM_RESULT ? qt_sym_int(1, bit.i) : bit;
        QT_TRY(qt_sym_expr(r, bit, &expr, err));
        QT_TRY(qt_sym_cast(r, QT_TYPE_BIT, 1, expr, &expr, err));
    }
    return qt_build_assign(&r->builder, QT_LVALUE_BIT, known->clbit, expr, QT_NO_INDEX, err);
}

static qt_code push_result(qt_reader *r, qt_qir_record record, qt_err *err) {
    qt_sym v = record.value;
    if (v.kind != QT_SYM_ID && v.kind != QT_SYM_RESULT) {
        return qt_reader_refuse(r, err, "an argument is no result");
    }
    if (v.kind == QT_SYM_ID) {
        if (v.i >= r->builder.limits.max_qubits) {
            return qt_fail(err, CIRCUIT_TOO_LARGE, "result %llu is over the limit of %u",
                           (unsigned long long)v.i, r->builder.limits.max_qubits);
        }
        r->result_count = v.i >= r->result_count ? v.i + 1 : r->result_count;
        record.measures = v.i < r->measure_cap ? r->measure_count[v.i] : 0;
    }
    record.what = QT_QIR_DOES_RECORD_RESULT;
    return push(r, record, err);
}

/* (count, memory, label): an array and its results. */
static qt_code push_result_array(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_qir_record record,
                                 qt_err *err) {
    qt_sym at = {0};
    QT_TRY(qt_frame_get_known(r, f, LLVMGetOperand(call, 0), "the size of an array", &record.size,
                              err));
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(call, 1), &at, err));
    record.what = QT_QIR_DOES_RECORD_ARRAY;
    QT_TRY(push(r, record, err));
    uint64_t count = record.size;
    record.label = NULL;
    for (uint64_t i = 0; i < count; i++, at.i++) {
        QT_TRY(qt_reader_step(r, err));
        QT_TRY(qt_reader_load(r, at, &record.value, err));
        QT_TRY(push_result(r, record, err));
    }
    return QT_OK;
}

static void find_label(qt_reader *r, qt_frame *f, LLVMValueRef call, unsigned at,
                       qt_qir_record *record) {
    qt_err ignored;
    qt_sym v = {0};
    if (LLVMGetNumArgOperands(call) <= at ||
        qt_frame_get(r, f, LLVMGetOperand(call, at), &v, &ignored) != QT_OK ||
        v.kind != QT_SYM_GLOBAL || !qt_llvm_label(v.global, &record->label, &record->label_len)) {
        record->label = NULL;
        return;
    }
    const char *end = memchr(record->label, '\0', record->label_len);
    record->label_len = end != NULL ? (size_t)(end - record->label) : record->label_len;
}

qt_code qt_reader_record(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_qir_what what,
                         qt_err *err) {
    qt_qir_record record = {.what = what, .clbit = QT_NO_INDEX, .reg = QT_NO_INDEX};
    bool result_array = what == QT_QIR_DOES_RECORD_RESULT_ARRAY;
    if (LLVMGetNumArgOperands(call) < (result_array ? 2 : 1)) {
        return qt_reader_refuse(r, err, "the call has too few arguments");
    }
    find_label(r, f, call, result_array ? 2 : 1, &record);
    if (result_array) {
        return push_result_array(r, f, call, record, err);
    }
    if (what == QT_QIR_DOES_RECORD_ARRAY || what == QT_QIR_DOES_RECORD_TUPLE) {
        QT_TRY(qt_frame_get_known(r, f, LLVMGetOperand(call, 0), "the size of an array",
                                  &record.size, err));
        return push(r, record, err);
    }
    QT_TRY(qt_frame_get(r, f, LLVMGetOperand(call, 0), &record.value, err));
    if (what == QT_QIR_DOES_RECORD_RESULT) {
        return push_result(r, record, err);
    }
    if (!qt_sym_is_number(record.value)) {
        return qt_reader_refuse(r, err, "an argument is no number");
    }
    return push(r, record, err);
}

/* Arms. */

void qt_record_arms_done(qt_record_arms *arms) {
    free(arms->kept);
}

static bool is_alike(const qt_qir_record *a, const qt_qir_record *b) {
    return a->what == b->what && a->size == b->size && a->value.width == b->value.width;
}

static qt_code keep_arm(qt_reader *r, qt_record_arms *arms, size_t count, qt_err *err) {
    void *mem = NULL;
    QT_TRY(qt_try_malloc(count * sizeof *arms->kept, &mem, err));
    memcpy(mem, r->records + arms->base, count * sizeof *arms->kept);
    arms->kept = mem;
    arms->kept_count = count;
    return QT_OK;
}

qt_code qt_reader_end_arm(qt_reader *r, qt_record_arms *arms, qt_err *err) {
    size_t count = r->record_count - arms->base;
    r->record_count = arms->base;
    if (count == 0) {
        return QT_OK;
    }
    if (arms->kept == NULL) {
        return keep_arm(r, arms, count, err);
    }
    bool same = count == arms->kept_count;
    for (size_t i = 0; i < count && same; i++) {
        const qt_qir_record *mine = &r->records[arms->base + i];
        qt_qir_record *kept = &arms->kept[i];
        same = is_alike(kept, mine);
        if (!qt_sym_same(kept->value, mine->value) || kept->measures != mine->measures) {
            kept->value.kind = QT_SYM_NONE; /* differs: assigned in each arm */
        }
    }
    return same ? QT_OK
                : qt_reader_refuse(r, err, "branches on measurements record different outputs");
}

qt_code qt_reader_end_arms(qt_reader *r, qt_record_arms *arms, qt_err *err) {
    QT_TRY(qt_reader_grow(&r->records, &r->record_cap, r->record_count + arms->kept_count + 1,
                          sizeof *r->records, err));
    if (arms->kept_count > 0) {
        memcpy(r->records + r->record_count, arms->kept, arms->kept_count * sizeof *arms->kept);
    }
    r->record_count += arms->kept_count;
    return QT_OK;
}

/* Registers. */

static bool is_identifier(const qt_qir_record *record) {
    if (record->label == NULL || record->label_len == 0 || record->label_len >= MAX_NAME ||
        isdigit((unsigned char)record->label[0])) {
        return false;
    }
    for (size_t i = 0; i < record->label_len; i++) {
        unsigned char c = (unsigned char)record->label[i];
        if (!isalnum(c) && c != '_' && c < 0x80) {
            return false;
        }
    }
    return true;
}

static bool is_taken(const qt_reader *r, const char *name) {
    const qt_circuit *c = r->builder.circuit;
    for (size_t i = 0; i < c->register_count; i++) {
        if (strcmp(c->registers[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static qt_code make_register(qt_reader *r, const qt_qir_record *named, uint64_t size,
                             uint32_t *ret_first, uint32_t *ret_register, qt_err *err) {
    char name[MAX_NAME + 16] = "c";
    if (named != NULL && is_identifier(named)) {
        snprintf(name, sizeof name, "%.*s", (int)named->label_len, named->label);
    }
    size_t len = strlen(name);
    for (unsigned n = 1; is_taken(r, name); n++) {
        snprintf(name + len, sizeof name - len, "_%u", n);
    }
    if (size > r->builder.limits.max_qubits) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "an array of %llu results",
                       (unsigned long long)size);
    }
    *ret_first = r->builder.circuit->num_clbits;
    return qt_build_register(&r->builder, QT_REGISTER_BIT, name, (uint32_t)size, ret_register, err);
}

/* A bit of the output. The first record of a result owns it: measurements go straight there. */
static void place_bit(qt_reader *r, qt_qir_record *record, uint32_t clbit) {
    record->clbit = clbit;
    if (record->what != QT_QIR_DOES_RECORD_RESULT || record->value.kind != QT_SYM_ID) {
        return;
    }
    uint64_t id = record->value.i;
    uint32_t total = id < r->measure_total_cap ? r->measure_total[id] : 0;
    if (r->result_clbit[id] == QT_NO_INDEX && record->measures == total) {
        r->result_clbit[id] = clbit;
        record->own = true;
    }
}

static bool is_bit(const qt_qir_record *record) {
    return record->what == QT_QIR_DOES_RECORD_RESULT || record->what == QT_QIR_DOES_RECORD_BOOL;
}

static bool is_container(const qt_qir_record *record) {
    return record->what == QT_QIR_DOES_RECORD_ARRAY || record->what == QT_QIR_DOES_RECORD_TUPLE;
}

/* How many of the records from `begin` on are bits, at most `most`. Without `labelled`, bits with
 * a name of their own end the run. */
static size_t count_bits(const qt_reader *r, size_t begin, uint64_t most, bool labelled) {
    size_t count = 0;
    while (count < most && begin + count < r->known_count && is_bit(&r->known[begin + count]) &&
           (labelled || !is_identifier(&r->known[begin + count]))) {
        count++;
    }
    return count;
}

static qt_code place_bits(qt_reader *r, const qt_qir_record *named, size_t begin, size_t count,
                          bool scalar, qt_err *err) {
    uint32_t first = 0;
    uint32_t reg = 0;
    QT_TRY(make_register(r, named, count, &first, &reg, err));
    r->builder.circuit->registers[reg].scalar = scalar;
    for (size_t i = 0; i < count; i++) {
        place_bit(r, &r->known[begin + i], first + (uint32_t)i);
    }
    return QT_OK;
}

/* Gives the records from `at` on a register; *ret_count of them. */
static qt_code place_records(qt_reader *r, size_t at, size_t *ret_count, qt_err *err) {
    qt_qir_record *record = &r->known[at];
    *ret_count = 1;
    if (is_container(record)) {
        size_t bits = count_bits(r, at + 1, record->size, true);
        if (bits == 0 || bits != record->size) {
            return QT_OK; /* of containers or of mixed kinds: its parts stand alone */
        }
        *ret_count = bits + 1;
        return place_bits(r, record, at + 1, bits, false, err);
    }
    if (is_bit(record)) {
        bool named = is_identifier(record);
        *ret_count = named ? 1 : count_bits(r, at, SIZE_MAX, false);
        return place_bits(r, record, at, *ret_count, named, err);
    }
    if (record->what == QT_QIR_DOES_RECORD_INT) {
        uint32_t first = 0;
        return make_register(r, record, record->value.width, &first, &record->reg, err);
    }
    return qt_build_warning(&r->builder, "recorded floats are not part of the counts", err);
}

/* Results that nothing records: all of "c" when the program records nothing at all, hidden
 * otherwise. */
static qt_code place_unrecorded(qt_reader *r, qt_err *err) {
    uint64_t count = 0;
    for (uint64_t i = 0; i < r->result_count; i++) {
        count += r->result_clbit[i] == QT_NO_INDEX;
    }
    if (count == 0) {
        return QT_OK;
    }
    uint32_t first = 0;
    uint32_t reg = 0;
    QT_TRY(make_register(r, NULL, count, &first, &reg, err));
    r->builder.circuit->registers[reg].hidden = r->known_count > 0;
    for (uint64_t i = 0; i < r->result_count; i++) {
        if (r->result_clbit[i] == QT_NO_INDEX) {
            r->result_clbit[i] = first++;
        }
    }
    return QT_OK;
}

qt_code qt_reader_make_registers(qt_reader *r, qt_err *err) {
    uint64_t qubits = r->qubit_count > r->static_qubits ? r->qubit_count : r->static_qubits;
    if (qubits > r->builder.limits.max_qubits) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "the program needs %llu qubits; the limit is %u",
                       (unsigned long long)qubits, r->builder.limits.max_qubits);
    }
    uint32_t reg = 0;
    if (qubits > 0) {
        QT_TRY(qt_build_register(&r->builder, QT_REGISTER_QUBIT, "q", (uint32_t)qubits, &reg, err));
    }
    void *mem = NULL;
    QT_TRY(qt_try_malloc((r->result_count + 1) * sizeof *r->result_clbit, &mem, err));
    r->result_clbit = mem;
    memset(mem, 0xFF, (r->result_count + 1) * sizeof *r->result_clbit);
    size_t count = 0;
    for (size_t i = 0; i < r->known_count; i += count) {
        QT_TRY(place_records(r, i, &count, err));
    }
    return place_unrecorded(r, err);
}
