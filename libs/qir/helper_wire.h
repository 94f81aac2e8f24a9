/* Inside libs/qir: what client and child say to each other. The child says one byte when it lives,
 * the client sends a request and data_len bytes, the child a response and len bytes. Both sides
 * are the same program. */
#ifndef QT_QIR_HELPER_WIRE_H
#define QT_QIR_HELPER_WIRE_H

#include "qir/helper.h"

enum {
    QT_QIR_HELPER_REQUEST = 0x51313151,
    QT_QIR_HELPER_RESPONSE = 0x51323251,
    QT_QIR_HELPER_FD = 3, /* where the helper finds its socket to the client */
    QT_QIR_HELPER_MAX_NAME = 256,
};

typedef enum qt_qir_helper_kind {
    QT_QIR_HELPER_READ,
    QT_QIR_HELPER_CHECK,
    QT_QIR_HELPER_TO_BITCODE,
} qt_qir_helper_kind;

typedef struct qt_qir_helper_request {
    uint32_t magic;
    uint32_t kind;
    uint32_t strict;
    uint32_t version; /* TO_BITCODE */
    uint32_t profile; /* CHECK */
    uint32_t has_entry_point;
    char entry_point[QT_QIR_HELPER_MAX_NAME];
    uint64_t max_bytes;
    uint64_t max_steps;
    uint64_t max_violations;
    qt_circuit_limits limits;
    int64_t time_ms;
    uint64_t memory_bytes;
    uint64_t data_len;
} qt_qir_helper_request;

typedef struct qt_qir_helper_response {
    uint32_t magic;
    uint32_t reason; /* qt_reason; NONE: it went well */
    char msg[256];
    uint64_t len; /* a packed circuit or report, or bitcode */
} qt_qir_helper_response;

/* report.c */
void qt_qir_report_pack(const qt_qir_report *report, qt_buf *out);
qt_code qt_qir_report_unpack(const char *data, size_t len, qt_qir_report *ret_report, qt_err *err);

#endif
