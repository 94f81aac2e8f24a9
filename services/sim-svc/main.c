/* sim-svc: runs and converts circuits, as tasks from the queue and as direct calls. Wiring only. */
#include "services/sim-svc/config.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/process.h"
#include "base/settings_table.inc"
#include "observe/observe.h"
#include "program/config_macros.h"
#include "qt_descriptors.h"
#include "rpc/config_macros.h"
#include "services/sim-svc/core.h"
#include "services/sim-svc/metrics.h"
#include "worker/config_macros.h"

#include <stdlib.h>

static const Qtaskdist__V1__TaskType task_types[] = {
    QTASKDIST__V1__TASK_TYPE__TASK_TYPE_SIMULATE,
    QTASKDIST__V1__TASK_TYPE__TASK_TYPE_C_QIR_CONVERT,
};

typedef struct app {
    qt_sim_core core;
    qt_worker_grpc grpc;
    qt_worker *worker;
    qt_rpc_server *server;
} app;

static void app_done(app *a) {
    qt_rpc_server_free(a->server);
    qt_worker_free(a->worker);
    qt_worker_grpc_close(&a->grpc);
    qt_sim_metrics_hide(&a->core.jobs.memory);
    qt_budget_done(&a->core.jobs.memory);
    qt_qir_helper_free(a->core.jobs.qir);
}

static uint64_t memory_limit(const qt_config *cfg) {
    return cfg->max_memory_mb > 0 ? (uint64_t)cfg->max_memory_mb << 20
                                  : qt_machine_memory_bytes() / 4 * 3;
}

static unsigned run_threads(const qt_config *cfg) {
    if (cfg->sim_threads > 0) {
        return (unsigned)cfg->sim_threads;
    }
    int64_t processors = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t runs = cfg->worker_tasks > 0 ? cfg->worker_tasks : 1;
    return processors > runs ? (unsigned)(processors / runs) : 1;
}

/* Without LLVM there is none, and what needs it is unimplemented. */
static qt_code start_qir(const qt_config *cfg, qt_qir_helper **ret_helper, qt_err *err) {
#ifdef QT_HAVE_LLVM
    const qt_qir_helper_options options = {.max_processes = (unsigned)cfg->qir_processes,
                                           .time_ms = cfg->qir_time_ms,
                                           .memory_bytes = (size_t)cfg->qir_memory_mb << 20};
    return qt_qir_helper_new(&options, ret_helper, err);
#else
    (void)cfg;
    (void)err;
    *ret_helper = NULL;
    return QT_OK;
#endif
}

static void core_init(const qt_config *cfg, qt_sim_core *core) {
    core->jobs.limits = (qt_job_limits){.max_circuit_bytes = (size_t)cfg->max_circuit_bytes,
                                        .read = QT_PROGRAM_READ_OPTIONS(cfg),
                                        .max_shots = (uint32_t)cfg->max_shots,
                                        .threads = run_threads(cfg),
                                        .qir_strict = cfg->qir_strict,
                                        .verify_qubits = (uint32_t)cfg->verify_max_qubits,
                                        .verify_branches = (uint64_t)cfg->verify_max_branches,
                                        .verify_ms = cfg->verify_time_ms};
    core->max_result_bytes = (size_t)cfg->max_result_bytes;
    qt_budget_init(&core->jobs.memory, memory_limit(cfg));
    qt_sim_metrics_show(&core->jobs.memory);
}

static qt_code start_worker(const qt_config *cfg, app *a, qt_err *err) {
    qt_rpc_channel_options queue = QT_RPC_CHANNEL_OPTIONS(cfg->queue_addr, cfg);
    qt_rpc_channel_options task = QT_RPC_CHANNEL_OPTIONS(cfg->task_addr, cfg);
    QT_TRY(qt_worker_grpc_open(&queue, &task, &a->grpc, err));
    qt_worker_options options = QT_WORKER_OPTIONS(cfg);
    options.name = "sim-svc";
    options.types = task_types;
    options.type_count = QT_ARRAY_LEN(task_types);
    options.max_result_bytes = (size_t)cfg->max_result_bytes * 2; /* the core's limit is rough */
    qt_worker_runner runner = qt_sim_task_runner(&a->core);
    qt_worker_port port = qt_worker_grpc_port(&a->grpc);
    return qt_worker_new(&options, &runner, &port, &a->worker, err);
}

static qt_code app_start(const qt_config *cfg, app *a, qt_err *err) {
    core_init(cfg, &a->core);
    QT_TRY(start_qir(cfg, &a->core.jobs.qir, err));
    qt_rpc_server_options options = QT_RPC_SERVER_OPTIONS("sim-svc", cfg);
    QT_TRY(qt_rpc_server_new(&options, &a->server, err));
    qt_sim_handlers_register(a->server, &a->core);
    qt_rpc_server_set_descriptors(a->server, qt_descriptor_set, qt_descriptor_set_len);
    QT_TRY(start_worker(cfg, a, err));
    QT_TRY(qt_rpc_server_start(a->server, err));
    qt_rpc_server_set_serving(a->server, NULL, true);
    qt_log(INFO, "sim-svc serves", QT_KV_STR("listen_addr", cfg->listen_addr),
           QT_KV_INT("port", qt_rpc_server_port(a->server)),
           QT_KV_STR("worker_id", qt_worker_id(a->worker)),
           QT_KV_INT("max_memory_bytes", a->core.jobs.memory.limit_bytes),
           QT_KV_INT("threads", a->core.jobs.limits.threads));
    return QT_OK;
}

static int serve(const void *config, int argc, char **argv) {
    const qt_config *cfg = config;
    (void)argc;
    (void)argv;
    qt_process_block_signals();
    qt_err err;
    const qt_observe_options options = QT_OBSERVE_OPTIONS("sim-svc", cfg);
    QT_CLEANUP(qt_observe_stop_p) qt_observe *observe = NULL;
    QT_CLEANUP(app_done) app a = {0};
    if (qt_observe_start(&options, &observe, &err) != QT_OK || app_start(cfg, &a, &err) != QT_OK) {
        qt_log_err(ERROR, "sim-svc cannot start", &err);
        return EXIT_FAILURE;
    }
    qt_process_wait_stop();
    qt_rpc_server_set_serving(a.server, NULL, false);
    qt_worker_drain(a.worker, cfg->drain_ms);
    qt_rpc_server_stop(a.server);
    return EXIT_SUCCESS;
}

static qt_code probe(const void *config, qt_err *err) {
    enum { PROBE_MS = 2000 };
    const qt_config *cfg = config;
    const qt_rpc_channel_options options = QT_RPC_CHANNEL_OPTIONS(cfg->listen_addr, cfg);
    return qt_rpc_probe_options(&options, PROBE_MS, err);
}

int main(int argc, char **argv) {
#ifdef QT_HAVE_LLVM
    if (qt_qir_is_helper(argc, argv)) {
        return qt_qir_helper_main();
    }
#endif
    qt_config cfg;
    const qt_process process = {.name = "sim-svc",
                                .settings = qt_settings,
                                .setting_count = qt_settings_count,
                                .log_level_offset = offsetof(qt_config, log_level),
                                .run = serve,
                                .probe = probe};
    return qt_process_main(&process, &cfg, argc, argv);
}
