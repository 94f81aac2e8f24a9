#include "qir/reader.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "qir/checker.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_MAX_BYTES = 64 << 20, DEFAULT_MAX_STEPS = 20000000 };

qt_code qt_reader_grow(void *array, size_t *cap, size_t need, size_t size, qt_err *err) {
    if (need <= *cap) {
        return QT_OK;
    }
    size_t larger = *cap > 0 ? *cap * 2 : 16;
    larger = larger < need ? need : larger;
    void *mem = *(void **)array;
    QT_TRY(qt_try_realloc(&mem, larger * size, err));
    *(void **)array = mem;
    *cap = larger;
    return QT_OK;
}

qt_code qt_reader_step(qt_reader *r, qt_err *err) {
    if (++r->steps > r->max_steps) {
        return qt_fail(err, STEP_LIMIT, "the program takes more than %zu steps", r->max_steps);
    }
    return QT_OK;
}

qt_code qt_reader_refuse(qt_reader *r, qt_err *err, const char *fmt, ...) {
    char what[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    if (r->at == NULL) {
        return qt_fail(err, CIRCUIT_UNSUPPORTED, "%s", what);
    }
    LLVMBasicBlockRef block = LLVMGetInstructionParent(r->at);
    char function[40];
    qt_llvm_name(LLVMGetBasicBlockParent(block), function, sizeof function);
    char *text = LLVMPrintValueToString(r->at);
    size_t spaces = strspn(text, " ");
    int shown = (int)strcspn(text + spaces, "\n");
    qt_code code =
        qt_fail(err, CIRCUIT_UNSUPPORTED, "%s: in %s, block %.24s, at \"%.*s\"", what, function,
                LLVMGetBasicBlockName(block), shown < 72 ? shown : 72, text + spaces);
    LLVMDisposeMessage(text);
    return code;
}

static void clear_objects(qt_reader *r) {
    for (size_t i = 0; i < r->object_count; i++) {
        free(r->objects[i].slots);
        free(r->objects[i].variables);
    }
    r->object_count = 0;
}

static void reader_done(qt_reader *r) {
    clear_objects(r);
    for (size_t i = 0; i < r->function_count; i++) {
        if (r->functions[i] != NULL) {
            qt_cfg_done(&r->functions[i]->cfg);
        }
        free(r->functions[i]);
    }
    free(r->functions);
    qt_ptrmap_done(&r->function_number);
    free(r->objects);
    free(r->free_qubits);
    free(r->measure_total);
    free(r->measure_count);
    free(r->result_clbit);
    free(r->merges);
    free(r->records);
    free(r->known);
    qt_builder_done(&r->builder);
    qt_llvm_module_done(&r->module);
}

static bool is_named(LLVMValueRef function, const char *name) {
    size_t len = 0;
    const char *own = LLVMGetValueName2(function, &len);
    return strlen(name) == len && memcmp(own, name, len) == 0;
}

/* The function with the attribute; without any, the only one that has a body. */
static qt_code find_entry(qt_reader *r, qt_err *err) {
    const char *wanted = r->options->entry_point;
    unsigned bodies = 0;
    unsigned entries = 0;
    LLVMValueRef body = NULL;
    for (LLVMValueRef f = LLVMGetFirstFunction(r->module.module); f != NULL;
         f = LLVMGetNextFunction(f)) {
        if (LLVMIsDeclaration(f) || (wanted != NULL && !is_named(f, wanted))) {
            continue;
        }
        bodies++;
        body = f;
        if (qt_llvm_is_entry_point(f)) {
            entries++;
            r->entry = f;
        }
    }
    if (entries == 0 && bodies == 1) {
        r->entry = body;
        entries = 1;
    }
    if (entries != 1) {
        return qt_fail(err, CIRCUIT_UNSUPPORTED,
                       entries == 0 ? "no function is an entry point%s%s"
                                    : "more than one function is an entry point%s%s",
                       wanted != NULL ? ": " : "", wanted != NULL ? wanted : "");
    }
    if (LLVMCountParams(r->entry) > 0) {
        return qt_fail(err, CIRCUIT_UNSUPPORTED, "the entry point has parameters");
    }
    return QT_OK;
}

static qt_code run_once(qt_reader *r, qt_sym *ret_value, qt_err *err) {
    clear_objects(r);
    r->restart = false;
    r->nesting = 0;
    r->loop_depth = 0;
    r->walk_depth = 0;
    r->qubit_count = 0;
    r->result_count = 0;
    r->free_count = 0;
    r->merge_count = 0;
    r->record_count = 0;
    r->at = NULL;
    if (r->measure_count != NULL) {
        memset(r->measure_count, 0, r->measure_cap * sizeof *r->measure_count);
    }
    for (size_t i = 0; i < r->function_count; i++) {
        r->functions[i]->active = false;
    }
    qt_function_info *info = NULL;
    QT_TRY(qt_reader_function(r, r->entry, &info, err));
    QT_CLEANUP(qt_frame_done) qt_frame f = {.info = info};
    return qt_reader_run(r, &f, ret_value, err);
}

/* Each run that ends early has marked one more loop. */
static qt_code run_dry(qt_reader *r, qt_err *err) {
    qt_sym value = {0};
    qt_code code = run_once(r, &value, err);
    while (code != QT_OK && r->restart) {
        code = run_once(r, &value, err);
    }
    QT_TRY(code);
    r->known = r->records;
    r->known_count = r->record_count;
    r->records = NULL;
    r->record_cap = 0;
    r->measure_total = r->measure_count;
    r->measure_total_cap = r->measure_cap;
    r->measure_count = NULL;
    r->measure_cap = 0;
    return QT_OK;
}

static qt_code build(qt_reader *r, qt_circuit **ret_circuit, qt_err *err) {
    qt_sym value = {0};
    QT_TRY(qt_reader_make_registers(r, err));
    r->building = true;
    r->steps = 0;
    QT_TRY(run_once(r, &value, err));
    if (value.kind == QT_SYM_INT && value.i != 0) {
        QT_TRY(qt_build_warning(&r->builder, "the program returns an exit code other than 0", err));
    }
    return qt_builder_finish(&r->builder, ret_circuit, err);
}

static qt_code read_module(qt_reader *r, qt_circuit **ret_circuit, qt_err *err) {
    QT_TRY(find_entry(r, err));
    qt_llvm_number_attribute(r->entry, "required_num_qubits", &r->static_qubits);
    qt_llvm_number_attribute(r->entry, "num_required_qubits", &r->static_qubits);
    qt_llvm_number_attribute(r->entry, "required_num_results", &r->static_results);
    qt_llvm_number_attribute(r->entry, "num_required_results", &r->static_results);
    if (r->static_qubits > r->builder.limits.max_qubits ||
        r->static_results > r->builder.limits.max_qubits) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "the program needs %llu qubits and %llu results",
                       (unsigned long long)r->static_qubits, (unsigned long long)r->static_results);
    }
    QT_TRY(run_dry(r, err));
    return build(r, ret_circuit, err);
}

qt_code qt_qir_read(const char *data, size_t len, const qt_qir_read_options *options,
                    qt_circuit **ret_circuit, qt_err *err) {
    static const qt_qir_read_options defaults;
    const qt_qir_read_options *o = options != NULL ? options : &defaults;
    size_t max_bytes = o->max_bytes > 0 ? o->max_bytes : DEFAULT_MAX_BYTES;
    if (len > max_bytes) {
        return qt_fail(err, CIRCUIT_TOO_LARGE, "the program has %zu bytes; the limit is %zu", len,
                       max_bytes);
    }
    QT_CLEANUP(reader_done)
    qt_reader r = {.options = o, .max_steps = o->max_steps > 0 ? o->max_steps : DEFAULT_MAX_STEPS};
    qt_circuit_limits limits = qt_circuit_limits_or_defaults(&o->limits);
    QT_TRY(qt_builder_init(&r.builder, &limits, err));
    QT_TRY(qt_llvm_module_open(data, len, false, &r.module, err));
    QT_TRY(qt_llvm_module_verify(&r.module, err));
    if (o->strict) {
        QT_TRY(qt_qir_check_strict(&r.module, err));
    }
    return read_module(&r, ret_circuit, err);
}
