/* Payloads in, results out: between protobuf messages and the terms of job.h. */
#ifndef QT_SIM_SVC_CODEC_H
#define QT_SIM_SVC_CODEC_H

#include "base/arena.h"
#include "services/sim-svc/convert.h"

#include <qtaskdist/v1/sim.pb-c.h>
#include <qtaskdist/v1/task.pb-c.h>

/* `text` is borrowed; `type_field` and `data_field` are the paths for errors. */
qt_code qt_decode_program(Qtaskdist__V1__CircuitType type, const char *text, const char *type_field,
                          const char *data_field, qt_program *ret_program, qt_err *err);
qt_code qt_decode_simulation(const Qtaskdist__V1__TaskPayload *payload, qt_simulation *ret,
                             qt_err *err);
qt_code qt_decode_conversion(const Qtaskdist__V1__TaskPayload *payload, qt_conversion *ret,
                             qt_err *err);

/* Results live in the arena. RESULT_TOO_LARGE before anything large is made. */
qt_code qt_encode_simulation(const qt_circuit *circuit, const qt_sim_result *result,
                             const char *job_id, double seconds, size_t max_bytes, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
qt_code qt_encode_conversion(const qt_conversion *conversion, const qt_converted *converted,
                             const char *job_id, double seconds, size_t max_bytes, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
qt_code qt_encode_report(const qt_qir_report *report, qt_arena *arena,
                         Qtaskdist__V1__QirReport **ret_report, qt_err *err);
qt_code qt_encode_analysis(const qt_circuit *circuit, const qt_analysis *analysis, qt_arena *arena,
                           Qtaskdist__V1__AnalyzeResponse **ret_resp, qt_err *err);

/* encode.c: what all results have. */
qt_code qt_encode_result(const qt_circuit *circuit, const char *job_id, double seconds,
                         qt_arena *arena, Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
qt_code qt_encode_text(qt_arena *arena, const char *s, char **ret_copy, qt_err *err);
qt_code qt_encode_check_size(size_t bytes, size_t max_bytes, const char *advice, qt_err *err);

#endif
