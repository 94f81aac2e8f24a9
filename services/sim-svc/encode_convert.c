/* Conversions and reports of the profile checker as messages. */
#include "base/cleanup.h"
#include "services/sim-svc/codec.h"

#include <protobuf-c/protobuf-c.h>
#include <string.h>

static qt_code new_message(qt_arena *arena, const ProtobufCMessageDescriptor *type,
                           void **ret_message, qt_err *err) {
    QT_TRY(qt_arena_try_alloc(arena, type->sizeof_message, ret_message, err));
    protobuf_c_message_init(type, *ret_message);
    return QT_OK;
}

static qt_code encode_violation(const qt_qir_violation *from, qt_arena *arena,
                                Qtaskdist__V1__QirViolation **ret_violation, qt_err *err) {
    const qt_qir_rule_info *rule = qt_qir_rule_get_info(from->rule);
    void *memory = NULL;
    QT_TRY(new_message(arena, &qtaskdist__v1__qir_violation__descriptor, &memory, err));
    Qtaskdist__V1__QirViolation *v = memory;
    const struct {
        const char *from;
        char **to;
    } texts[] = {{rule->id, &v->rule},
                 {rule->section, &v->section},
                 {rule->text, &v->text},
                 {rule->hint, &v->hint},
                 {from->function, &v->function},
                 {from->block, &v->block},
                 {from->instruction, &v->instruction},
                 {from->detail, &v->detail}};
    for (size_t i = 0; i < QT_ARRAY_LEN(texts); i++) {
        QT_TRY(qt_encode_text(arena, texts[i].from, texts[i].to, err));
    }
    *ret_violation = v;
    return QT_OK;
}

qt_code qt_encode_report(const qt_qir_report *report, qt_arena *arena,
                         Qtaskdist__V1__QirReport **ret_report, qt_err *err) {
    void *memory = NULL;
    void *list = NULL;
    QT_TRY(new_message(arena, &qtaskdist__v1__qir_report__descriptor, &memory, err));
    Qtaskdist__V1__QirReport *r = memory;
    QT_TRY(qt_arena_try_calloc(arena, report->count, sizeof(void *), &list, err));
    r->profile = qt_program_profile_encode(report->profile);
    r->conforms = report->found == 0;
    r->found = report->found;
    r->violations = list;
    for (; r->n_violations < report->count; r->n_violations++) {
        QT_TRY(encode_violation(&report->violations[r->n_violations], arena,
                                &r->violations[r->n_violations], err));
    }
    *ret_report = r;
    return QT_OK;
}

static qt_code encode_capabilities(const qt_qir_info *info, qt_arena *arena,
                                   Qtaskdist__V1__Conversion *c, qt_err *err) {
    const struct {
        const char *name;
        bool needed;
    } all[] = {{"int_computations", info->int_computations},
               {"float_computations", info->float_computations},
               {"backwards_branching", info->backwards_branching != 0},
               {"multiple_target_branching", info->multiple_target_branching}};
    void *list = NULL;
    QT_TRY(qt_arena_try_calloc(arena, QT_ARRAY_LEN(all), sizeof(char *), &list, err));
    c->capabilities = list;
    for (size_t i = 0; i < QT_ARRAY_LEN(all); i++) {
        if (all[i].needed) {
            QT_TRY(qt_encode_text(arena, all[i].name, &c->capabilities[c->n_capabilities], err));
            c->n_capabilities++;
        }
    }
    return QT_OK;
}

static qt_code encode_verification(const qt_equivalence *from, qt_arena *arena,
                                   Qtaskdist__V1__Verification **ret_verification, qt_err *err) {
    void *memory = NULL;
    QT_TRY(new_message(arena, &qtaskdist__v1__verification__descriptor, &memory, err));
    Qtaskdist__V1__Verification *v = memory;
    v->equivalent = from->equivalent;
    v->branches = from->branches;
    v->deviation = from->deviation;
    QT_TRY(qt_encode_text(arena, qt_equivalence_method_name(from->method), &v->method, err));
    *ret_verification = v;
    return QT_OK;
}

static qt_code encode_statistics(const qt_converted *from, qt_arena *arena,
                                 Qtaskdist__V1__Conversion **ret_conversion, qt_err *err) {
    const qt_qir_info *info = &from->info;
    void *memory = NULL;
    QT_TRY(new_message(arena, &qtaskdist__v1__conversion__descriptor, &memory, err));
    Qtaskdist__V1__Conversion *c = memory;
    c->output_bytes = from->output.len;
    c->num_qubits = info->num_qubits;
    c->num_results = info->num_results;
    c->gate_calls = info->gate_calls;
    c->measure_calls = info->measure_calls;
    c->deferred_measures = info->deferred_measures;
    c->dropped_resets = info->dropped_resets;
    QT_TRY(encode_capabilities(info, arena, c, err));
    QT_TRY(qt_encode_text(arena, info->why_not_base, &c->why_not_base, err));
    if (from->checked) {
        QT_TRY(qt_encode_report(&from->report, arena, &c->check, err));
    }
    *ret_conversion = c;
    return QT_OK;
}

static qt_code encode_output(const qt_conversion *conversion, const qt_buf *output, qt_arena *arena,
                             Qtaskdist__V1__TaskResult *r, qt_err *err) {
    if (!conversion->to.bitcode) {
        return qt_encode_text(arena, qt_buf_str(output), &r->text, err);
    }
    void *bytes = NULL;
    QT_TRY(qt_arena_try_alloc(arena, output->len, &bytes, err));
    memcpy(bytes, output->data, output->len);
    r->bitcode = (ProtobufCBinaryData){.len = output->len, .data = bytes};
    return QT_OK;
}

static void encode_qir(const qt_conversion *conversion, const qt_qir_info *info,
                       Qtaskdist__V1__TaskResult *r) {
    r->profile = qt_program_profile_encode(info->profile);
    r->encoding = conversion->to.bitcode ? QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_BITCODE
                                         : QTASKDIST__V1__QIR_ENCODING__QIR_ENCODING_TEXT;
}

qt_code qt_encode_conversion(const qt_conversion *conversion, const qt_converted *converted,
                             const char *job_id, double seconds, size_t max_bytes, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err) {
    const qt_converted *from = converted;
    Qtaskdist__V1__TaskResult *r = NULL;
    QT_TRY(qt_encode_check_size(from->output.len, max_bytes, "send a smaller circuit", err));
    QT_TRY(qt_encode_result(from->circuit, job_id, seconds, arena, &r, err));
    QT_TRY(encode_output(conversion, &from->output, arena, r, err));
    QT_TRY(encode_statistics(from, arena, &r->conversion, err));
    r->target = qt_program_target_encode(conversion->to.target);
    if (qt_program_target_is_qir(conversion->to.target)) {
        encode_qir(conversion, &from->info, r);
    }
    if (conversion->to.verify) {
        QT_TRY(encode_verification(&from->equivalence, arena, &r->conversion->verification, err));
    }
    *ret_result = r;
    return QT_OK;
}
