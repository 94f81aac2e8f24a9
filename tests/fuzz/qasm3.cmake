qt_fuzz_target(qasm3 SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_qasm3.c DEPS qt_qasm qt_circuit)
