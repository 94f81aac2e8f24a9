#include "circuit/clifford.h"

#include <math.h>

static bool is_multiple(double angle, double unit) {
    double turns = angle / unit;
    return fabs(turns - nearbyint(turns)) * unit < 1e-12;
}

static bool plain(qt_gate gate, const double *p) {
    const qt_gate_info *info = qt_gate_get_info(gate);
    if ((info->flags & QT_GATE_CLIFFORD) != 0) {
        return true;
    }
    for (unsigned i = 0; i < info->param_count; i++) {
        if (!is_multiple(p[i], M_PI_2)) {
            return false;
        }
    }
    return info->param_count > 0;
}

/* A controlled gate is Clifford when the gate is a Pauli operator times a power of i. */
static bool controlled_u(const double *p) {
    if (is_multiple(p[0], 2 * M_PI)) {
        return is_multiple(p[1] + p[2], M_PI);
    }
    return is_multiple(p[0], M_PI) && is_multiple(p[1], M_PI_2) && is_multiple(p[1] + p[2], M_PI);
}

static bool controlled(qt_gate gate, const double *p) {
    if (gate == QT_GATE_GPHASE) {
        return is_multiple(p[0], M_PI_2);
    }
    if (gate == QT_GATE_U) {
        return controlled_u(p);
    }
    if (gate == QT_GATE_X || gate == QT_GATE_Y || gate == QT_GATE_Z) {
        return true;
    }
    return qt_gate_get_info(gate)->param_count == 1 && is_multiple(p[0], M_PI);
}

bool qt_gate_is_clifford(qt_gate gate, unsigned control_count, const double *params) {
    if (gate == QT_GATE_ID) {
        return true;
    }
    if (control_count == 0) {
        return plain(gate, params);
    }
    if (control_count == 1) {
        return controlled(gate, params);
    }
    return gate == QT_GATE_GPHASE && control_count == 2 && is_multiple(params[0], M_PI);
}
