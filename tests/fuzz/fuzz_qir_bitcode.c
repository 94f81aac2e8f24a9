/* QIR bitcode: a valid module with some bytes changed is a circuit or an error. The input is a
 * list of changes, three bytes each: where (16 bits, little-endian) and what. */
#include "qir/llvm.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char program[] = "define i64 @main() #0 {\n"
                              "  call void @__quantum__qis__x__body(ptr null)\n"
                              "  call void @__quantum__qis__mz__body(ptr null, ptr null)\n"
                              "  %r = call i1 @__quantum__rt__read_result(ptr null)\n"
                              "  br i1 %r, label %then, label %end\n"
                              "then:\n"
                              "  call void @__quantum__qis__x__body(ptr inttoptr (i64 1 to ptr))\n"
                              "  br label %end\n"
                              "end:\n"
                              "  %n = phi i64 [ 1, %0 ], [ 2, %then ]\n"
                              "  ret i64 %n\n"
                              "}\n"
                              "declare void @__quantum__qis__x__body(ptr)\n"
                              "declare void @__quantum__qis__mz__body(ptr, ptr)\n"
                              "declare i1 @__quantum__rt__read_result(ptr)\n"
                              "attributes #0 = { \"entry_point\" }\n";

static void make_bitcode(qt_buf *ret_bitcode) {
    qt_err err;
    if (qt_qir_to_bitcode(program, sizeof program - 1, QT_QIR_2_0, ret_bitcode, &err) != QT_OK) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    const qt_qir_read_options options = {
        .max_steps = 20000,
        .limits = {.max_ops = 10000, .max_qubits = 1000, .max_bytes = 16 << 20}};
    qt_buf bitcode = {0};
    make_bitcode(&bitcode);
    for (size_t i = 0; i + 3 <= len; i += 3) {
        size_t at = (size_t)data[i] | (size_t)data[i + 1] << 8;
        bitcode.data[at % bitcode.len] = (char)data[i + 2];
    }
    qt_err err;
    qt_circuit *circuit = NULL;
    if (qt_qir_read(bitcode.data, bitcode.len, &options, &circuit, &err) == QT_OK &&
        qt_circuit_validate(circuit, &err) != QT_OK) {
        abort();
    }
    qt_circuit_free(circuit);
    qt_buf_done(&bitcode);
    return 0;
}
