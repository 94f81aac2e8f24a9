/* sim-svc: runs and converts circuits, as tasks from the queue and as direct calls. Wiring only. */
#include "services/sim-svc/config.h"

#include "base/cleanup.h"
#include "base/log.h"
#include "base/settings_table.inc"
#include "qt_descriptors.h"
#include "rpc/config_macros.h"
#include "services/sim-svc/core.h"
#include "worker/config_macros.h"

#include <signal.h>
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
    qt_rpc_channel_free(a->grpc.queue);
    qt_rpc_channel_free(a->grpc.task);
    qt_budget_done(&a->core.jobs.memory);
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

static void core_init(const qt_config *cfg, qt_sim_core *core) {
    core->jobs.limits = (qt_job_limits){.max_circuit_bytes = (size_t)cfg->max_circuit_bytes,
                                        .max_shots = (uint32_t)cfg->max_shots,
                                        .threads = run_threads(cfg)};
    core->max_result_bytes = (size_t)cfg->max_result_bytes;
    qt_budget_init(&core->jobs.memory, memory_limit(cfg));
}

static qt_code start_worker(const qt_config *cfg, app *a, qt_err *err) {
    qt_rpc_channel_options queue = QT_RPC_CHANNEL_OPTIONS(cfg->queue_addr, cfg);
    qt_rpc_channel_options task = QT_RPC_CHANNEL_OPTIONS(cfg->task_addr, cfg);
    QT_TRY(qt_rpc_channel_new(&queue, &a->grpc.queue, err));
    QT_TRY(qt_rpc_channel_new(&task, &a->grpc.task, err));
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

/* Blocks the signals that stop the service in all threads, so that sigwait() gets them. */
static sigset_t block_stop_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    return set;
}

static int serve(const qt_config *cfg) {
    sigset_t stop = block_stop_signals();
    qt_err err;
    QT_CLEANUP(app_done) app a = {0};
    if (app_start(cfg, &a, &err) != QT_OK) {
        qt_log_err(ERROR, "sim-svc cannot start", &err);
        return EXIT_FAILURE;
    }
    int signal_number = 0;
    sigwait(&stop, &signal_number);
    qt_log(INFO, "sim-svc stops", QT_KV_INT("signal", signal_number));
    qt_rpc_server_set_serving(a.server, NULL, false);
    qt_worker_drain(a.worker, cfg->drain_ms);
    qt_rpc_server_stop(a.server);
    return EXIT_SUCCESS;
}

static int probe(const qt_config *cfg) {
    qt_err err;
    return qt_rpc_probe(cfg->listen_addr, 2000, &err) == QT_OK ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv) {
    qt_config cfg;
    qt_err err;
    qt_log_level level = QT_LOG_INFO;
    switch (qt_settings_load(qt_settings, qt_settings_count, "sim-svc", &argc, argv, &cfg)) {
    case QT_SETTINGS_EXIT:
        return EXIT_SUCCESS;
    case QT_SETTINGS_BAD:
        return 2;
    case QT_SETTINGS_PROBE:
        return probe(&cfg);
    case QT_SETTINGS_RUN:
        break;
    }
    qt_code code = qt_log_level_parse(cfg.log_level, &level, &err);
    qt_log_init("sim-svc", level);
    if (code != QT_OK) {
        qt_log_err(ERROR, "LOG_LEVEL", &err);
        return 2;
    }
    return serve(&cfg);
}
