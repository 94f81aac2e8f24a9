/* Inside libs/qir: LLVM's C API, wrapped as far as all readers need it. */
#ifndef QT_QIR_LLVM_MODULE_H
#define QT_QIR_LLVM_MODULE_H

#include "base/err.h"

#include <llvm-c/Core.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct qt_llvm_module {
    LLVMContextRef context;
    LLVMModuleRef module;
} qt_llvm_module;

/* Safe on zeroed memory. */
void qt_llvm_module_done(qt_llvm_module *m);
/* Parses text or bitcode; with typed_pointers the pointers of text stay typed, else all pointers
 * become opaque. Bitcode is read in a process of its own (qir/isolate.h); brackets nested deeper
 * than 200 are refused before LLVM's parser of text sees them. */
qt_code qt_llvm_module_open(const char *data, size_t len, bool typed_pointers,
                            qt_llvm_module *ret_module, qt_err *err);
/* The same in this process and without these guards. */
qt_code qt_llvm_module_parse(const char *data, size_t len, bool typed_pointers,
                             qt_llvm_module *ret_module, qt_err *err);
/* LLVM's verifier. CIRCUIT_SYNTAX with its first complaint. */
qt_code qt_llvm_module_verify(const qt_llvm_module *m, qt_err *err);

/* A string attribute of a function, or NULL; not ended by NUL. */
const char *qt_llvm_attribute(LLVMValueRef function, const char *name, size_t *ret_len);
/* The value of a decimal attribute; false when it is not there or no number. */
bool qt_llvm_number_attribute(LLVMValueRef function, const char *name, uint64_t *ret_value);
bool qt_llvm_is_entry_point(LLVMValueRef function);
/* The function that a call calls, or NULL when that is not known. */
LLVMValueRef qt_llvm_called(LLVMValueRef call);
/* The static id that a pointer constant stands for: null is 0, inttoptr (i64 n) is n. */
bool qt_llvm_pointer_id(LLVMValueRef v, uint64_t *ret_id);
/* The text of a label: the string of the global that a constant points to. False for null and
 * for anything else. The string may hold no NUL at its end. */
bool qt_llvm_label(LLVMValueRef v, const char **ret_text, size_t *ret_len);
/* "main", block "b3": for messages. The name of a value, cut to the buffer; "" without one. */
void qt_llvm_name(LLVMValueRef v, char *buf, size_t size);

#endif
