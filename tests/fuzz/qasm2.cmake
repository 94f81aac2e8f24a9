qt_fuzz_target(qasm2 SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_qasm2.c DEPS qt_qasm qt_circuit)
