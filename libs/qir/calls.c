/* Calls: gates, measurements, the runtime, and functions with a body, which are inlined. */
#include "qir/reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_CALL_DEPTH = 64 };

qt_code qt_reader_function(qt_reader *r, LLVMValueRef function, qt_function_info **ret_info,
                           qt_err *err) {
    uint32_t number = qt_ptrmap_get(&r->function_number, function);
    if (number != QT_PTRMAP_NONE) {
        *ret_info = r->functions[number];
        return QT_OK;
    }
    QT_TRY(qt_reader_grow(&r->functions, &r->function_cap, r->function_count + 1,
                          sizeof *r->functions, err));
    void *mem = NULL;
    QT_TRY(qt_try_calloc(1, sizeof(qt_function_info), &mem, err));
    qt_function_info *info = mem;
    r->functions[r->function_count++] = info;
    info->function = function;
    info->has_body = !LLVMIsDeclaration(function);
    size_t len = 0;
    const char *name = LLVMGetValueName2(function, &len);
    info->known = qt_qir_find_function(name, len);
    QT_TRY(qt_ptrmap_set(&r->function_number, function, (uint32_t)(r->function_count - 1), err));
    *ret_info = info;
    return QT_OK;
}

static LLVMValueRef argument(LLVMValueRef call, unsigned i) {
    return LLVMGetOperand(call, i);
}

static qt_code check_arguments(qt_reader *r, LLVMValueRef call, unsigned least, qt_err *err) {
    if (LLVMGetNumArgOperands(call) < least) {
        return qt_reader_refuse(r, err, "the call has too few arguments");
    }
    return QT_OK;
}

static qt_code note_id(qt_reader *r, uint64_t id, const char *what, uint64_t *count, qt_err *err) {
    if (id >= r->builder.limits.max_qubits) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "%s %llu is over the limit of %u", what,
                       (unsigned long long)id, r->builder.limits.max_qubits);
    }
    *count = id >= *count ? id + 1 : *count;
    return QT_OK;
}

static qt_code get_id(qt_reader *r, qt_frame *f, LLVMValueRef v, const char *what, uint64_t *count,
                      uint32_t *ret_id, qt_err *err) {
    qt_sym sym = {0};
    QT_TRY(qt_frame_get(r, f, v, &sym, err));
    if (sym.kind != QT_SYM_ID) {
        return qt_reader_refuse(r, err, "an argument is no %s", what);
    }
    QT_TRY(note_id(r, sym.i, what, count, err));
    *ret_id = (uint32_t)sym.i;
    return QT_OK;
}

static qt_code get_qubit(qt_reader *r, qt_frame *f, LLVMValueRef v, uint32_t *ret_qubit,
                         qt_err *err) {
    return get_id(r, f, v, "qubit", &r->qubit_count, ret_qubit, err);
}

/* Gates. */

typedef struct gate_arguments {
    qt_sym angles[3];
    uint32_t qubits[8];
    unsigned angle_count, qubit_count;
} gate_arguments;

static qt_code get_gate_argument(qt_reader *r, qt_frame *f, LLVMValueRef v, gate_arguments *a,
                                 qt_err *err) {
    if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMPointerTypeKind) {
        qt_sym sym = {0};
        QT_TRY(qt_frame_get(r, f, v, &sym, err));
        if (!qt_sym_is_float(sym) || a->angle_count == QT_ARRAY_LEN(a->angles)) {
            return qt_reader_refuse(r, err, "an argument is no angle");
        }
        a->angles[a->angle_count++] = sym;
        return QT_OK;
    }
    if (a->qubit_count == QT_ARRAY_LEN(a->qubits)) {
        return qt_reader_refuse(r, err, "the call has too many arguments");
    }
    uint32_t qubit = 0;
    QT_TRY(get_qubit(r, f, v, &qubit, err));
    for (unsigned i = 0; i < a->qubit_count; i++) {
        if (a->qubits[i] == qubit) {
            return qt_reader_refuse(r, err, "qubit %u stands twice in one gate", qubit);
        }
    }
    a->qubits[a->qubit_count++] = qubit;
    return QT_OK;
}

static qt_code negate_angle(qt_reader *r, qt_sym *angle, qt_err *err) {
    if (angle->kind == QT_SYM_FLOAT) {
        angle->f = -angle->f;
        return QT_OK;
    }
    uint32_t x = 0;
    QT_TRY(qt_sym_unary(r, QT_OPERATOR_NEG, QT_TYPE_FLOAT, 64, angle->index, &x, err));
    return qt_sym_from_expr(r, x, 64, true, angle->depth + 1U, angle, err);
}

static qt_code build_gate(qt_reader *r, qt_gate gate, unsigned control_count,
                          const gate_arguments *a, qt_err *err) {
    double constants[3] = {0};
    uint32_t exprs[3] = {0};
    bool constant = true;
    for (unsigned i = 0; i < a->angle_count; i++) {
        constant = constant && a->angles[i].kind == QT_SYM_FLOAT;
        constants[i] = constant ? a->angles[i].f : 0;
    }
    if (!r->building) {
        return QT_OK;
    }
    if (constant) {
        return qt_build_gate(&r->builder, gate, a->qubits, control_count, constants, err);
    }
    for (unsigned i = 0; i < a->angle_count; i++) {
        QT_TRY(qt_sym_expr(r, a->angles[i], &exprs[i], err));
    }
    return qt_build_gate_dynamic(&r->builder, gate, a->qubits, control_count, exprs, err);
}

static qt_code call_gate(qt_reader *r, qt_frame *f, LLVMValueRef call, const qt_qir_function *known,
                         qt_err *err) {
    gate_arguments a = {.angle_count = 0};
    const qt_gate_info *info = qt_gate_get_info(known->gate);
    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        QT_TRY(get_gate_argument(r, f, argument(call, i), &a, err));
    }
    if (a.angle_count != info->param_count ||
        a.qubit_count != (unsigned)info->qubit_count + known->control_count) {
        return qt_reader_refuse(r, err, "the gate has other arguments than expected");
    }
    for (unsigned i = 0; known->negated && i < a.angle_count; i++) {
        QT_TRY(negate_angle(r, &a.angles[i], err));
    }
    return build_gate(r, known->gate, known->control_count, &a, err);
}

/* (pauli, angle, qubit): exp(-i angle/2 P). */
static qt_code call_rotate(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    static const qt_gate gates[4] = {QT_GATE_GPHASE, QT_GATE_RX, QT_GATE_RZ, QT_GATE_RY};
    uint64_t pauli = 0;
    gate_arguments a = {.angle_count = 0};
    QT_TRY(check_arguments(r, call, 3, err));
    QT_TRY(qt_frame_get_known(r, f, argument(call, 0), "a Pauli operator", &pauli, err));
    QT_TRY(get_gate_argument(r, f, argument(call, 1), &a, err));
    QT_TRY(get_gate_argument(r, f, argument(call, 2), &a, err));
    if (pauli > 3 || a.angle_count != 1) {
        return qt_reader_refuse(r, err, "the gate has other arguments than expected");
    }
    return pauli == 0 ? QT_OK : build_gate(r, gates[pauli], 0, &a, err);
}

static qt_code call_barrier(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    unsigned count = LLVMGetNumArgOperands(call);
    void *mem = NULL;
    QT_TRY(qt_try_calloc((size_t)count + 1, sizeof(uint32_t), &mem, err));
    QT_AUTO_FREE uint32_t *qubits = mem;
    for (unsigned i = 0; i < count; i++) {
        QT_TRY(get_qubit(r, f, argument(call, i), &qubits[i], err));
    }
    return r->building ? qt_build_barrier(&r->builder, qubits, count, err) : QT_OK;
}

static qt_code put_reset(qt_reader *r, uint32_t qubit, qt_err *err) {
    return r->building ? qt_build_reset(&r->builder, qubit, err) : QT_OK;
}

/* Measurements. */

static qt_code count_measure(qt_reader *r, uint32_t result, qt_err *err) {
    size_t old = r->measure_cap;
    QT_TRY(qt_reader_grow(&r->measure_count, &r->measure_cap, (size_t)result + 1,
                          sizeof *r->measure_count, err));
    memset(r->measure_count + old, 0, (r->measure_cap - old) * sizeof *r->measure_count);
    r->measure_count[result]++;
    return QT_OK;
}

static qt_code call_measure(qt_reader *r, qt_frame *f, LLVMValueRef call, bool resets,
                            qt_err *err) {
    uint32_t qubit = 0;
    uint32_t result = 0;
    QT_TRY(check_arguments(r, call, 1, err));
    QT_TRY(get_qubit(r, f, argument(call, 0), &qubit, err));
    if (LLVMGetNumArgOperands(call) > 1) {
        QT_TRY(get_id(r, f, argument(call, 1), "result", &r->result_count, &result, err));
    } else { /* the older form: makes a result and returns it */
        uint64_t next = r->result_count > r->static_results ? r->result_count : r->static_results;
        QT_TRY(note_id(r, next, "result", &r->result_count, err));
        result = (uint32_t)next;
        QT_TRY(qt_frame_set(f, call, (qt_sym){.kind = QT_SYM_ID, .i = result}, err));
    }
    QT_TRY(count_measure(r, result, err));
    if (r->building) {
        QT_TRY(qt_build_measure(&r->builder, qubit, r->result_clbit[result], err));
    }
    return resets ? put_reset(r, qubit, err) : QT_OK;
}

/* The bit of a result as a number. When the result is measured again later, or may be, its value
 * now is copied to a variable. */
static qt_code read_result(qt_reader *r, qt_sym result, qt_sym *ret_sym, qt_err *err) {
    if (result.kind == QT_SYM_RESULT) {
        *ret_sym = qt_sym_int(1, result.i);
        return QT_OK;
    }
    if (result.kind != QT_SYM_ID) {
        return qt_reader_refuse(r, err, "an argument is no result");
    }
    QT_TRY(note_id(r, result.i, "result", &r->result_count, err));
    qt_sym v = {.kind = QT_SYM_EXPR, .width = 1, .depth = 1};
    if (!r->building) {
        v.index = (uint32_t)r->dry_exprs++;
        *ret_sym = v;
        return QT_OK;
    }
    qt_expr bit = {.kind = QT_EXPR_BIT, .type = QT_TYPE_BIT, .width = 1};
    bit.u.a = r->result_clbit[result.i];
    QT_TRY(qt_build_expr(&r->builder, bit, &v.index, err));
    QT_TRY(qt_sym_cast(r, QT_TYPE_BOOL, 1, v.index, &v.index, err));
    uint32_t count = result.i < r->measure_cap ? r->measure_count[result.i] : 0;
    uint32_t total = result.i < r->measure_total_cap ? r->measure_total[result.i] : 0;
    if (count == total) {
        *ret_sym = v;
        return QT_OK;
    }
    return qt_sym_copy(r, v, ret_sym, err);
}

static qt_code call_read(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    qt_sym result = {0};
    QT_TRY(check_arguments(r, call, 1, err));
    QT_TRY(qt_frame_get(r, f, argument(call, 0), &result, err));
    QT_TRY(read_result(r, result, &result, err));
    return qt_frame_set(f, call, result, err);
}

static qt_code call_equal(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    qt_sym a = {0};
    qt_sym b = {0};
    QT_TRY(check_arguments(r, call, 2, err));
    QT_TRY(qt_frame_get(r, f, argument(call, 0), &a, err));
    QT_TRY(qt_frame_get(r, f, argument(call, 1), &b, err));
    QT_TRY(read_result(r, a, &a, err));
    QT_TRY(read_result(r, b, &b, err));
    if (a.kind == QT_SYM_INT && b.kind == QT_SYM_INT) {
        return qt_frame_set(f, call, qt_sym_int(1, a.i == b.i), err);
    }
    uint32_t x = 0;
    uint32_t y = 0;
    uint32_t same = 0;
    QT_TRY(qt_sym_expr(r, a, &x, err));
    QT_TRY(qt_sym_expr(r, b, &y, err));
    QT_TRY(qt_sym_binary(r, QT_OPERATOR_EQ, QT_TYPE_BOOL, 1, x, y, &same, err));
    QT_TRY(qt_sym_from_expr(r, same, 1, false, 3, &a, err));
    return qt_frame_set(f, call, a, err);
}

/* Dynamic qubits and results. */

/* A released qubit is taken again after a reset, outside of branches on measurements only. */
static qt_code new_qubit(qt_reader *r, qt_sym *ret_sym, qt_err *err) {
    uint64_t id = 0;
    if (r->free_count > 0 && r->nesting == 0) {
        id = r->free_qubits[--r->free_count];
        QT_TRY(put_reset(r, (uint32_t)id, err));
    } else {
        id = r->qubit_count > r->static_qubits ? r->qubit_count : r->static_qubits;
        QT_TRY(note_id(r, id, "qubit", &r->qubit_count, err));
        if (r->loop_depth > 0) {
            QT_TRY(put_reset(r, (uint32_t)id, err));
        }
    }
    *ret_sym = (qt_sym){.kind = QT_SYM_ID, .i = id};
    return QT_OK;
}

static qt_code new_result(qt_reader *r, qt_sym *ret_sym, qt_err *err) {
    uint64_t id = r->result_count > r->static_results ? r->result_count : r->static_results;
    QT_TRY(note_id(r, id, "result", &r->result_count, err));
    *ret_sym = (qt_sym){.kind = QT_SYM_ID, .i = id};
    return QT_OK;
}

static qt_code release_qubit(qt_reader *r, qt_sym qubit, qt_err *err) {
    if (qubit.kind != QT_SYM_ID) {
        return qt_reader_refuse(r, err, "an argument is no qubit");
    }
    QT_TRY(note_id(r, qubit.i, "qubit", &r->qubit_count, err));
    if (r->nesting > 0) {
        return QT_OK;
    }
    QT_TRY(qt_reader_grow(&r->free_qubits, &r->free_cap, r->free_count + 1, sizeof *r->free_qubits,
                          err));
    r->free_qubits[r->free_count++] = qubit.i;
    return QT_OK;
}

/* The error flag of an allocation: it never fails here. */
static qt_code clear_flag(qt_reader *r, qt_frame *f, LLVMValueRef call, unsigned i, qt_err *err) {
    qt_sym flag = {0};
    if (LLVMGetNumArgOperands(call) <= i) {
        return QT_OK;
    }
    QT_TRY(qt_frame_get(r, f, argument(call, i), &flag, err));
    return flag.kind == QT_SYM_ID ? QT_OK : qt_reader_store(r, flag, qt_sym_int(1, 0), err);
}

static qt_code call_allocate(qt_reader *r, qt_frame *f, LLVMValueRef call, bool qubit,
                             qt_err *err) {
    qt_sym fresh = {0};
    QT_TRY(clear_flag(r, f, call, 0, err));
    QT_TRY(qubit ? new_qubit(r, &fresh, err) : new_result(r, &fresh, err));
    return qt_frame_set(f, call, fresh, err);
}

static qt_code call_release(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    qt_sym qubit = {0};
    QT_TRY(check_arguments(r, call, 1, err));
    QT_TRY(qt_frame_get(r, f, argument(call, 0), &qubit, err));
    return release_qubit(r, qubit, err);
}

/* (count, memory, error flag). */
static qt_code call_array(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_qir_what what,
                          qt_err *err) {
    uint64_t count = 0;
    qt_sym at = {0};
    QT_TRY(check_arguments(r, call, 2, err));
    QT_TRY(qt_frame_get_known(r, f, argument(call, 0), "the size of an array", &count, err));
    QT_TRY(qt_frame_get(r, f, argument(call, 1), &at, err));
    QT_TRY(clear_flag(r, f, call, 2, err));
    for (uint64_t i = 0; i < count; i++, at.i++) {
        QT_TRY(qt_reader_step(r, err));
        qt_sym v = {0};
        if (what == QT_QIR_DOES_QUBIT_ARRAY_RELEASE) {
            QT_TRY(qt_reader_load(r, at, &v, err));
            QT_TRY(release_qubit(r, v, err));
            continue;
        }
        QT_TRY(what == QT_QIR_DOES_QUBIT_ARRAY_ALLOCATE ? new_qubit(r, &v, err)
                                                        : new_result(r, &v, err));
        QT_TRY(qt_reader_store(r, at, v, err));
    }
    return QT_OK;
}

/* The runtime of older compilers: arrays on the heap. */

static qt_code call_old_array(qt_reader *r, qt_frame *f, LLVMValueRef call, bool of_qubits,
                              qt_err *err) {
    uint64_t count = 0;
    uint32_t object = 0;
    unsigned size_at = of_qubits ? 0 : 1;
    QT_TRY(check_arguments(r, call, size_at + 1, err));
    QT_TRY(qt_frame_get_known(r, f, argument(call, size_at), "the size of an array", &count, err));
    QT_TRY(qt_reader_new_object(r, count, call, &object, err));
    for (uint64_t i = 0; of_qubits && i < count; i++) {
        QT_TRY(qt_reader_step(r, err));
        qt_sym qubit = {0};
        QT_TRY(new_qubit(r, &qubit, err));
        r->objects[object].slots[i] = qubit;
    }
    return qt_frame_set(f, call, (qt_sym){.kind = QT_SYM_MEMORY, .index = object}, err);
}

static qt_code call_old_element(qt_reader *r, qt_frame *f, LLVMValueRef call, bool size,
                                qt_err *err) {
    qt_sym array = {0};
    QT_TRY(check_arguments(r, call, size ? 1 : 2, err));
    QT_TRY(qt_frame_get(r, f, argument(call, 0), &array, err));
    if (array.kind != QT_SYM_MEMORY) {
        return qt_reader_refuse(r, err, "an argument is no array");
    }
    if (size) {
        return qt_frame_set(f, call, qt_sym_int(64, r->objects[array.index].count), err);
    }
    uint64_t index = 0;
    QT_TRY(qt_frame_get_known(r, f, argument(call, 1), "an index", &index, err));
    array.i += index;
    return qt_frame_set(f, call, array, err);
}

/* Functions with a body. */

static qt_code call_body(qt_reader *r, qt_frame *caller, LLVMValueRef call, qt_function_info *info,
                         qt_err *err) {
    unsigned depth = 0;
    for (const qt_frame *f = caller; f != NULL; f = f->caller) {
        depth++;
    }
    if (info->active || depth > MAX_CALL_DEPTH) {
        return qt_reader_refuse(r, err, "recursion");
    }
    QT_CLEANUP(qt_frame_done) qt_frame f = {.caller = caller, .info = info};
    unsigned count = LLVMCountParams(info->function);
    QT_TRY(check_arguments(r, call, count, err));
    for (unsigned i = 0; i < count; i++) {
        qt_sym v = {0};
        QT_TRY(qt_frame_get(r, caller, argument(call, i), &v, err));
        QT_TRY(qt_frame_set(&f, LLVMGetParam(info->function, i), v, err));
    }
    qt_sym value = {0};
    QT_TRY(qt_reader_run(r, &f, &value, err));
    return value.kind == QT_SYM_NONE ? QT_OK : qt_frame_set(caller, call, value, err);
}

static qt_code call_reset(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    uint32_t qubit = 0;
    QT_TRY(check_arguments(r, call, 1, err));
    QT_TRY(get_qubit(r, f, argument(call, 0), &qubit, err));
    return put_reset(r, qubit, err);
}

static qt_code refuse_unknown(qt_reader *r, LLVMValueRef function, qt_err *err) {
    char name[80];
    qt_llvm_name(function, name, sizeof name);
    return qt_reader_refuse(r, err, "the function %s is not known", name);
}

static qt_code call_known(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_function_info *info,
                          qt_err *err) {
    qt_qir_what what = info->known.what;
    switch (what) {
    case QT_QIR_DOES_GATE:
        return call_gate(r, f, call, &info->known, err);
    case QT_QIR_DOES_MEASURE:
    case QT_QIR_DOES_MEASURE_RESET:
        return call_measure(r, f, call, what == QT_QIR_DOES_MEASURE_RESET, err);
    case QT_QIR_DOES_RESET:
        return call_reset(r, f, call, err);
    case QT_QIR_DOES_BARRIER:
        return call_barrier(r, f, call, err);
    case QT_QIR_DOES_READ_RESULT:
        return call_read(r, f, call, err);
    case QT_QIR_DOES_ROTATE_PAULI:
        return call_rotate(r, f, call, err);
    case QT_QIR_DOES_RECORD_RESULT:
    case QT_QIR_DOES_RECORD_RESULT_ARRAY:
    case QT_QIR_DOES_RECORD_BOOL:
    case QT_QIR_DOES_RECORD_INT:
    case QT_QIR_DOES_RECORD_FLOAT:
    case QT_QIR_DOES_RECORD_TUPLE:
    case QT_QIR_DOES_RECORD_ARRAY:
        return qt_reader_record(r, f, call, what, err);
    case QT_QIR_DOES_QUBIT_ALLOCATE:
    case QT_QIR_DOES_RESULT_ALLOCATE:
        return call_allocate(r, f, call, what == QT_QIR_DOES_QUBIT_ALLOCATE, err);
    case QT_QIR_DOES_QUBIT_RELEASE:
        return call_release(r, f, call, err);
    case QT_QIR_DOES_QUBIT_ARRAY_ALLOCATE:
    case QT_QIR_DOES_QUBIT_ARRAY_RELEASE:
    case QT_QIR_DOES_RESULT_ARRAY_ALLOCATE:
        return call_array(r, f, call, what, err);
    case QT_QIR_DOES_RESULT_ZERO:
    case QT_QIR_DOES_RESULT_ONE:
        return qt_frame_set(
            f, call, (qt_sym){.kind = QT_SYM_RESULT, .i = what == QT_QIR_DOES_RESULT_ONE}, err);
    case QT_QIR_DOES_RESULT_EQUAL:
        return call_equal(r, f, call, err);
    case QT_QIR_DOES_OLD_QUBIT_ARRAY:
    case QT_QIR_DOES_OLD_ARRAY:
        return call_old_array(r, f, call, what == QT_QIR_DOES_OLD_QUBIT_ARRAY, err);
    case QT_QIR_DOES_OLD_ELEMENT:
    case QT_QIR_DOES_OLD_SIZE:
        return call_old_element(r, f, call, what == QT_QIR_DOES_OLD_SIZE, err);
    case QT_QIR_DOES_INITIALIZE:
    case QT_QIR_DOES_NOTHING:
        return QT_OK;
    case QT_QIR_DOES_UNKNOWN:
        break;
    }
    return refuse_unknown(r, info->function, err);
}

qt_code qt_reader_call(qt_reader *r, qt_frame *f, LLVMValueRef call, qt_err *err) {
    LLVMValueRef function = qt_llvm_called(call);
    if (function == NULL) {
        return qt_reader_refuse(r, err, "a call of a function that is computed");
    }
    qt_function_info *info = NULL;
    QT_TRY(qt_reader_function(r, function, &info, err));
    if (info->known.what == QT_QIR_DOES_UNKNOWN && info->has_body) {
        return call_body(r, f, call, info, err);
    }
    return call_known(r, f, call, info, err);
}
