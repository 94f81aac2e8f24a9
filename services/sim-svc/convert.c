#include "services/sim-svc/convert.h"

#include "base/cleanup.h"

#include <stdio.h>

#define VERIFY_MEMORY_BYTES ((uint64_t)512 << 20)

void qt_converted_done(qt_converted *converted) {
    qt_circuit_free(converted->circuit);
    qt_buf_done(&converted->output);
    qt_qir_report_done(&converted->report);
    *converted = (qt_converted){0};
}

static qt_qir_wait wait_of(const qt_program *program) {
    return (qt_qir_wait){.cancelled = program->cancel.cancelled, .self = program->cancel.self};
}

static qt_qir_version version_of(qt_program_target target) {
    return target == QT_PROGRAM_TO_QIR_2_0 ? QT_QIR_2_0 : QT_QIR_1_0;
}

static qt_code write_text(const qt_conversion *c, size_t max_bytes, qt_converted *out,
                          qt_err *err) {
    const qt_program_write_options options = {.qir = c->to.qir, .max_bytes = max_bytes};
    qt_code code =
        qt_program_write(out->circuit, c->to.target, &options, &out->output, &out->info, err);
    if (code == QT_RESOURCE_EXHAUSTED && err->reason == QT_REASON_MEMORY_LIMIT) {
        return qt_fail(err, RESULT_TOO_LARGE,
                       "the result has more than %zu bytes; send a smaller circuit", max_bytes);
    }
    if (code == QT_UNIMPLEMENTED) {
        snprintf(err->field, sizeof err->field, "payload.target");
    } else if (code != QT_OK) {
        qt_err_prefix_field(err, "payload."); /* the entry point's name is the only field */
    }
    return qt_job_in_program(code, &c->program, err);
}

static qt_code check_output(const qt_job_runner *runner, const qt_conversion *c, qt_converted *out,
                            qt_err *err) {
    const qt_qir_wait wait = wait_of(&c->program);
    const qt_qir_check_options options = {.profile = out->info.profile, .max_violations = 100};
    QT_TRY(qt_qir_helper_check(runner->qir, out->output.data, out->output.len, &options, &wait,
                               &out->report, err));
    out->checked = true;
    return QT_OK;
}

static qt_code assemble(const qt_job_runner *runner, const qt_conversion *c, qt_converted *out,
                        qt_err *err) {
    const qt_qir_wait wait = wait_of(&c->program);
    QT_CLEANUP(qt_buf_done) qt_buf bitcode = {0};
    QT_TRY(qt_qir_helper_to_bitcode(runner->qir, out->output.data, out->output.len,
                                    version_of(c->to.target), &wait, &bitcode, err));
    qt_buf_done(&out->output);
    out->output = bitcode;
    bitcode = (qt_buf){0};
    return QT_OK;
}

/* ---- verification ---- */

/* Programs of IonQ and Braket always measure; those that do not are compared by their states. */
static bool adds_measures(const qt_conversion *c, const qt_circuit *circuit) {
    bool always = c->to.target == QT_PROGRAM_TO_IONQ || c->to.target == QT_PROGRAM_TO_BRAKET;
    for (size_t i = 0; always && i < circuit->op_count; i++) {
        always = circuit->ops[i].kind != QT_OP_MEASURE;
    }
    return always;
}

static qt_code compare(qt_job_runner *runner, const qt_conversion *c, const qt_circuit *back,
                       qt_converted *out, qt_err *err) {
    const qt_job_limits *limits = &runner->limits;
    uint64_t want = runner->memory.limit_bytes < VERIFY_MEMORY_BYTES ? runner->memory.limit_bytes
                                                                     : VERIFY_MEMORY_BYTES;
    uint64_t bytes = 0;
    QT_TRY(qt_budget_take(&runner->memory, want, want, &c->program.cancel, &bytes, err));
    const qt_equivalence_options options = {.max_qubits = limits->verify_qubits,
                                            .max_branches = limits->verify_branches,
                                            .max_memory_bytes = bytes,
                                            .max_ms = limits->verify_ms,
                                            .ignore_bits = adds_measures(c, out->circuit),
                                            .cancelled = c->program.cancel.cancelled,
                                            .self = c->program.cancel.self};
    qt_code code = qt_sim_compare(out->circuit, back, &options, &out->equivalence, err);
    qt_budget_give(&runner->memory, bytes);
    if (code != QT_OK && err->reason == QT_REASON_VERIFY_LIMIT && err->field[0] == '\0') {
        snprintf(err->field, sizeof err->field, "payload.verify");
    }
    return code;
}

/* Reads the output as anybody would, never strictly (an option can ask for a broken profile), and
 * compares. */
static qt_code verify(qt_job_runner *runner, const qt_conversion *c, qt_converted *out,
                      qt_err *err) {
    const qt_program written = {.kind = qt_program_kind_of_target(c->to.target),
                                .text = out->output.data,
                                .len = out->output.len,
                                .cancel = c->program.cancel};
    QT_CLEANUP(qt_circuit_free_p) qt_circuit *back = NULL;
    qt_code code = qt_job_read(runner, &written, out->output.len, false, &back, err);
    if (code == QT_INVALID_ARGUMENT) {
        qt_err why = *err;
        return qt_fail(err, VERIFY_FAILED, "the output cannot be read: %s", why.msg);
    }
    QT_TRY(code);
    QT_TRY(compare(runner, c, back, out, err));
    if (!out->equivalence.equivalent) {
        return qt_fail(err, VERIFY_FAILED, "the output differs: %s", out->equivalence.difference);
    }
    return QT_OK;
}

/* What needs LLVM, before any work is done. */
static qt_code check_llvm(const qt_job_runner *runner, const qt_conversion *c, qt_err *err) {
    if (c->to.bitcode) {
        QT_TRY(qt_job_need_llvm(runner, "payload.encoding", "bitcode cannot be written", err));
    }
    if (c->to.verify && qt_program_target_is_qir(c->to.target)) {
        QT_TRY(qt_job_need_llvm(runner, "payload.verify", "QIR cannot be verified", err));
    }
    return QT_OK;
}

qt_code qt_job_convert(qt_job_runner *runner, const qt_conversion *conversion, size_t max_bytes,
                       qt_converted *ret_converted, qt_err *err) {
    const qt_conversion *c = conversion;
    bool qir = qt_program_target_is_qir(c->to.target);
    QT_CLEANUP(qt_converted_done) qt_converted out = {0};
    QT_TRY(check_llvm(runner, c, err));
    QT_TRY(qt_job_parse(runner, &c->program, &out.circuit, err));
    QT_TRY(write_text(c, max_bytes, &out, err));
    if (qir && runner->qir != NULL) {
        QT_TRY(check_output(runner, c, &out, err));
    }
    if (c->to.bitcode) {
        QT_TRY(assemble(runner, c, &out, err));
    }
    if (c->to.verify) {
        QT_TRY(verify(runner, c, &out, err));
    }
    *ret_converted = out;
    out = (qt_converted){0};
    return QT_OK;
}

qt_code qt_job_check_qir(const qt_job_runner *runner, const qt_program *program,
                         const qt_qir_check_options *options, qt_qir_report *ret_report,
                         qt_err *err) {
    const qt_qir_wait wait = wait_of(program);
    QT_CLEANUP(qt_buf_done) qt_buf storage = {0};
    const char *data = NULL;
    size_t len = 0;
    QT_TRY(qt_job_need_llvm(runner, "", "QIR cannot be checked", err));
    QT_TRY(qt_job_check_text(runner, program, err));
    qt_code code = qt_qir_source_open(program->text, program->len, runner->limits.max_circuit_bytes,
                                      &storage, &data, &len, err);
    if (code == QT_OK) {
        code = qt_qir_helper_check(runner->qir, data, len, options, &wait, ret_report, err);
    }
    return qt_job_in_program(code, program, err);
}
