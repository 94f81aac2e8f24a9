qt_fuzz_target(ionq SOURCES ${CMAKE_CURRENT_LIST_DIR}/fuzz_ionq.c DEPS qt_program)
