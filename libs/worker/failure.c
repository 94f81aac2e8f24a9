#include "worker/failure.h"

#include "base/cleanup.h"
#include "base/diagnostics.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static Qtaskdist__V1__FailureClass class_of_exhausted(const qt_err *err) {
    /* what another worker, or this one a little later, may have */
    if (err->retry_after_ms > 0) {
        return QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_THROTTLED;
    }
    if (err->reason == QT_REASON_OVERLOADED || err->reason == QT_REASON_OUT_OF_MEMORY) {
        return QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE;
    }
    return QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT;
}

/* Whether the work goes on elsewhere and is looked at again. */
static bool is_pending(const qt_err *err) {
    return err->reason == QT_REASON_JOB_PENDING || err->reason == QT_REASON_JOB_IN_DOUBT;
}

Qtaskdist__V1__FailureClass qt_failure_class(const qt_err *err) {
    if (is_pending(err)) {
        return QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_SNOOZE;
    }
    switch (err->code) {
    case QT_RESOURCE_EXHAUSTED:
        return class_of_exhausted(err);
    case QT_CANCELLED:
    case QT_UNKNOWN:
    case QT_DEADLINE_EXCEEDED:
    case QT_ABORTED:
    case QT_INTERNAL:
    case QT_UNAVAILABLE:
        return err->retry_after_ms > 0 ? QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_THROTTLED
                                       : QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_RETRYABLE;
    case QT_OK:
    case QT_INVALID_ARGUMENT:
    case QT_NOT_FOUND:
    case QT_ALREADY_EXISTS:
    case QT_PERMISSION_DENIED:
    case QT_FAILED_PRECONDITION:
    case QT_OUT_OF_RANGE:
    case QT_UNIMPLEMENTED:
    case QT_DATA_LOSS:
    case QT_UNAUTHENTICATED:
    default:
        return QTASKDIST__V1__FAILURE_CLASS__FAILURE_CLASS_PERMANENT;
    }
}

/* Its message starts with line:column, and the program is the only thing it can be about. */
static bool is_about_circuit(const qt_err *err) {
    return strcmp(err->field, "payload.circuit_data") == 0;
}

static void all_errors(const qt_diagnostics *list, char *ret_text, size_t cap) {
    enum { ROOM_FOR_REST = 32 };
    QT_CLEANUP(qt_buf_done) qt_buf text = {0};
    qt_diagnostics_sentences(list, cap > ROOM_FOR_REST ? cap - ROOM_FOR_REST : 0, &text);
    snprintf(ret_text, cap, "%s", qt_buf_str(&text));
}

void qt_failure_text(const qt_err *err, char *ret_text, size_t cap) {
    if (err->diagnostics != NULL && err->diagnostics->count > 1) {
        all_errors(err->diagnostics, ret_text, cap);
        return;
    }
    if (err->code == QT_INTERNAL || err->code == QT_UNKNOWN) {
        snprintf(ret_text, cap, "%s", qt_reason_text(err->reason));
    } else if (err->field[0] != '\0' && !is_about_circuit(err)) {
        snprintf(ret_text, cap, "%s: %s", err->field, err->msg);
    } else {
        snprintf(ret_text, cap, "%s", err->msg);
    }
}
