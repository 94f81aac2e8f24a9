#include "program/program.h"

#include "circuit/print.h"
#include "program/braket.h"
#include "program/ionq.h"

#include <string.h>

static const char *const kind_names[QT_PROGRAM_KIND_COUNT_] = {
#define QT_PROGRAM_KIND(name, text) text,
#include "program/kinds.def"
#undef QT_PROGRAM_KIND
};

static const char *const target_names[QT_PROGRAM_TARGET_COUNT_] = {
#define QT_PROGRAM_TARGET(name, text) text,
#include "program/targets.def"
#undef QT_PROGRAM_TARGET
};

const char *qt_program_kind_name(qt_program_kind kind) {
    return kind_names[kind];
}

const char *qt_program_target_name(qt_program_target target) {
    return target_names[target];
}

static bool find_name(const char *const *names, unsigned count, const char *name,
                      unsigned *ret_number) {
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_number = i;
            return true;
        }
    }
    return false;
}

bool qt_program_kind_by_name(const char *name, qt_program_kind *ret_kind) {
    unsigned number = 0;
    bool found = find_name(kind_names, QT_PROGRAM_KIND_COUNT_, name, &number);
    *ret_kind = found ? (qt_program_kind)number : *ret_kind;
    return found;
}

bool qt_program_target_by_name(const char *name, qt_program_target *ret_target) {
    unsigned number = 0;
    bool found = find_name(target_names, QT_PROGRAM_TARGET_COUNT_, name, &number);
    *ret_target = found ? (qt_program_target)number : *ret_target;
    return found;
}

bool qt_program_target_is_qir(qt_program_target target) {
    return target == QT_PROGRAM_TO_QIR_1_0 || target == QT_PROGRAM_TO_QIR_2_0;
}

qt_program_kind qt_program_kind_of_target(qt_program_target target) {
    static const qt_program_kind kinds[QT_PROGRAM_TARGET_COUNT_] = {
        [QT_PROGRAM_TO_QIR_1_0] = QT_PROGRAM_QIR,
        [QT_PROGRAM_TO_QIR_2_0] = QT_PROGRAM_QIR,
        [QT_PROGRAM_TO_OPENQASM2] = QT_PROGRAM_OPENQASM2,
        [QT_PROGRAM_TO_OPENQASM3] = QT_PROGRAM_OPENQASM3,
        [QT_PROGRAM_TO_IONQ] = QT_PROGRAM_IONQ,
        [QT_PROGRAM_TO_BRAKET] = QT_PROGRAM_BRAKET,
    };
    return kinds[target];
}

/* ---- reading ---- */

bool qt_program_can_read(qt_program_kind kind, const qt_program_read_options *options) {
    switch (kind) {
    case QT_PROGRAM_QASM:
    case QT_PROGRAM_OPENQASM2:
    case QT_PROGRAM_OPENQASM3:
    case QT_PROGRAM_IONQ:
    case QT_PROGRAM_BRAKET:
        return true;
    case QT_PROGRAM_QIR:
        return options != NULL && options->read_qir != NULL;
    case QT_PROGRAM_KIND_COUNT_:
        break;
    }
    return false;
}

qt_qasm_options qt_program_qasm_options(qt_qasm_version version, const qt_program_read_options *o) {
    return (qt_qasm_options){.version = version,
                             .include_dir = o->include_dir,
                             .max_bytes = o->max_bytes,
                             .max_tokens = o->max_tokens,
                             .max_ms = o->max_ms,
                             .max_nesting = o->max_nesting,
                             .max_errors = o->max_errors,
                             .limits = o->limits,
                             .keep_loops = o->keep_loops,
                             .inputs = o->inputs,
                             .input_count = o->input_count};
}

static qt_code read_qasm(qt_qasm_version version, const char *data, size_t len,
                         const qt_program_read_options *o, qt_circuit **ret_circuit,
                         qt_diagnostics *ret_diagnostics, qt_err *err) {
    const qt_qasm_options qasm = qt_program_qasm_options(version, o);
    return qt_qasm_parse(data, len, &qasm, ret_circuit, ret_diagnostics, err);
}

static qt_code check_bytes(size_t len, const qt_program_read_options *o, qt_err *err) {
    const size_t default_bytes = 4 << 20;
    size_t max = o->max_bytes > 0 ? o->max_bytes : default_bytes;
    return len <= max ? QT_OK
                      : qt_fail(err, CIRCUIT_TOO_LARGE,
                                "1:1: the program has %zu bytes, %zu are allowed", len, max);
}

qt_code qt_program_read(qt_program_kind kind, const char *data, size_t len,
                        const qt_program_read_options *options, qt_circuit **ret_circuit,
                        qt_diagnostics *ret_diagnostics, qt_err *err) {
    static const qt_program_read_options defaults;
    const qt_program_read_options *o = options != NULL ? options : &defaults;
    if (ret_diagnostics != NULL) {
        *ret_diagnostics = (qt_diagnostics){0};
    }
    if (!qt_program_can_read(kind, o)) {
        return qt_fail(err, CIRCUIT_TYPE_UNSUPPORTED, "programs of type %s cannot be read here",
                       qt_program_kind_name(kind));
    }
    QT_TRY(check_bytes(len, o, err));
    if (o->input_count > 0 && (kind == QT_PROGRAM_QIR || kind == QT_PROGRAM_IONQ)) {
        return qt_fail(err, CIRCUIT_SYNTAX, "1:1: programs of type %s have no inputs",
                       qt_program_kind_name(kind));
    }
    switch (kind) {
    case QT_PROGRAM_QASM:
        return read_qasm(QT_QASM_DETECT, data, len, o, ret_circuit, ret_diagnostics, err);
    case QT_PROGRAM_OPENQASM2:
        return read_qasm(QT_QASM_2, data, len, o, ret_circuit, ret_diagnostics, err);
    case QT_PROGRAM_OPENQASM3:
        return read_qasm(QT_QASM_3, data, len, o, ret_circuit, ret_diagnostics, err);
    case QT_PROGRAM_QIR:
        return o->read_qir(data, len, o, ret_circuit, err);
    case QT_PROGRAM_IONQ:
        return qt_ionq_read(data, len, o, ret_circuit, err);
    case QT_PROGRAM_BRAKET:
        return qt_braket_read(data, len, o, ret_circuit, ret_diagnostics, err);
    case QT_PROGRAM_KIND_COUNT_:
        break;
    }
    return qt_fail(err, INTERNAL, "no reader for kind %d", (int)kind);
}

/* ---- writing ---- */

static qt_code write_qir(const qt_circuit *circuit, qt_qir_version version,
                         const qt_program_write_options *o, qt_buf *ret_text, qt_qir_info *ret_info,
                         qt_err *err) {
    qt_qir_options qir = o->qir;
    qir.version = version;
    qir.max_bytes = o->max_bytes > 0 ? o->max_bytes : qir.max_bytes;
    return qt_qir_write(circuit, &qir, ret_text, ret_info, err);
}

qt_code qt_program_write(const qt_circuit *circuit, qt_program_target target,
                         const qt_program_write_options *options, qt_buf *ret_text,
                         qt_qir_info *ret_info, qt_err *err) {
    static const qt_program_write_options defaults;
    const qt_program_write_options *o = options != NULL ? options : &defaults;
    if (ret_info != NULL) {
        *ret_info = (qt_qir_info){0};
    }
    ret_text->limit_bytes = o->max_bytes;
    switch (target) {
    case QT_PROGRAM_TO_QIR_1_0:
        return write_qir(circuit, QT_QIR_1_0, o, ret_text, ret_info, err);
    case QT_PROGRAM_TO_QIR_2_0:
        return write_qir(circuit, QT_QIR_2_0, o, ret_text, ret_info, err);
    case QT_PROGRAM_TO_OPENQASM2:
        return qt_circuit_print_qasm2(circuit, ret_text, err);
    case QT_PROGRAM_TO_OPENQASM3:
        return qt_circuit_print_qasm3(circuit, ret_text, err);
    case QT_PROGRAM_TO_IONQ:
        return qt_ionq_write_text(circuit, ret_text, err);
    case QT_PROGRAM_TO_BRAKET:
        return qt_circuit_print_braket(circuit, ret_text, err);
    case QT_PROGRAM_TARGET_COUNT_:
        break;
    }
    return qt_fail(err, INTERNAL, "no writer for target %d", (int)target);
}
