/* The outside world of a worker: queue-svc and task-svc, replaceable in tests. The functions have
 * the contracts of the RPCs of the same names, and may be called from any thread. */
#ifndef QT_WORKER_PORT_H
#define QT_WORKER_PORT_H

#include "rpc/client.h"

#include <qtaskdist/v1/queue.pb-c.h>
#include <qtaskdist/v1/task_worker.pb-c.h>

typedef struct qt_worker_port_ops {
    qt_code (*lease)(void *self, const qt_rpc_call *call,
                     const Qtaskdist__V1__LeaseMessagesRequest *req, qt_arena *arena,
                     Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err);
    qt_code (*ack)(void *self, const qt_rpc_call *call, const Qtaskdist__V1__AckRequest *req,
                   qt_arena *arena, Qtaskdist__V1__AckResponse **ret_resp, qt_err *err);
    qt_code (*claim)(void *self, const qt_rpc_call *call,
                     const Qtaskdist__V1__ClaimTasksRequest *req, qt_arena *arena,
                     Qtaskdist__V1__ClaimTasksResponse **ret_resp, qt_err *err);
    qt_code (*heartbeat)(void *self, const qt_rpc_call *call,
                         const Qtaskdist__V1__HeartbeatRequest *req, qt_arena *arena,
                         Qtaskdist__V1__HeartbeatResponse **ret_resp, qt_err *err);
    qt_code (*complete)(void *self, const qt_rpc_call *call,
                        const Qtaskdist__V1__CompleteTasksRequest *req, qt_arena *arena,
                        Qtaskdist__V1__CompleteTasksResponse **ret_resp, qt_err *err);
} qt_worker_port_ops;

typedef struct qt_worker_port {
    const qt_worker_port_ops *ops;
    void *self;
} qt_worker_port;

/* The real one, over two channels. */
typedef struct qt_worker_grpc {
    qt_rpc_channel *queue;
    qt_rpc_channel *task;
} qt_worker_grpc;
qt_code qt_worker_grpc_open(const qt_rpc_channel_options *queue, const qt_rpc_channel_options *task,
                            qt_worker_grpc *ret_grpc, qt_err *err);
/* After the worker is gone. Safe on zeroed memory. */
void qt_worker_grpc_close(qt_worker_grpc *grpc);
qt_worker_port qt_worker_grpc_port(qt_worker_grpc *grpc);

#endif
