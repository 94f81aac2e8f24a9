#include "services/sim-svc/core.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "program/wire.h"

static double seconds_since(int64_t start_us) {
    return (double)(qt_clock_mono_us(qt_clock_system()) - start_us) / 1e6;
}

/* The arena takes them, and the list of errors. */
static qt_code add_inputs(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                          qt_program *program, qt_err *err) {
    program->arena = arena;
    return qt_program_inputs_decode(payload, arena, &program->inputs, &program->input_count, err);
}

qt_code qt_sim_core_simulate(qt_sim_core *core, const Qtaskdist__V1__TaskPayload *payload,
                             const char *job_id, const qt_job_watch *watch, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    int64_t start_us = qt_clock_mono_us(qt_clock_system());
    qt_simulation simulation;
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *circuit = NULL;
    QT_CLEANUP(qt_sim_result_free_p) qt_sim_result *result = NULL;
    QT_TRY(qt_decode_simulation(payload, &simulation, err));
    simulation.program.cancel = watch->cancel;
    QT_TRY(add_inputs(payload, arena, &simulation.program, err));
    QT_TRY(qt_job_simulate(&core->jobs, &simulation, watch, &circuit, &result, err));
    return qt_encode_simulation(circuit, result, job_id, seconds_since(start_us),
                                core->max_result_bytes, arena, ret_result, err);
}

qt_code qt_sim_core_convert(qt_sim_core *core, const Qtaskdist__V1__TaskPayload *payload,
                            const char *job_id, const qt_cancel *cancel, qt_arena *arena,
                            Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    int64_t start_us = qt_clock_mono_us(qt_clock_system());
    qt_conversion conversion;
    QT_CLEANUP(qt_converted_done) qt_converted converted = {0};
    QT_TRY(qt_decode_conversion(payload, &conversion, err));
    conversion.program.cancel = *cancel;
    QT_TRY(add_inputs(payload, arena, &conversion.program, err));
    QT_TRY(qt_job_convert(&core->jobs, &conversion, core->max_result_bytes, &converted, err));
    return qt_encode_conversion(&conversion, &converted, job_id, seconds_since(start_us),
                                core->max_result_bytes, arena, ret_result, err);
}
