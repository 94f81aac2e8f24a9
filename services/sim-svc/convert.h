/* Conversion of circuits: read, write, check, verify. No protobuf and no RPC here. */
#ifndef QT_SIM_SVC_CONVERT_H
#define QT_SIM_SVC_CONVERT_H

#include "program/wire.h"
#include "services/sim-svc/job.h"
#include "sim/equivalence.h"

/* What a conversion is asked for. */
typedef struct qt_conversion {
    qt_program program;
    qt_program_conversion to;
} qt_conversion;

/* What came out. */
typedef struct qt_converted {
    qt_circuit *circuit; /* that was read */
    qt_buf output;       /* text, or bitcode */
    qt_qir_info info;    /* zeroed for other targets than QIR */
    bool checked;        /* QIR, and there is LLVM */
    qt_qir_report report;
    qt_equivalence equivalence; /* when it was asked for */
} qt_converted;

/* Safe on zeroed memory. */
void qt_converted_done(qt_converted *converted);

/* Errors about the circuit have the program's field. METHOD_UNIMPLEMENTED for bitcode, and for a
 * verification of QIR, without LLVM; VERIFY_LIMIT; VERIFY_FAILED when the output does not mean
 * what the input does; RESULT_TOO_LARGE over max_bytes. */
qt_code qt_job_convert(qt_job_runner *runner, const qt_conversion *conversion, size_t max_bytes,
                       qt_converted *ret_converted, qt_err *err);

/* Checks QIR, text or base64 of bitcode, against its profile. */
qt_code qt_job_check_qir(const qt_job_runner *runner, const qt_program *program,
                         const qt_qir_check_options *options, qt_qir_report *ret_report,
                         qt_err *err);

#endif
