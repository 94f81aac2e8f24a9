/* Base gates that the standard includes lack, as gate definitions. */
#include "circuit/print.h"

#include <string.h>

typedef struct definition {
    qt_gate gate;
    bool in_qasm2; /* qelib1.inc lacks it too */
    const char *text;
} definition;

static const definition definitions[] = {
    {QT_GATE_SXDG, false, "gate sxdg a { inv @ sx a; }"},
    {QT_GATE_U, false,
     "gate u(theta, phi, lambda) a { gphase(-theta / 2); U(theta, phi, lambda) a; }"},
    {QT_GATE_ISWAP, true, "gate iswap a, b { s a; s b; h a; cx a, b; cx b, a; h b; }"},
    {QT_GATE_RXX, false,
     "gate rxx(theta) a, b { h a; h b; cx a, b; rz(theta) b; cx a, b; h a; h b; }"},
    {QT_GATE_RYY, true,
     "gate ryy(theta) a, b { rx(pi / 2) a; rx(pi / 2) b; cx a, b; rz(theta) b; cx a, b; "
     "rx(-pi / 2) a; rx(-pi / 2) b; }"},
    {QT_GATE_RZZ, false, "gate rzz(theta) a, b { cx a, b; rz(theta) b; cx a, b; }"},
};
enum { COUNT = sizeof definitions / sizeof *definitions };

const char *qt_gate_definition(unsigned language, qt_gate gate) {
    for (size_t i = 0; i < COUNT; i++) {
        if (definitions[i].gate == gate && (language == 3 || definitions[i].in_qasm2)) {
            return definitions[i].text;
        }
    }
    return NULL;
}

qt_gate qt_gate_of_definition(unsigned language, const char *text, size_t len) {
    for (size_t i = 0; i < COUNT; i++) {
        const definition *d = &definitions[i];
        if ((language == 3 || d->in_qasm2) && strlen(d->text) == len &&
            memcmp(d->text, text, len) == 0) {
            return d->gate;
        }
    }
    return QT_GATE_COUNT_;
}
