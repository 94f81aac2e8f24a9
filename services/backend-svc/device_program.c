#include "services/backend-svc/device_program.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "program/wire.h"
#include "task/page_token.h"

#include <qtaskdist/v1/sim_service.rpc.h>
#include <stdio.h>
#include <string.h>

enum { CONVERT_MS = 60000 };

typedef struct maker {
    qt_rpc_channel *sim;
    const Qtaskdist__V1__TaskPayload *payload;
    const qt_run_watch *watch;
    qt_arena *arena;
    qt_circuit *circuit; /* with joined registers */
} maker;

bool qt_device_format_of(const char *word, qt_device_format *ret_format) {
    static const struct {
        const char *word;
        qt_device_format format;
    } rows[] = {
        {"qasm3", QT_FORMAT_QASM3},
        {"openqasm3", QT_FORMAT_QASM3},
        {"qasm2", QT_FORMAT_QASM2},
        {"openqasm2", QT_FORMAT_QASM2},
        {"pyqir", QT_FORMAT_QIR_BITCODE},
        {"qir.bc", QT_FORMAT_QIR_BITCODE},
        {"ionq", QT_FORMAT_IONQ},
        {"ionq.circuit.v0", QT_FORMAT_IONQ},
        {"ionq.circuit.v1", QT_FORMAT_IONQ},
    };
    for (size_t i = 0; i < QT_ARRAY_LEN(rows); i++) {
        if (strcmp(rows[i].word, word) == 0) {
            *ret_format = rows[i].format;
            return true;
        }
    }
    return false;
}

/* ---- registers ---- */

static bool uses_register_values(const qt_circuit *circuit) {
    for (size_t i = 0; i < circuit->expr_count; i++) {
        if (circuit->exprs[i].kind == QT_EXPR_REG || circuit->exprs[i].kind == QT_EXPR_REG_AT) {
            return true;
        }
    }
    for (size_t i = 0; i < circuit->op_count; i++) {
        const qt_op *op = &circuit->ops[i];
        if (op->kind == QT_OP_ASSIGN && (op->sub == QT_LVALUE_REG || op->sub == QT_LVALUE_REG_AT)) {
            return true;
        }
    }
    return false;
}

static size_t count_bit_registers(const qt_circuit *circuit) {
    size_t count = 0;
    for (size_t i = 0; i < circuit->register_count; i++) {
        count += circuit->registers[i].kind == QT_REGISTER_BIT;
    }
    return count;
}

bool qt_device_join_registers(qt_circuit *circuit) {
    size_t kept = 0;
    bool is_joined = false;
    if (count_bit_registers(circuit) < 2) {
        return true;
    }
    if (uses_register_values(circuit)) {
        return false;
    }
    for (size_t i = 0; i < circuit->register_count; i++) {
        const qt_register *r = &circuit->registers[i];
        if (r->kind == QT_REGISTER_QUBIT) {
            circuit->registers[kept++] = *r;
        } else if (!is_joined) {
            is_joined = true;
            circuit->registers[kept++] = (qt_register){
                .name = "c", .kind = QT_REGISTER_BIT, .first = 0, .size = circuit->num_clbits};
        }
    }
    circuit->register_count = kept;
    return true;
}

/* ---- conversion by sim-svc ---- */

static qt_code convert(const maker *m, const Qtaskdist__V1__TaskPayload *payload,
                       Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    Qtaskdist__V1__ConvertRequest req = QTASKDIST__V1__CONVERT_REQUEST__INIT;
    req.payload = (Qtaskdist__V1__TaskPayload *)(uintptr_t)payload;
    const qt_rpc_call call = {.timeout_ms = CONVERT_MS,
                              .idempotent = true,
                              .cancelled = m->watch->cancelled,
                              .self = m->watch->self};
    Qtaskdist__V1__ConvertResponse *resp = NULL;
    QT_TRY(qt_sim_service_convert(m->sim, &call, &req, m->arena, &resp, err));
    if (resp->result == NULL) {
        return qt_fail(err, INTERNAL, "sim-svc converted to nothing");
    }
    *ret_result = resp->result;
    return QT_OK;
}

/* What sim-svc makes of QIR can be read here. */
static qt_code qir_to_openqasm(const maker *m, const char **ret_text, qt_err *err) {
    Qtaskdist__V1__TaskPayload wish = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    Qtaskdist__V1__TaskResult *result = NULL;
    wish.circuit_type = m->payload->circuit_type;
    wish.circuit_data = m->payload->circuit_data;
    wish.target = QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_OPENQASM3;
    QT_TRY(convert(m, &wish, &result, err));
    *ret_text = result->text;
    return QT_OK;
}

static qt_code read_circuit(maker *m, qt_circuit **ret_circuit, qt_err *err) {
    const char *text = m->payload->circuit_data;
    qt_program_kind kind;
    QT_TRY(qt_program_kind_decode(m->payload->circuit_type, "payload.circuit_type", &kind, err));
    if (kind == QT_PROGRAM_QIR) {
        QT_TRY(qir_to_openqasm(m, &text, err));
        kind = QT_PROGRAM_OPENQASM3;
    }
    if (qt_program_read(kind, text, strlen(text), NULL, ret_circuit, NULL, err) != QT_OK) {
        snprintf(err->field, sizeof err->field, "payload.circuit_data");
        return err->code;
    }
    return QT_OK;
}

/* ---- the formats ---- */

static qt_code keep_text(qt_arena *arena, const qt_buf *text, const char **ret_text, qt_err *err) {
    QT_TRY(qt_buf_check(text, err));
    *ret_text = qt_arena_strndup(arena, qt_buf_str(text), text->len);
    return *ret_text != NULL ? QT_OK : qt_fail(err, MEMORY_LIMIT, "no memory for the program");
}

static qt_code print(const maker *m, qt_program_target target, const char **ret_text, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    QT_TRY(qt_program_write(m->circuit, target, NULL, &text, NULL, err));
    return keep_text(m->arena, &text, ret_text, err);
}

static qt_code print_qir(const maker *m, const char **ret_text, qt_err *err) {
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    Qtaskdist__V1__TaskPayload wish = QTASKDIST__V1__TASK_PAYLOAD__INIT;
    Qtaskdist__V1__TaskResult *result = NULL;
    const char *program = NULL;
    QT_TRY(print(m, QT_PROGRAM_TO_OPENQASM3, &program, err));
    wish.circuit_type = QTASKDIST__V1__CIRCUIT_TYPE__CIRCUIT_TYPE_OPENQASM3;
    wish.circuit_data = (char *)(uintptr_t)program;
    wish.target = QTASKDIST__V1__CONVERT_TARGET__CONVERT_TARGET_QIR_1_0;
    wish.encoding = QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_BITCODE;
    QT_TRY(convert(m, &wish, &result, err));
    if (result->bitcode.len == 0) {
        return qt_fail(err, INTERNAL, "sim-svc made no bitcode");
    }
    qt_base64_encode(result->bitcode.data, result->bitcode.len, &text);
    return keep_text(m->arena, &text, ret_text, err);
}

static qt_code print_format(const maker *m, qt_device_format format, const char **ret_text,
                            qt_err *err) {
    switch (format) {
    case QT_FORMAT_QASM2:
        return print(m, QT_PROGRAM_TO_OPENQASM2, ret_text, err);
    case QT_FORMAT_QIR_BITCODE:
        return print_qir(m, ret_text, err);
    case QT_FORMAT_IONQ:
        return print(m, QT_PROGRAM_TO_IONQ, ret_text, err);
    case QT_FORMAT_QASM3:
    case QT_FORMAT_COUNT_:
    default:
        return print(m, QT_PROGRAM_TO_OPENQASM3, ret_text, err);
    }
}

/* Whether another format may do what this one cannot. */
static bool may_try_next(const qt_err *err) {
    return err->code == QT_INVALID_ARGUMENT || err->code == QT_UNIMPLEMENTED ||
           err->code == QT_FAILED_PRECONDITION;
}

static bool takes(const Qtaskdist__V1__Device *device, qt_device_format format) {
    for (size_t i = 0; i < device->n_formats; i++) {
        qt_device_format one;
        if (qt_device_format_of(device->formats[i], &one) && one == format) {
            return true;
        }
    }
    return false;
}

static qt_code write_program(const maker *m, const Qtaskdist__V1__Device *device,
                             qt_device_program *program, qt_err *err) {
    qt_code code =
        qt_fail(err, CIRCUIT_UNSUPPORTED, "'%.100s' takes none of our formats", device->name);
    for (int i = 0; i < QT_FORMAT_COUNT_; i++) {
        qt_device_format format = (qt_device_format)i;
        if (!takes(device, format)) {
            continue;
        }
        code = print_format(m, format, &program->text, err);
        if (code == QT_OK) {
            program->format = format;
            return QT_OK;
        }
        if (!may_try_next(err)) {
            return code;
        }
    }
    return code;
}

static qt_code check_size(const qt_circuit *circuit, const Qtaskdist__V1__Device *device,
                          qt_err *err) {
    if (device->num_qubits > 0 && circuit->num_qubits > device->num_qubits) {
        return qt_fail_field(err, CIRCUIT_TOO_MANY_QUBITS, "payload.circuit_data",
                             "the circuit has %u qubits and '%.100s' %u", circuit->num_qubits,
                             device->name, device->num_qubits);
    }
    return QT_OK;
}

qt_code qt_device_program_make(qt_rpc_channel *sim, const Qtaskdist__V1__TaskPayload *payload,
                               const Qtaskdist__V1__Device *device, const qt_run_watch *watch,
                               qt_arena *arena, qt_device_program *ret_program, qt_err *err) {
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    maker m = {.sim = sim, .payload = payload, .watch = watch, .arena = arena};
    qt_device_program program = {0};
    QT_TRY(read_circuit(&m, &circuit, err));
    QT_TRY(check_size(circuit, device, err));
    QT_TRY(qt_layout_of_circuit(circuit, arena, &program.layout, err));
    qt_device_join_registers(circuit);
    m.circuit = circuit;
    QT_TRY(write_program(&m, device, &program, err));
    program.num_qubits = circuit->num_qubits;
    program.hash = qt_hash_bytes(QT_HASH_START, &program.format, sizeof program.format);
    program.hash = qt_hash_bytes(program.hash, program.text, strlen(program.text));
    *ret_program = program;
    return QT_OK;
}
