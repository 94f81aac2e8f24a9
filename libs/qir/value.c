#include "qir/value.h"

#include <stdio.h>
#include <string.h>

qt_qir_class qt_qir_class_of(qt_type type, uint32_t width) {
    switch (type) {
    case QT_TYPE_BOOL:
        return QT_QIR_I1;
    case QT_TYPE_BIT:
        return width == 1 ? QT_QIR_I1 : QT_QIR_I64;
    case QT_TYPE_INT:
    case QT_TYPE_UINT:
        return QT_QIR_I64;
    case QT_TYPE_FLOAT:
    case QT_TYPE_ANGLE:
        return QT_QIR_F64;
    }
    return QT_QIR_I64;
}

qt_qir_value qt_qir_int(qt_qir_class class, int64_t i) {
    return (qt_qir_value){.class = (uint8_t) class, .is_constant = true, .i = i};
}

qt_qir_value qt_qir_float(double f) {
    return (qt_qir_value){.class = QT_QIR_F64, .is_constant = true, .f = f};
}

bool qt_qir_same_value(qt_qir_value a, qt_qir_value b) {
    if (a.class != b.class || a.is_constant != b.is_constant) {
        return false;
    }
    return a.is_constant ? a.i == b.i : a.ssa == b.ssa; /* doubles by their bits */
}

const char *qt_qir_class_name(qt_qir_class class) {
    return class == QT_QIR_I1 ? "i1" : class == QT_QIR_I64 ? "i64" : "double";
}

qt_qir_operand qt_qir_operand_of(qt_qir_value v) {
    qt_qir_operand o;
    if (!v.is_constant) {
        snprintf(o.text, sizeof o.text, "%%t%u", v.ssa);
    } else if (v.class == QT_QIR_I1) {
        snprintf(o.text, sizeof o.text, "%s", v.i != 0 ? "true" : "false");
    } else if (v.class == QT_QIR_I64) {
        snprintf(o.text, sizeof o.text, "%lld", (long long)v.i);
    } else {
        uint64_t bits = 0;
        memcpy(&bits, &v.f, sizeof bits);
        snprintf(o.text, sizeof o.text, "0x%016llX", (unsigned long long)bits);
    }
    return o;
}

static void note_class(qt_qir_emitter *e, qt_qir_class class) {
    e->info.int_computations = e->info.int_computations || class == QT_QIR_I64;
    e->info.float_computations = e->info.float_computations || class == QT_QIR_F64;
}

static qt_qir_value new_value(qt_qir_emitter *e, qt_qir_class class, bool from_result) {
    note_class(e, class);
    return (qt_qir_value){
        .class = (uint8_t) class, .from_result = from_result, .ssa = e->value_count++};
}

qt_qir_value qt_qir_binary(qt_qir_emitter *e, qt_qir_class class, const char *op, qt_qir_value a,
                           qt_qir_value b) {
    qt_qir_value v = new_value(e, class, a.from_result || b.from_result);
    note_class(e, (qt_qir_class)a.class);
    qt_buf_printf(&e->text, "  %%t%u = %s %s %s, %s\n", v.ssa, op,
                  qt_qir_class_name((qt_qir_class)a.class), qt_qir_operand_of(a).text,
                  qt_qir_operand_of(b).text);
    return v;
}

qt_qir_value qt_qir_select(qt_qir_emitter *e, qt_qir_value condition, qt_qir_value a,
                           qt_qir_value b) {
    if (condition.is_constant) {
        return condition.i != 0 ? a : b;
    }
    qt_qir_class class = (qt_qir_class)a.class;
    qt_qir_value v = new_value(e, class, condition.from_result || a.from_result || b.from_result);
    const char *type = qt_qir_class_name(class);
    qt_buf_printf(&e->text, "  %%t%u = select i1 %s, %s %s, %s %s\n", v.ssa,
                  qt_qir_operand_of(condition).text, type, qt_qir_operand_of(a).text, type,
                  qt_qir_operand_of(b).text);
    return v;
}

qt_qir_value qt_qir_not(qt_qir_emitter *e, qt_qir_value a) {
    if (a.is_constant) {
        return qt_qir_int(QT_QIR_I1, a.i == 0);
    }
    return qt_qir_binary(e, QT_QIR_I1, "xor", a, qt_qir_int(QT_QIR_I1, 1));
}

qt_qir_value qt_qir_truth(qt_qir_emitter *e, qt_qir_value a) {
    if (a.class == QT_QIR_I1) {
        return a;
    }
    if (a.class == QT_QIR_F64) {
        return a.is_constant ? qt_qir_int(QT_QIR_I1, a.f != 0)
                             : qt_qir_binary(e, QT_QIR_I1, "fcmp une", a, qt_qir_float(0));
    }
    return a.is_constant ? qt_qir_int(QT_QIR_I1, a.i != 0)
                         : qt_qir_binary(e, QT_QIR_I1, "icmp ne", a, qt_qir_int(QT_QIR_I64, 0));
}

qt_qir_value qt_qir_widen(qt_qir_emitter *e, qt_qir_value a) {
    if (a.class == QT_QIR_I64) {
        return a;
    }
    if (a.is_constant) {
        return qt_qir_int(QT_QIR_I64, a.i);
    }
    qt_qir_value v = new_value(e, QT_QIR_I64, a.from_result);
    qt_buf_printf(&e->text, "  %%t%u = zext i1 %s to i64\n", v.ssa, qt_qir_operand_of(a).text);
    return v;
}

qt_qir_value qt_qir_bit_of(qt_qir_emitter *e, qt_qir_value a, unsigned index) {
    if (a.is_constant) {
        return qt_qir_int(QT_QIR_I1, (int64_t)(((uint64_t)a.i >> index) & 1));
    }
    uint64_t mask = (uint64_t)1 << index;
    qt_qir_value bit =
        qt_qir_binary(e, QT_QIR_I64, "and", a, qt_qir_int(QT_QIR_I64, (int64_t)mask));
    return qt_qir_truth(e, bit);
}

static int64_t wrap_constant(int64_t i, bool is_signed, uint32_t width) {
    uint64_t shifted = (uint64_t)i << (64 - width);
    return is_signed ? (int64_t)shifted >> (64 - width) : (int64_t)(shifted >> (64 - width));
}

qt_qir_value qt_qir_wrap(qt_qir_emitter *e, qt_qir_value a, bool is_signed, uint32_t width) {
    if (width >= 64 || width == 0) {
        return a;
    }
    if (a.is_constant) {
        return qt_qir_int(QT_QIR_I64, wrap_constant(a.i, is_signed, width));
    }
    if (!is_signed) {
        uint64_t mask = ((uint64_t)1 << width) - 1;
        return qt_qir_binary(e, QT_QIR_I64, "and", a, qt_qir_int(QT_QIR_I64, (int64_t)mask));
    }
    qt_qir_value bits = qt_qir_int(QT_QIR_I64, 64 - (int64_t)width);
    qt_qir_value up = qt_qir_binary(e, QT_QIR_I64, "shl", a, bits);
    return qt_qir_binary(e, QT_QIR_I64, "ashr", up, bits);
}
