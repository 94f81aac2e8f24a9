/* The two ways into sim-svc: tasks from the queue, and direct calls. Both do the same work. */
#ifndef QT_SIM_SVC_CORE_H
#define QT_SIM_SVC_CORE_H

#include "rpc/server.h"
#include "services/sim-svc/codec.h"
#include "worker/worker.h"

typedef struct qt_sim_core {
    qt_job_runner jobs;
    size_t max_result_bytes;
} qt_sim_core;

/* Checks, runs and encodes one simulation or conversion. job_id is copied. */
qt_code qt_sim_core_simulate(qt_sim_core *core, const Qtaskdist__V1__TaskPayload *payload,
                             const char *job_id, const qt_job_watch *watch, qt_arena *arena,
                             Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
qt_code qt_sim_core_convert(qt_sim_core *core, const Qtaskdist__V1__TaskPayload *payload,
                            const char *job_id, const qt_cancel *cancel, qt_arena *arena,
                            Qtaskdist__V1__TaskResult **ret_result, qt_err *err);

/* handlers.c: SimService; the core must outlive the server. */
void qt_sim_handlers_register(qt_rpc_server *server, qt_sim_core *core);
/* tasks.c: what the worker runs; the core must outlive the worker. */
qt_worker_runner qt_sim_task_runner(qt_sim_core *core);

#endif
