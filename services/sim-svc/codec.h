/* Payloads in, results out: between protobuf messages and the terms of job.h. */
#ifndef QT_SIM_SVC_CODEC_H
#define QT_SIM_SVC_CODEC_H

#include "base/arena.h"
#include "services/sim-svc/job.h"

#include <qtaskdist/v1/sim.pb-c.h>
#include <qtaskdist/v1/task.pb-c.h>

/* What a conversion is asked for. */
typedef struct qt_conversion {
    qt_program program;
    Qtaskdist__V1__ConvertTarget target; /* never UNSPECIFIED */
    qt_qir_options options;
} qt_conversion;

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
qt_code qt_encode_conversion(const qt_circuit *circuit, const qt_conversion *conversion,
                             const qt_buf *text, const qt_qir_info *info, const char *job_id,
                             double seconds, size_t max_bytes, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
qt_code qt_encode_analysis(const qt_circuit *circuit, const qt_analysis *analysis, qt_arena *arena,
                           Qtaskdist__V1__AnalyzeResponse **ret_resp, qt_err *err);

#endif
