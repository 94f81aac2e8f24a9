#include "qir/functions.h"

#include <string.h>

static const struct gate_row {
    const char *name;
    qt_gate gate;
    uint8_t control_count;
    qt_gate inverse;
} gates[] = {
#define QT_QIR_GATE(name, gate, controls, inverse)                                                 \
    {name, QT_GATE_##gate, controls, QT_GATE_##inverse},
#define QT_QIR_CALL(name, what)
#include "qir/functions.def"
#undef QT_QIR_GATE
#undef QT_QIR_CALL
};

static const struct call_row {
    const char *name;
    qt_qir_what what;
} calls[] = {
#define QT_QIR_GATE(name, gate, controls, inverse)
#define QT_QIR_CALL(name, what) {name, QT_QIR_DOES_##what},
#include "qir/functions.def"
#undef QT_QIR_GATE
#undef QT_QIR_CALL
};

static bool is_equal(const char *s, size_t len, const char *what) {
    return strlen(what) == len && memcmp(s, what, len) == 0;
}

static bool has_prefix(const char *s, size_t len, const char *prefix) {
    return len >= strlen(prefix) && memcmp(s, prefix, strlen(prefix)) == 0;
}

static bool cut_suffix(const char *s, size_t *len, const char *suffix) {
    size_t n = strlen(suffix);
    if (*len <= n || memcmp(s + *len - n, suffix, n) != 0) {
        return false;
    }
    *len -= n;
    return true;
}

/* name: what stands behind __quantum__qis__. */
static qt_qir_function find_gate(const char *name, size_t len) {
    qt_qir_function found = {.what = QT_QIR_DOES_UNKNOWN};
    bool inverse = cut_suffix(name, &len, "__adj");
    if (!inverse && !cut_suffix(name, &len, "__body")) {
        return found;
    }
    for (size_t i = 0; i < sizeof gates / sizeof gates[0]; i++) {
        const struct gate_row *row = &gates[i];
        if (!is_equal(name, len, row->name) || (inverse && row->inverse == QT_GATE_COUNT_)) {
            continue;
        }
        found = (qt_qir_function){.what = QT_QIR_DOES_GATE,
                                  .gate = inverse ? row->inverse : row->gate,
                                  .control_count = row->control_count,
                                  .negated = inverse};
    }
    return found;
}

qt_qir_function qt_qir_find_function(const char *name, size_t len) {
    static const char prefix[] = "__quantum__";
    qt_qir_function found = {.what = QT_QIR_DOES_UNKNOWN};
    if (has_prefix(name, len, "llvm.dbg.") || has_prefix(name, len, "llvm.lifetime.") ||
        has_prefix(name, len, "llvm.assume")) {
        found.what = QT_QIR_DOES_NOTHING;
        return found;
    }
    if (!has_prefix(name, len, prefix)) {
        return found;
    }
    name += sizeof prefix - 1;
    len -= sizeof prefix - 1;
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (is_equal(name, len, calls[i].name)) {
            found.what = calls[i].what;
            return found;
        }
    }
    return has_prefix(name, len, "qis__") ? find_gate(name + 5, len - 5) : found;
}
