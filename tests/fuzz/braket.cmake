qt_fuzz_target(braket SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_braket.c DEPS qt_program)
