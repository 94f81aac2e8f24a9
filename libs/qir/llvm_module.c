#include "qir/llvm_module.h"

#include "base/cleanup.h"
#include "qir/isolate.h"
#include "qir/llvm.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/BitWriter.h>
#include <llvm-c/IRReader.h>
#include <stdio.h>
#include <string.h>

/* LLVM's parser calls itself for each level. */
enum { MAX_BRACKETS = 200 };

static void message_free_p(char **message) {
    if (*message != NULL) {
        LLVMDisposeMessage(*message);
    }
}

void qt_llvm_module_done(qt_llvm_module *m) {
    if (m->module != NULL) {
        LLVMDisposeModule(m->module);
    }
    if (m->context != NULL) {
        LLVMContextDispose(m->context);
    }
    *m = (qt_llvm_module){0};
}

/* Skips a comment or a quoted text that starts at i; returns the index of its last byte. */
static size_t skip_text(const char *s, size_t len, size_t i) {
    char end = s[i] == '"' ? '"' : '\n';
    for (i++; i < len && s[i] != end; i++) {
    }
    return i;
}

static bool is_nested_too_deep(const char *s, size_t len) {
    size_t depth = 0;
    for (size_t i = 0; i < len && depth <= MAX_BRACKETS; i++) {
        char c = s[i];
        if (c == '"' || c == ';') {
            i = skip_text(s, len, i);
        } else if (c == '(' || c == '[' || c == '{' || c == '<') {
            depth++;
        } else if (depth > 0 && (c == ')' || c == ']' || c == '}' || c == '>')) {
            depth--;
        }
    }
    return depth > MAX_BRACKETS;
}

/* "qir:3:5: error: what" becomes "3:5: what"; later lines show the source and are cut. */
static qt_code syntax_error(qt_err *err, const char *message) {
    const char *text = strncmp(message, "qir:", 4) == 0 ? message + 4 : message;
    text += strspn(text, " ");
    const char *error = strstr(text, "error: ");
    size_t place = error != NULL ? (size_t)(error - text) : 0;
    const char *what = error != NULL ? error + strlen("error: ") : text;
    int shown = (int)strcspn(what, "\n");
    if (place == 0) {
        return qt_fail(err, CIRCUIT_SYNTAX, "not valid LLVM IR: %.*s", shown, what);
    }
    return qt_fail(err, CIRCUIT_SYNTAX, "%.*s%.*s", (int)place, text, shown, what);
}

/* What LLVM would print to stderr, or end the process for. */
static void ignore_diagnostic(LLVMDiagnosticInfoRef info, void *self) {
    (void)info;
    (void)self;
}

qt_code qt_llvm_module_parse(const char *data, size_t len, bool typed_pointers,
                             qt_llvm_module *ret_module, qt_err *err) {
    QT_CLEANUP(qt_llvm_module_done) qt_llvm_module m = {.context = LLVMContextCreate()};
    LLVMContextSetDiagnosticHandler(m.context, ignore_diagnostic, NULL);
    if (typed_pointers) {
        LLVMContextSetOpaquePointers(m.context, 0);
    }
    LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRangeCopy(data, len, "qir");
    QT_CLEANUP(message_free_p) char *message = NULL;
    if (LLVMParseIRInContext(m.context, buffer, &m.module, &message)) {
        m.module = NULL;
        return syntax_error(err, message != NULL ? message : "");
    }
    *ret_module = m;
    m = (qt_llvm_module){0};
    return QT_OK;
}

qt_code qt_llvm_module_open(const char *data, size_t len, bool typed_pointers,
                            qt_llvm_module *ret_module, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    if (qt_qir_is_bitcode(data, len)) {
        if (qt_llvm_is_isolated()) {
            return qt_llvm_module_parse(data, len, typed_pointers, ret_module, err);
        }
        QT_TRY(qt_llvm_isolated_text(data, len, &text, err));
        data = text.data;
        len = text.len;
    }
    if (is_nested_too_deep(data, len)) {
        return qt_fail(err, NESTING_TOO_DEEP, "brackets are nested deeper than %d", MAX_BRACKETS);
    }
    return qt_llvm_module_parse(data, len, typed_pointers, ret_module, err);
}

qt_code qt_llvm_module_verify(const qt_llvm_module *m, qt_err *err) {
    QT_CLEANUP(message_free_p) char *message = NULL;
    if (LLVMVerifyModule(m->module, LLVMReturnStatusAction, &message)) {
        return qt_fail(err, CIRCUIT_SYNTAX, "not valid LLVM IR: %.*s", (int)strcspn(message, "\n"),
                       message);
    }
    return QT_OK;
}

static void memory_buffer_free_p(LLVMMemoryBufferRef *buffer) {
    if (*buffer != NULL) {
        LLVMDisposeMemoryBuffer(*buffer);
    }
}

qt_code qt_qir_to_bitcode(const char *text, size_t len, qt_qir_version version, qt_buf *ret_bitcode,
                          qt_err *err) {
    QT_CLEANUP(qt_llvm_module_done) qt_llvm_module m = {0};
    QT_TRY(qt_llvm_module_open(text, len, version == QT_QIR_1_0, &m, err));
    QT_TRY(qt_llvm_module_verify(&m, err));
    QT_CLEANUP(memory_buffer_free_p)
    LLVMMemoryBufferRef buffer = LLVMWriteBitcodeToMemoryBuffer(m.module);
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_buf_add(&out, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
    QT_TRY(qt_buf_check(&out, err));
    *ret_bitcode = out;
    out = (qt_buf){0};
    return QT_OK;
}

qt_code qt_qir_to_text(const char *data, size_t len, qt_buf *ret_text, qt_err *err) {
    QT_CLEANUP(qt_llvm_module_done) qt_llvm_module m = {0};
    QT_TRY(qt_llvm_module_open(data, len, false, &m, err));
    QT_CLEANUP(message_free_p) char *text = LLVMPrintModuleToString(m.module);
    QT_CLEANUP(qt_buf_done) qt_buf out = {0};
    qt_buf_add_str(&out, text);
    QT_TRY(qt_buf_check(&out, err));
    *ret_text = out;
    out = (qt_buf){0};
    return QT_OK;
}

qt_code qt_qir_verify(const char *data, size_t len, qt_err *err) {
    QT_CLEANUP(qt_llvm_module_done) qt_llvm_module m = {0};
    QT_TRY(qt_llvm_module_open(data, len, false, &m, err));
    return qt_llvm_module_verify(&m, err);
}

const char *qt_llvm_attribute(LLVMValueRef function, const char *name, size_t *ret_len) {
    LLVMAttributeRef attribute = LLVMGetStringAttributeAtIndex(
        function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, name, (unsigned)strlen(name));
    if (attribute == NULL) {
        return NULL;
    }
    unsigned len = 0;
    const char *value = LLVMGetStringAttributeValue(attribute, &len);
    *ret_len = len;
    return value;
}

bool qt_llvm_number_attribute(LLVMValueRef function, const char *name, uint64_t *ret_value) {
    size_t len = 0;
    const char *text = qt_llvm_attribute(function, name, &len);
    uint64_t value = 0;
    for (size_t i = 0; text != NULL && i < len; i++) {
        uint64_t digit = (uint64_t)text[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    if (text == NULL || len == 0) {
        return false;
    }
    *ret_value = value;
    return true;
}

bool qt_llvm_is_entry_point(LLVMValueRef function) {
    size_t len = 0;
    return qt_llvm_attribute(function, "entry_point", &len) != NULL ||
           qt_llvm_attribute(function, "EntryPoint", &len) != NULL;
}

LLVMValueRef qt_llvm_called(LLVMValueRef call) {
    LLVMValueRef called = LLVMGetCalledValue(call);
    return called != NULL ? LLVMIsAFunction(called) : NULL;
}

bool qt_llvm_pointer_id(LLVMValueRef v, uint64_t *ret_id) {
    if (LLVMGetTypeKind(LLVMTypeOf(v)) != LLVMPointerTypeKind || !LLVMIsConstant(v)) {
        return false;
    }
    if (LLVMIsNull(v)) {
        *ret_id = 0;
        return true;
    }
    if (LLVMIsAConstantExpr(v) == NULL) {
        return false;
    }
    LLVMValueRef operand = LLVMGetOperand(v, 0);
    if (LLVMGetConstOpcode(v) == LLVMBitCast) {
        return qt_llvm_pointer_id(operand, ret_id);
    }
    if (LLVMGetConstOpcode(v) != LLVMIntToPtr || LLVMIsAConstantInt(operand) == NULL ||
        LLVMGetIntTypeWidth(LLVMTypeOf(operand)) > 64) {
        return false;
    }
    *ret_id = LLVMConstIntGetZExtValue(operand);
    return true;
}

static LLVMValueRef strip_to_global(LLVMValueRef v) {
    while (LLVMIsAConstantExpr(v) != NULL) {
        LLVMOpcode op = LLVMGetConstOpcode(v);
        if (op != LLVMGetElementPtr && op != LLVMBitCast) {
            return NULL;
        }
        for (int i = 1; i < LLVMGetNumOperands(v); i++) {
            if (!LLVMIsNull(LLVMGetOperand(v, (unsigned)i))) {
                return NULL;
            }
        }
        v = LLVMGetOperand(v, 0);
    }
    return LLVMIsAGlobalVariable(v);
}

bool qt_llvm_label(LLVMValueRef v, const char **ret_text, size_t *ret_len) {
    LLVMValueRef global = strip_to_global(v);
    LLVMValueRef value = global != NULL ? LLVMGetInitializer(global) : NULL;
    if (value == NULL || LLVMIsAConstantDataArray(value) == NULL || !LLVMIsConstantString(value)) {
        bool empty = value != NULL && LLVMIsAConstantAggregateZero(value) != NULL;
        *ret_text = empty ? "" : NULL;
        *ret_len = 0;
        return empty;
    }
    *ret_text = LLVMGetAsString(value, ret_len);
    return true;
}

void qt_llvm_name(LLVMValueRef v, char *buf, size_t size) {
    size_t len = 0;
    const char *name = LLVMGetValueName2(v, &len);
    snprintf(buf, size, "%.*s", (int)(len < size ? len : size - 1), name);
}
