qt_fuzz_target(qasm_print SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_qasm_print.c DEPS qt_qasm)
