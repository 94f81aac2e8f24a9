/* Sends dispatched tasks to queue-svc, in batches, on a thread of its own. When queue-svc is away
 * it keeps a bounded number of them and tries again; what is dropped or lost with the process is
 * found by the dispatcher, since the row says DISPATCHED. */
#ifndef QT_TASK_SVC_SENDER_H
#define QT_TASK_SVC_SENDER_H

#include "rpc/client.h"
#include "services/task-svc/row.h"

typedef struct qt_sender qt_sender;

/* `max_waiting` entries are kept; a payload travels when it has at most inline_bytes. */
qt_code qt_sender_new(qt_rpc_channel *channel, size_t max_waiting, size_t inline_bytes,
                      qt_sender **ret_sender, qt_err *err);
/* Gives what waits one more try, stops the thread. NULL is allowed. */
void qt_sender_free(qt_sender *sender);
/* Copies what it needs. Any thread, never blocks for long. */
void qt_sender_push(qt_sender *sender, const qt_row *row);
/* How many entries wait or are on their way. Any thread. */
size_t qt_sender_count(qt_sender *sender);
/* Whether something waits to be sent: Redis does not know all dispatched tasks yet. */
bool qt_sender_is_behind(qt_sender *sender);

#endif
