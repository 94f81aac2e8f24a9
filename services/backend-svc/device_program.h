/* A user's program in the form that a device takes.
 *
 * Everything but QIR is read and written here; QIR goes through SimService.Convert, because only
 * sim-svc has LLVM. Classical registers become one (see layout.h) unless the program uses a
 * register's value as a whole. */
#ifndef QT_BACKEND_SVC_DEVICE_PROGRAM_H
#define QT_BACKEND_SVC_DEVICE_PROGRAM_H

#include "rpc/client.h"
#include "services/backend-svc/provider.h"

typedef struct qt_device_program {
    qt_device_format format;
    const char *text; /* base64 for bitcode */
    qt_layout layout;
    uint32_t num_qubits;
    uint64_t hash; /* of format and text */
} qt_device_program;

/* The format of a device's own word ("qasm3", "pyqir", ...); false for one that is not ours. */
bool qt_device_format_of(const char *word, qt_device_format *ret_format);

/* Makes the program in the first of our formats (OpenQASM 3, OpenQASM 2, QIR, IonQ) that the device
 * takes and that can say it. CIRCUIT_UNSUPPORTED when none can. Texts live in the arena. */
qt_code qt_device_program_make(qt_rpc_channel *sim, const Qtaskdist__V1__TaskPayload *payload,
                               const Qtaskdist__V1__Device *device, const qt_run_watch *watch,
                               qt_arena *arena, qt_device_program *ret_program, qt_err *err);

/* Joins the classical registers of a circuit into one called "c"; false when the program uses a
 * register's value, so that they have to stay. For tests. */
bool qt_device_join_registers(qt_circuit *circuit);

#endif
