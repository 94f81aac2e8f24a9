/* sim-svc's calls in this process, with a client. */
#ifndef QT_TESTS_SIM_FIXTURE_H
#define QT_TESTS_SIM_FIXTURE_H

#include "base/cleanup.h"
#include "qtaskdist/v1/sim_service.rpc.h"
#include "services/sim-svc/core.h"
#include "testlib.h"

#include <string.h>

enum { MAX_SHOTS = 5000, MAX_CIRCUIT_BYTES = 10000, MAX_RESULT_BYTES = 20000, MEMORY_MB = 256 };

extern qt_sim_core core;
extern qt_rpc_channel *channel;

extern const char bell[];
/* Runs for ever: a loop that measures until it gets what it never gets. */
extern const char endless[];

void start_core(void);
void stop_core(void);
void start_all(void);
void stop_all(void);

/* A payload of a program; the pointers are borrowed. */
Qtaskdist__V1__TaskPayload payload_of(const char *circuit);
qt_code simulate(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                 Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
qt_code convert(const Qtaskdist__V1__TaskPayload *payload, qt_arena *arena,
                Qtaskdist__V1__TaskResult **ret_result, qt_err *err);
/* Count of an outcome; 0 when it did not occur. */
uint32_t count_of(const Qtaskdist__V1__TaskResult *result, const char *key);

TCase *core_case(void);
TCase *qir_case(void); /* NULL without LLVM */

#endif
