#include "worker/port.h"

#include "base/cleanup.h"
#include "qtaskdist/v1/queue_service.rpc.h"
#include "qtaskdist/v1/task_worker_service.rpc.h"

static qt_code lease(void *self, const qt_rpc_call *call,
                     const Qtaskdist__V1__LeaseMessagesRequest *req, qt_arena *arena,
                     Qtaskdist__V1__LeaseMessagesResponse **ret_resp, qt_err *err) {
    const qt_worker_grpc *grpc = self;
    return qt_queue_service_lease_messages(grpc->queue, call, req, arena, ret_resp, err);
}

static qt_code ack(void *self, const qt_rpc_call *call, const Qtaskdist__V1__AckRequest *req,
                   qt_arena *arena, Qtaskdist__V1__AckResponse **ret_resp, qt_err *err) {
    const qt_worker_grpc *grpc = self;
    return qt_queue_service_ack(grpc->queue, call, req, arena, ret_resp, err);
}

static qt_code claim(void *self, const qt_rpc_call *call,
                     const Qtaskdist__V1__ClaimTasksRequest *req, qt_arena *arena,
                     Qtaskdist__V1__ClaimTasksResponse **ret_resp, qt_err *err) {
    const qt_worker_grpc *grpc = self;
    return qt_task_worker_service_claim_tasks(grpc->task, call, req, arena, ret_resp, err);
}

static qt_code heartbeat(void *self, const qt_rpc_call *call,
                         const Qtaskdist__V1__HeartbeatRequest *req, qt_arena *arena,
                         Qtaskdist__V1__HeartbeatResponse **ret_resp, qt_err *err) {
    const qt_worker_grpc *grpc = self;
    return qt_task_worker_service_heartbeat(grpc->task, call, req, arena, ret_resp, err);
}

static qt_code complete(void *self, const qt_rpc_call *call,
                        const Qtaskdist__V1__CompleteTasksRequest *req, qt_arena *arena,
                        Qtaskdist__V1__CompleteTasksResponse **ret_resp, qt_err *err) {
    const qt_worker_grpc *grpc = self;
    return qt_task_worker_service_complete_tasks(grpc->task, call, req, arena, ret_resp, err);
}

static const qt_worker_port_ops ops = {
    .lease = lease,
    .ack = ack,
    .claim = claim,
    .heartbeat = heartbeat,
    .complete = complete,
};

qt_worker_port qt_worker_grpc_port(qt_worker_grpc *grpc) {
    return (qt_worker_port){.ops = &ops, .self = grpc};
}

qt_code qt_worker_grpc_open(const qt_rpc_channel_options *queue, const qt_rpc_channel_options *task,
                            qt_worker_grpc *ret_grpc, qt_err *err) {
    QT_CLEANUP(qt_rpc_channel_free_p) qt_rpc_channel *queue_channel = NULL;
    QT_TRY(qt_rpc_channel_new(queue, &queue_channel, err));
    QT_TRY(qt_rpc_channel_new(task, &ret_grpc->task, err));
    ret_grpc->queue = QT_TAKE(queue_channel);
    return QT_OK;
}

void qt_worker_grpc_close(qt_worker_grpc *grpc) {
    qt_rpc_channel_free(grpc->queue);
    qt_rpc_channel_free(grpc->task);
    *grpc = (qt_worker_grpc){0};
}
