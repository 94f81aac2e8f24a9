/* What sim-svc counts; see metrics.def. Any thread. */
#ifndef QT_SIM_SVC_METRICS_H
#define QT_SIM_SVC_METRICS_H

#include "base/metrics.h"
#include "services/sim-svc/budget.h"
#include "sim/sim.h"

#define QT_METRICS_DEF "services/sim-svc/metrics.def"
#include "base/metrics_enum.inc"
#undef QT_METRICS_DEF

/* Shows the memory until hide. */
void qt_sim_metrics_show(qt_budget *budget);
void qt_sim_metrics_hide(qt_budget *budget);
/* A simulation ended. */
void qt_sim_metrics_run(const qt_sim_estimate *estimate, uint32_t qubits, uint32_t shots,
                        qt_code code, int64_t start_us);
void qt_sim_metrics_wait(int64_t start_us);

#endif
