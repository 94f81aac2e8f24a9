/* QIR out: a circuit becomes LLVM assembly text in one of the QIR profiles.
 *
 * The text is written directly, without LLVM; qir/llvm.h makes bitcode of it. QIR 1.0 has typed
 * pointers (%Qubit*, any LLVM up to 16), QIR 2.0 opaque ones (ptr, LLVM 15 and newer). What a
 * profile cannot express is refused with CIRCUIT_UNSUPPORTED and its name; nothing is left out
 * silently. What the circuit records is one array of results for each visible bit register,
 * labelled with its name, in order of declaration. Any number of threads may write at once. */
#ifndef QT_QIR_QIR_H
#define QT_QIR_QIR_H

#include "base/buf.h"
#include "base/err.h"
#include "circuit/circuit.h"

typedef enum qt_qir_version {
    QT_QIR_1_0,
    QT_QIR_2_0,
} qt_qir_version;

typedef enum qt_qir_profile {
    QT_QIR_AUTO, /* Base where the circuit allows it, else Adaptive */
    QT_QIR_BASE,
    QT_QIR_ADAPTIVE,
} qt_qir_profile;

typedef enum qt_qir_gates {
    QT_QIR_GATES_MINIMAL, /* what every runner knows: h x y z s t (and adjoints) rx ry rz cnot cz
                           * ccx swap mz reset, and read_result by its older name */
    QT_QIR_GATES_FULL,    /* also sx cy rxx ryy rzz, and __quantum__rt__read_result */
} qt_qir_gates;

/* Zeroed: QIR 1.0, the profile picked, the minimal gates. */
typedef struct qt_qir_options {
    qt_qir_version version;
    qt_qir_profile profile;
    qt_qir_gates gates;
    const char *entry_point; /* NULL or "": "main" */
    bool barriers;           /* write barriers as calls; else they are left out */
    bool global_phase;       /* write global phases as gphase calls; else they are left out */
    bool no_initialize;      /* leave out the call of __quantum__rt__initialize */
    size_t max_bytes;        /* of the text; 0: no limit */
} qt_qir_options;

/* What was written. */
typedef struct qt_qir_info {
    qt_qir_profile profile; /* BASE or ADAPTIVE */
    uint32_t num_qubits;
    uint32_t num_results;
    uint64_t gate_calls;
    uint64_t measure_calls;
    uint64_t deferred_measures; /* moved behind later gates to keep to the Base profile */
    uint64_t dropped_resets;    /* without effect: before the first or after the last use */
    bool int_computations;      /* on i64 */
    bool float_computations;    /* on double */
    bool multiple_target_branching;
    uint8_t backwards_branching; /* 1: iterations, 2: conditional loops, 3: both */
    char why_not_base[160];      /* "" for BASE */
} qt_qir_info;

/* Writes into *ret_text, which must be empty and is the caller's to release. ret_info may be NULL.
 * Fails with CIRCUIT_UNSUPPORTED, FIELD_INVALID (the entry point's name) and MEMORY_LIMIT. */
qt_code qt_qir_write(const qt_circuit *circuit, const qt_qir_options *options, qt_buf *ret_text,
                     qt_qir_info *ret_info, qt_err *err);

/* "base", "adaptive", "auto". Static storage. */
const char *qt_qir_profile_name(qt_qir_profile profile);

#endif
