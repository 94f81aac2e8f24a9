/* Rules on single calls: functions, signatures, arguments. */
#include "base/cleanup.h"
#include "qir/checker.h"

#include <string.h>

/* The runtime functions of the profiles. Signature: result, then arguments; v void, b i1, i i64,
 * d a floating-point type, p pointer. */
static const struct runtime_row {
    const char *name; /* behind __quantum__rt__ */
    const char *signature;
    unsigned profiles;
    char needs; /* flag: a arrays, q and r dynamic qubits and results, Q and R these and arrays,
                 * i and f computations */
} runtime[] = {
    {"initialize", "vp", QT_QIR_FOR_BOTH, 0},
    {"tuple_record_output", "vip", QT_QIR_FOR_BOTH, 0},
    {"array_record_output", "vip", QT_QIR_FOR_BOTH, 0},
    {"result_record_output", "vpp", QT_QIR_FOR_BOTH, 0},
    {"read_result", "bp", QT_QIR_FOR_ADAPTIVE, 0},
    {"bool_record_output", "vbp", QT_QIR_FOR_ADAPTIVE, 0},
    {"int_record_output", "vip", QT_QIR_FOR_ADAPTIVE, 'i'},
    {"float_record_output", "vdp", QT_QIR_FOR_ADAPTIVE, 'f'},
    {"double_record_output", "vdp", QT_QIR_FOR_ADAPTIVE, 'f'},
    {"qubit_allocate", "pp", QT_QIR_FOR_ADAPTIVE, 'q'},
    {"qubit_release", "vp", QT_QIR_FOR_ADAPTIVE, 'q'},
    {"result_allocate", "pp", QT_QIR_FOR_ADAPTIVE, 'r'},
    {"result_release", "vp", QT_QIR_FOR_ADAPTIVE, 'r'},
    {"qubit_array_allocate", "vipp", QT_QIR_FOR_ADAPTIVE, 'Q'},
    {"qubit_array_release", "vip", QT_QIR_FOR_ADAPTIVE, 'Q'},
    {"result_array_allocate", "vipp", QT_QIR_FOR_ADAPTIVE, 'R'},
    {"result_array_release", "vip", QT_QIR_FOR_ADAPTIVE, 'R'},
    {"result_array_record_output", "vipp", QT_QIR_FOR_ADAPTIVE, 'a'},
};

static bool starts_with(const char *s, size_t len, const char *prefix) {
    return len >= strlen(prefix) && memcmp(s, prefix, strlen(prefix)) == 0;
}

static qt_qir_function known(LLVMValueRef function) {
    size_t len = 0;
    const char *name = LLVMGetValueName2(function, &len);
    return qt_qir_find_function(name, len);
}

static bool has_prefix(LLVMValueRef function, const char *prefix) {
    size_t len = 0;
    const char *name = LLVMGetValueName2(function, &len);
    return starts_with(name, len, prefix);
}

static bool is_irreversible(LLVMValueRef function) {
    size_t len = 0;
    return qt_llvm_attribute(function, "irreversible", &len) != NULL;
}

static bool is_record(qt_qir_what what) {
    return what >= QT_QIR_DOES_RECORD_RESULT && what <= QT_QIR_DOES_RECORD_ARRAY;
}

static bool measures(qt_qir_what what) {
    return what == QT_QIR_DOES_MEASURE || what == QT_QIR_DOES_MEASURE_RESET;
}

qt_call_kind qt_checker_call_kind(LLVMValueRef call) {
    LLVMValueRef function = qt_llvm_called(call);
    if (function == NULL) {
        return QT_CALL_OTHER;
    }
    if (has_prefix(function, "llvm.dbg.")) {
        return QT_CALL_IGNORED;
    }
    if (has_prefix(function, "__quantum__qis__")) {
        bool irreversible = is_irreversible(function) || measures(known(function).what);
        return irreversible ? QT_CALL_IRREVERSIBLE : QT_CALL_GATE;
    }
    qt_qir_what what = known(function).what;
    if (what == QT_QIR_DOES_INITIALIZE) {
        return QT_CALL_INITIALIZE;
    }
    if (is_record(what)) {
        return QT_CALL_RECORD;
    }
    return has_prefix(function, "__quantum__rt__") ? QT_CALL_RUNTIME : QT_CALL_OTHER;
}

static bool is_writeonly(LLVMValueRef call, LLVMValueRef function, unsigned i) {
    unsigned kind = LLVMGetEnumAttributeKindForName("writeonly", 9);
    return LLVMGetEnumAttributeAtIndex(function, i + 1, kind) != NULL ||
           LLVMGetCallSiteEnumAttribute(call, i + 1, kind) != NULL;
}

static qt_argument_role pointer_role(LLVMValueRef call, LLVMValueRef function, unsigned i) {
    switch ((int)known(function).what) {
    case QT_QIR_DOES_GATE:
    case QT_QIR_DOES_RESET:
    case QT_QIR_DOES_BARRIER:
    case QT_QIR_DOES_ROTATE_PAULI:
    case QT_QIR_DOES_QUBIT_RELEASE:
        return QT_ARGUMENT_QUBIT;
    case QT_QIR_DOES_MEASURE:
    case QT_QIR_DOES_MEASURE_RESET:
        return i == 0 ? QT_ARGUMENT_QUBIT : QT_ARGUMENT_RESULT;
    case QT_QIR_DOES_READ_RESULT:
        return QT_ARGUMENT_RESULT;
    case QT_QIR_DOES_RECORD_RESULT:
        return i == 0 ? QT_ARGUMENT_RESULT : QT_ARGUMENT_LABEL;
    case QT_QIR_DOES_RECORD_RESULT_ARRAY:
        return i == 1 ? QT_ARGUMENT_MEMORY : QT_ARGUMENT_LABEL;
    case QT_QIR_DOES_RECORD_BOOL:
    case QT_QIR_DOES_RECORD_INT:
    case QT_QIR_DOES_RECORD_FLOAT:
    case QT_QIR_DOES_RECORD_TUPLE:
    case QT_QIR_DOES_RECORD_ARRAY:
        return QT_ARGUMENT_LABEL;
    default:
        break;
    }
    if (!has_prefix(function, "__quantum__qis__")) {
        return QT_ARGUMENT_MEMORY;
    }
    return is_writeonly(call, function, i) ? QT_ARGUMENT_RESULT
           : is_irreversible(function)     ? QT_ARGUMENT_MEMORY
                                           : QT_ARGUMENT_QUBIT;
}

qt_argument_role qt_checker_role(LLVMValueRef call, unsigned i) {
    LLVMValueRef argument = LLVMGetOperand(call, i);
    if (LLVMGetTypeKind(LLVMTypeOf(argument)) != LLVMPointerTypeKind) {
        return QT_ARGUMENT_VALUE;
    }
    return pointer_role(call, qt_llvm_called(call), i);
}

static void check_label(qt_checker *c, LLVMValueRef v) {
    const char *text = NULL;
    size_t len = 0;
    if (!qt_llvm_label(v, &text, &len)) {
        bool null = LLVMIsConstant(v) && LLVMIsNull(v);
        qt_checker_add(c, QT_QIR_RULE_LABEL, "the label is %s", null ? "null" : "no string");
    } else if (len > 0 && text[len - 1] != '\0') {
        qt_checker_add(c, QT_QIR_RULE_LABEL, "the string does not end with NUL");
    }
}

static void check_id(qt_checker *c, LLVMValueRef v, qt_argument_role role) {
    bool qubit = role == QT_ARGUMENT_QUBIT;
    uint64_t id = 0;
    if (!qt_llvm_pointer_id(v, &id)) {
        return;
    }
    if (!qt_checker_is_base(c) && (qubit ? c->has.dynamic_qubits : c->has.dynamic_results)) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_MIXED, "%s %llu is named by a number",
                       qubit ? "qubit" : "result", (unsigned long long)id);
        return;
    }
    uint64_t limit = qubit ? c->num_qubits : c->num_results;
    if ((qubit ? c->knows_qubits : c->knows_results) && id >= limit) {
        qt_checker_add(c, qubit ? QT_QIR_RULE_QUBIT_RANGE : QT_QIR_RULE_RESULT_RANGE,
                       "number %llu, and there are %llu", (unsigned long long)id,
                       (unsigned long long)limit);
    }
}

/* Constants that may stand in a call of the Base profile. */
static bool is_plain_constant(LLVMValueRef v, qt_argument_role role) {
    uint64_t id = 0;
    const char *text = NULL;
    size_t len = 0;
    if (!LLVMIsConstant(v)) {
        return false;
    }
    return LLVMIsAConstantExpr(v) == NULL || qt_llvm_pointer_id(v, &id) ||
           (role == QT_ARGUMENT_LABEL && qt_llvm_label(v, &text, &len));
}

static void check_argument(qt_checker *c, LLVMValueRef call, unsigned i) {
    LLVMValueRef v = LLVMGetOperand(call, i);
    qt_argument_role role = qt_checker_role(call, i);
    LLVMValueRef function = qt_llvm_called(call);
    if (qt_checker_is_base(c) && !is_plain_constant(v, role)) {
        qt_checker_add(c, QT_QIR_RULE_BASE_ARGUMENT, "argument %u", i + 1);
    }
    if (role == QT_ARGUMENT_LABEL) {
        check_label(c, v);
    } else if (role == QT_ARGUMENT_QUBIT || role == QT_ARGUMENT_RESULT) {
        check_id(c, v, role);
    }
    if (role != QT_ARGUMENT_RESULT || !qt_checker_is_base(c) ||
        known(function).what == QT_QIR_DOES_RECORD_RESULT) {
        return;
    }
    if (known(function).what == QT_QIR_DOES_READ_RESULT) {
        qt_checker_add(c, QT_QIR_RULE_BASE_RESULT_USE, "argument %u", i + 1);
    } else if (!is_writeonly(call, function, i)) {
        qt_checker_add(c, QT_QIR_RULE_RESULT_WRITEONLY, "argument %u", i + 1);
    }
}

static bool has_letter(LLVMTypeRef type, char letter) {
    LLVMTypeKind kind = LLVMGetTypeKind(type);
    switch (letter) {
    case 'v':
        return kind == LLVMVoidTypeKind;
    case 'p':
        return kind == LLVMPointerTypeKind;
    case 'd':
        return kind == LLVMDoubleTypeKind || kind == LLVMFloatTypeKind || kind == LLVMHalfTypeKind;
    default:
        return kind == LLVMIntegerTypeKind && LLVMGetIntTypeWidth(type) == (letter == 'b' ? 1 : 64);
    }
}

static bool has_signature(LLVMTypeRef type, const char *signature) {
    LLVMTypeRef parameters[8];
    unsigned count = LLVMCountParamTypes(type);
    if (count != strlen(signature) - 1 || count > QT_ARRAY_LEN(parameters) ||
        !has_letter(LLVMGetReturnType(type), signature[0])) {
        return false;
    }
    LLVMGetParamTypes(type, parameters);
    for (unsigned i = 0; i < count; i++) {
        if (!has_letter(parameters[i], signature[i + 1])) {
            return false;
        }
    }
    return true;
}

static void check_needs(qt_checker *c, const struct runtime_row *row) {
    bool arrays = row->needs == 'a' || row->needs == 'Q' || row->needs == 'R';
    bool qubits = row->needs == 'q' || row->needs == 'Q';
    bool results = row->needs == 'r' || row->needs == 'R';
    if (arrays && !c->has.arrays) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_ARRAYS, "%s", row->name);
    }
    if ((qubits && !c->has.dynamic_qubits) || (results && !c->has.dynamic_results)) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_DYNAMIC, "%s", row->name);
    }
    if (row->needs == 'i' && c->has.int_types == NULL) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_INTEGER, "%s needs int_computations", row->name);
    }
    if (row->needs == 'f' && c->has.float_types == NULL) {
        qt_checker_add(c, QT_QIR_RULE_ADAPTIVE_FLOAT, "%s needs float_computations", row->name);
    }
}

static void check_runtime(qt_checker *c, LLVMValueRef function) {
    size_t len = 0;
    const char *name = LLVMGetValueName2(function, &len);
    name += strlen("__quantum__rt__");
    len -= strlen("__quantum__rt__");
    unsigned profile = qt_checker_is_base(c) ? QT_QIR_FOR_BASE : QT_QIR_FOR_ADAPTIVE;
    for (size_t i = 0; i < QT_ARRAY_LEN(runtime); i++) {
        const struct runtime_row *row = &runtime[i];
        if (strlen(row->name) != len || memcmp(row->name, name, len) != 0 ||
            (row->profiles & profile) == 0) {
            continue;
        }
        if (!has_signature(LLVMGlobalGetValueType(function), row->signature)) {
            qt_checker_add(c, QT_QIR_RULE_RUNTIME_SIGNATURE, "%s", row->name);
        }
        check_needs(c, row);
        return;
    }
    qt_checker_add(c, QT_QIR_RULE_RUNTIME_FUNCTION, "%.*s", (int)len, name);
}

static void check_instruction_set(qt_checker *c, LLVMValueRef function) {
    bool measure = measures(known(function).what);
    if (measure && !is_irreversible(function)) {
        qt_checker_add(c, QT_QIR_RULE_IRREVERSIBLE, "the attribute is missing");
    }
    LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(function));
    bool is_void = LLVMGetTypeKind(type) == LLVMVoidTypeKind;
    bool allowed = !qt_checker_is_base(c) && !measure && qt_checker_has_type(c, type);
    if (!is_void && !allowed) {
        char *text = LLVMPrintTypeToString(type);
        qt_checker_add(c, QT_QIR_RULE_QIS_RETURN, "it returns %s", text);
        LLVMDisposeMessage(text);
    }
}

void qt_checker_call(qt_checker *c, LLVMValueRef call) {
    LLVMValueRef function = qt_llvm_called(call);
    if (function == NULL) {
        qt_checker_add(c, QT_QIR_RULE_CALL_DIRECT, "the function is computed");
        return;
    }
    if (qt_checker_call_kind(call) == QT_CALL_IGNORED) {
        return;
    }
    if (has_prefix(function, "__quantum__qis__")) {
        check_instruction_set(c, function);
    } else if (has_prefix(function, "__quantum__rt__")) {
        check_runtime(c, function);
    } else if (LLVMIsDeclaration(function)) {
        char name[80];
        qt_llvm_name(function, name, sizeof name);
        qt_checker_add(c, QT_QIR_RULE_CALL_FUNCTION, "%s", name);
    }
    for (unsigned i = 0; i < LLVMGetNumArgOperands(call); i++) {
        check_argument(c, call, i);
    }
}
