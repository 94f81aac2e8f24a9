/* Errors on the wire: qt_err to google.rpc.Status with ErrorInfo, BadRequest and RetryInfo, and
 * back. Any thread. */
#ifndef QT_RPC_STATUS_H
#define QT_RPC_STATUS_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <google/rpc/status.pb-c.h>
#include <stdint.h>

/* ErrorInfo.domain of all our errors. */
#define QT_RPC_ERROR_DOMAIN "qtaskdist"

/* What a client may read: the text of INTERNAL and UNKNOWN errors is replaced by a fixed one. The
 * result is err->msg or static storage. */
const char *qt_rpc_public_message(const qt_err *err);

/* The error as a message in the arena. With err->diagnostics BadRequest has a violation of the
 * field for each of them, as many as fit 4 KiB. NULL when the arena is exhausted. request_id may be
 * NULL or
 * "". The text is the public one. */
Google__Rpc__Status *qt_rpc_err_to_status(const qt_err *err, const char *request_id,
                                          qt_arena *arena);
/* Appends the same, serialized. */
void qt_rpc_err_to_status_bytes(const qt_err *err, const char *request_id, qt_buf *out);

/* Fills *ret_err from what a server sent. details is a serialized google.rpc.Status or empty; what
 * cannot be read is left out. Returns ret_err->code, never QT_OK. */
qt_code qt_rpc_err_from_status(qt_code code, const char *msg, const uint8_t *details,
                               size_t details_len, qt_err *ret_err);

#endif
