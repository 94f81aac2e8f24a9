/* A circuit as bytes, to hand it to another process of the same program on the same machine.
 *
 * The bytes have this machine's byte order and this build's layout: they are not for files. */
#ifndef QT_CIRCUIT_PACK_H
#define QT_CIRCUIT_PACK_H

#include "base/buf.h"
#include "circuit/circuit.h"

/* Appends to *out; running out of memory is found by qt_buf_check(). */
void qt_circuit_pack(const qt_circuit *circuit, qt_buf *out);

/* The bytes need no trust: DATA_CORRUPT when they are not what qt_circuit_pack() writes, or when
 * qt_circuit_validate() refuses the circuit. Names are cut at a NUL. OUT_OF_MEMORY. */
qt_code qt_circuit_unpack(const char *data, size_t len, qt_circuit **ret_circuit, qt_err *err);

#endif
