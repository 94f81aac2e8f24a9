/* Rules on module flags and on the attributes of the entry point. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/checker.h"

#include <stdlib.h>
#include <string.h>

enum {
    BEHAVIOR_ERROR = 1,
    BEHAVIOR_WARNING = 2,
    BEHAVIOR_APPEND = 5,
    BEHAVIOR_APPEND_UNIQUE = 6,
    BEHAVIOR_MAX = 7
};

typedef struct flag {
    uint64_t behavior;
    const char *name;
    size_t name_len;
    LLVMValueRef value;
} flag;

static bool is_named(const flag *f, const char *name) {
    return f->name_len == strlen(name) && memcmp(f->name, name, f->name_len) == 0;
}

static bool is_int(LLVMValueRef v, unsigned width) {
    return v != NULL && LLVMIsAConstantInt(v) != NULL &&
           LLVMGetIntTypeWidth(LLVMTypeOf(v)) == width;
}

static bool is_string_list(LLVMValueRef v) {
    if (v == NULL || LLVMIsAMDNode(v) == NULL) {
        return false;
    }
    LLVMValueRef items[16];
    unsigned count = LLVMGetMDNodeNumOperands(v);
    if (count > QT_ARRAY_LEN(items)) {
        return false;
    }
    LLVMGetMDNodeOperands(v, items);
    for (unsigned i = 0; i < count; i++) {
        if (items[i] == NULL || LLVMIsAMDString(items[i]) == NULL) {
            return false;
        }
    }
    return true;
}

/* An MDNode of three operands; LLVM's verifier saw to that. */
static bool read_flag(LLVMValueRef node, flag *ret_flag) {
    LLVMValueRef parts[3];
    if (LLVMGetMDNodeNumOperands(node) != 3) {
        return false;
    }
    LLVMGetMDNodeOperands(node, parts);
    if (parts[0] == NULL || LLVMIsAConstantInt(parts[0]) == NULL || parts[1] == NULL) {
        return false;
    }
    unsigned len = 0;
    const char *name = LLVMGetMDString(parts[1], &len);
    if (name == NULL) {
        return false;
    }
    *ret_flag = (flag){.behavior = LLVMConstIntGetZExtValue(parts[0]),
                       .name = name,
                       .name_len = len,
                       .value = parts[2]};
    return true;
}

/* The four flags that each module has. */
static const struct required_flag {
    const char *name;
    uint64_t behavior;
    unsigned width;
    qt_qir_rule rule;
} required[] = {
    {"qir_major_version", BEHAVIOR_ERROR, 32, QT_QIR_RULE_FLAG_MAJOR},
    {"qir_minor_version", BEHAVIOR_MAX, 32, QT_QIR_RULE_FLAG_MINOR},
    {"dynamic_qubit_management", BEHAVIOR_ERROR, 1, QT_QIR_RULE_FLAG_QUBITS},
    {"dynamic_result_management", BEHAVIOR_ERROR, 1, QT_QIR_RULE_FLAG_RESULTS},
};

static void check_required(qt_checker *c, const flag *f, const struct required_flag *r) {
    if (!is_int(f->value, r->width)) {
        qt_checker_add(c, r->rule, "%s is no i%u", r->name, r->width);
    } else if (f->behavior != r->behavior) {
        qt_checker_add(c, r->rule, "%s has behavior %llu", r->name,
                       (unsigned long long)f->behavior);
    }
}

/* i1 flags of the Adaptive profile and where they are kept. */
static bool *capability(qt_checker *c, const flag *f) {
    return is_named(f, "ir_functions")                ? &c->has.ir_functions
           : is_named(f, "multiple_target_branching") ? &c->has.multiple_targets
           : is_named(f, "multiple_return_points")    ? &c->has.multiple_returns
           : is_named(f, "arrays")                    ? &c->has.arrays
                                                      : NULL;
}

static bool read_capability(qt_checker *c, const flag *f) {
    bool *has = capability(c, f);
    LLVMValueRef *types = is_named(f, "int_computations")     ? &c->has.int_types
                          : is_named(f, "float_computations") ? &c->has.float_types
                                                              : NULL;
    bool good = true;
    if (has != NULL) {
        good = is_int(f->value, 1);
        *has = good && LLVMConstIntGetZExtValue(f->value) != 0;
    } else if (types != NULL) {
        good = is_string_list(f->value) && f->behavior == BEHAVIOR_APPEND;
        *types = is_string_list(f->value) ? f->value : NULL;
    } else if (is_named(f, "backwards_branching")) {
        good = is_int(f->value, 2);
        c->has.backwards_branching = good ? (unsigned)LLVMConstIntGetZExtValue(f->value) : 0;
    } else {
        return false;
    }
    if (!good && !qt_checker_is_base(c)) {
        qt_checker_add(c, QT_QIR_RULE_FLAG_CAPABILITY, "%.*s", (int)f->name_len, f->name);
    }
    return true;
}

static void check_flag(qt_checker *c, const flag *f, bool *seen) {
    for (size_t i = 0; i < QT_ARRAY_LEN(required); i++) {
        if (is_named(f, required[i].name)) {
            seen[i] = true;
            check_required(c, f, &required[i]);
            bool on = is_int(f->value, 1) && LLVMConstIntGetZExtValue(f->value) != 0;
            c->has.dynamic_qubits = i == 2 ? on : c->has.dynamic_qubits;
            c->has.dynamic_results = i == 3 ? on : c->has.dynamic_results;
            return;
        }
    }
    if (read_capability(c, f) && !qt_checker_is_base(c)) {
        return;
    }
    bool mild = f->behavior == BEHAVIOR_WARNING || f->behavior == BEHAVIOR_APPEND ||
                f->behavior == BEHAVIOR_APPEND_UNIQUE || f->behavior == BEHAVIOR_MAX;
    if (!mild) {
        qt_checker_add(c, QT_QIR_RULE_FLAG_EXTRA, "%.*s has behavior %llu", (int)f->name_len,
                       f->name, (unsigned long long)f->behavior);
    }
}

void qt_checker_flags(qt_checker *c) {
    static const char list[] = "llvm.module.flags";
    unsigned count = LLVMGetNamedMetadataNumOperands(c->module->module, list);
    void *mem = NULL;
    qt_err ignored;
    if (qt_try_calloc((size_t)count + 1, sizeof(LLVMValueRef), &mem, &ignored) != QT_OK) {
        c->failed = true;
        return;
    }
    QT_AUTO_FREE LLVMValueRef *nodes = mem;
    LLVMGetNamedMetadataOperands(c->module->module, list, nodes);
    bool seen[QT_ARRAY_LEN(required)] = {false};
    for (unsigned i = 0; i < count; i++) {
        flag f = {.behavior = 0};
        if (read_flag(nodes[i], &f)) {
            check_flag(c, &f, seen);
        }
    }
    for (size_t i = 0; i < QT_ARRAY_LEN(required); i++) {
        if (!seen[i]) {
            qt_checker_add(c, required[i].rule, "%s is missing", required[i].name);
        }
    }
    if (qt_checker_is_base(c) && (c->has.dynamic_qubits || c->has.dynamic_results)) {
        qt_checker_add(c, QT_QIR_RULE_FLAG_STATIC, "%s is true",
                       c->has.dynamic_qubits ? required[2].name : required[3].name);
    }
}

/* The name of a type as the flags write it. */
static const char *type_name(LLVMTypeRef type, char *buf, size_t size) {
    switch ((int)LLVMGetTypeKind(type)) {
    case LLVMHalfTypeKind:
        return "half";
    case LLVMFloatTypeKind:
        return "float";
    case LLVMDoubleTypeKind:
        return "double";
    case LLVMIntegerTypeKind: {
        unsigned width = LLVMGetIntTypeWidth(type);
        unsigned digits = width >= 100 ? 3 : width >= 10 ? 2 : 1;
        if (width > 999 || digits + 2 > size) {
            return "";
        }
        buf[0] = 'i';
        buf[digits + 1] = '\0';
        for (unsigned i = digits; i > 0; i--, width /= 10) {
            buf[i] = (char)('0' + width % 10);
        }
        return buf;
    }
    default:
        return "";
    }
}

bool qt_checker_has_type(const qt_checker *c, LLVMTypeRef type) {
    char buf[8];
    const char *name = type_name(type, buf, sizeof buf);
    if (strcmp(name, "i1") == 0) {
        return true;
    }
    LLVMValueRef list = name[0] == 'i' ? c->has.int_types : c->has.float_types;
    if (list == NULL || name[0] == '\0') {
        return false;
    }
    LLVMValueRef items[16];
    LLVMGetMDNodeOperands(list, items);
    for (unsigned i = 0; i < LLVMGetMDNodeNumOperands(list); i++) {
        unsigned len = 0;
        const char *item = LLVMGetMDString(items[i], &len);
        if (len == strlen(name) && memcmp(item, name, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Attributes. */

static void check_number(qt_checker *c, const char *name, qt_qir_rule rule, bool optional,
                         uint64_t *number, bool *knows) {
    size_t len = 0;
    *knows = qt_llvm_number_attribute(c->entry, name, number);
    if (!*knows && qt_llvm_attribute(c->entry, name, &len) == NULL) {
        if (!optional) {
            qt_checker_add(c, rule, "%s is missing", name);
        }
    } else if (!*knows) {
        qt_checker_add(c, rule, "%s is no decimal number", name);
    }
}

static void check_entry(qt_checker *c) {
    c->function = c->entry;
    if (LLVMCountParams(c->entry) > 0) {
        qt_checker_add(c, QT_QIR_RULE_ENTRY_PARAMETERS, "it takes %u", LLVMCountParams(c->entry));
    }
    LLVMTypeRef type = LLVMGetReturnType(LLVMGlobalGetValueType(c->entry));
    if (LLVMGetTypeKind(type) != LLVMIntegerTypeKind || LLVMGetIntTypeWidth(type) != 64) {
        char *text = LLVMPrintTypeToString(type);
        qt_checker_add(c, QT_QIR_RULE_ENTRY_RETURN_TYPE, "it returns %s", text);
        LLVMDisposeMessage(text);
    }
    size_t len = 0;
    const char *value = qt_llvm_attribute(c->entry, "qir_profiles", &len);
    const char *expected = qt_checker_is_base(c) ? "base_profile" : "adaptive_profile";
    if (value == NULL || len != strlen(expected) || memcmp(value, expected, len) != 0) {
        qt_checker_add(c, QT_QIR_RULE_ATTRIBUTE_PROFILE, "expected %s, found %.*s", expected,
                       value != NULL ? (int)len : 7, value != NULL ? value : "nothing");
    }
    if (qt_llvm_attribute(c->entry, "output_labeling_schema", &len) == NULL) {
        qt_checker_add(c, QT_QIR_RULE_ATTRIBUTE_SCHEMA, "it is missing");
    }
    bool base = qt_checker_is_base(c);
    check_number(c, "required_num_qubits", QT_QIR_RULE_ATTRIBUTE_QUBITS,
                 !base && c->has.dynamic_qubits, &c->num_qubits, &c->knows_qubits);
    check_number(c, "required_num_results", QT_QIR_RULE_ATTRIBUTE_RESULTS,
                 !base && c->has.dynamic_results, &c->num_results, &c->knows_results);
    c->function = NULL;
}

static void check_declaration(qt_checker *c, LLVMValueRef f) {
    size_t len = 0;
    bool schema = qt_llvm_attribute(f, "output_labeling_schema", &len) != NULL;
    if (qt_llvm_is_entry_point(f) || schema) {
        c->function = f;
        qt_checker_add(c, QT_QIR_RULE_ATTRIBUTE_DECLARATION, "the function has no body");
        c->function = NULL;
    }
}

void qt_checker_entry_points(qt_checker *c) {
    unsigned count = 0;
    for (LLVMValueRef f = LLVMGetFirstFunction(c->module->module); f != NULL;
         f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f)) {
            check_declaration(c, f);
            continue;
        }
        size_t len = 0;
        if (qt_llvm_attribute(f, "entry_point", &len) != NULL) {
            count++;
            c->entry = c->entry != NULL ? c->entry : f;
        }
    }
    if (count != 1) {
        qt_checker_add(c, QT_QIR_RULE_ENTRY_COUNT, "there are %u", count);
    }
    if (c->entry != NULL) {
        check_entry(c);
    }
}
