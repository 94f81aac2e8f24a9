#include "services/sim-svc/codec.h"

#include "base/cleanup.h"
#include "program/wire.h"

#include <string.h>

qt_code qt_decode_program(Qtaskdist__V1__CircuitType type, const char *text, const char *type_field,
                          const char *data_field, qt_program *ret_program, qt_err *err) {
    qt_program program = {
        .text = text, .len = strlen(text), .type_field = type_field, .field = data_field};
    QT_TRY(qt_program_kind_decode(type, type_field, &program.kind, err));
    *ret_program = program;
    return QT_OK;
}

static qt_code decode_payload(const Qtaskdist__V1__TaskPayload *payload, qt_program *ret_program,
                              qt_err *err) {
    return qt_decode_program(payload->circuit_type, payload->circuit_data, "payload.circuit_type",
                             "payload.circuit_data", ret_program, err);
}

static qt_code decode_method(Qtaskdist__V1__SimulationMethod method, qt_sim_method *ret_method,
                             qt_err *err) {
    switch (method) {
    case QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_UNSPECIFIED:
    case QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_AUTO:
        *ret_method = QT_SIM_AUTO;
        return QT_OK;
    case QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STATEVECTOR:
        *ret_method = QT_SIM_STATEVECTOR;
        return QT_OK;
    case QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_STABILIZER:
        *ret_method = QT_SIM_STABILIZER;
        return QT_OK;
    case QTASKDIST__V1__SIMULATION_METHOD__SIMULATION_METHOD_DENSITY_MATRIX:
        *ret_method = QT_SIM_DENSITY_MATRIX;
        return QT_OK;
    case _QTASKDIST__V1__SIMULATION_METHOD_IS_INT_SIZE:
    default:
        return qt_fail_field(err, FIELD_INVALID, "payload.method", "%d is no method", (int)method);
    }
}

/* simulator_id names a method too; both together must agree. */
static qt_code decode_simulator(const char *id, qt_sim_method *method, qt_err *err) {
    static const struct {
        const char *id;
        qt_sim_method method;
    } simulators[] = {{"", QT_SIM_AUTO},
                      {"auto", QT_SIM_AUTO},
                      {"qasm_simulator", QT_SIM_AUTO},
                      {"statevector", QT_SIM_STATEVECTOR},
                      {"stabilizer", QT_SIM_STABILIZER}};
    for (size_t i = 0; i < QT_ARRAY_LEN(simulators); i++) {
        if (strcmp(id, simulators[i].id) != 0) {
            continue;
        }
        if (simulators[i].method == QT_SIM_AUTO || *method == simulators[i].method) {
            return QT_OK;
        }
        if (*method != QT_SIM_AUTO) {
            return qt_fail_field(err, FIELD_INVALID, "payload.method",
                                 "the method contradicts simulator_id \"%s\"", id);
        }
        *method = simulators[i].method;
        return QT_OK;
    }
    return qt_fail_field(err, FIELD_INVALID, "payload.simulator_id",
                         "no simulator has the id \"%.40s\"", id);
}

qt_code qt_decode_simulation(const Qtaskdist__V1__TaskPayload *payload, qt_simulation *ret,
                             qt_err *err) {
    qt_simulation s = {.shots = payload->shots};
    QT_TRY(decode_payload(payload, &s.program, err));
    QT_TRY(decode_method(payload->method, &s.method, err));
    QT_TRY(decode_simulator(payload->simulator_id, &s.method, err));
    s.has_seed = payload->seed_oneof_case == QTASKDIST__V1__TASK_PAYLOAD__SEED_ONEOF_SEED;
    s.seed = s.has_seed ? payload->seed : 0;
    *ret = s;
    return QT_OK;
}

qt_code qt_decode_conversion(const Qtaskdist__V1__TaskPayload *payload, qt_conversion *ret,
                             qt_err *err) {
    qt_conversion c = {0};
    QT_TRY(decode_payload(payload, &c.program, err));
    QT_TRY(qt_program_conversion_decode(payload, &c.to, err));
    c.program.keep_loops = c.to.keep_loops;
    *ret = c;
    return QT_OK;
}
