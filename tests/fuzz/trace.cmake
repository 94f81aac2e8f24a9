qt_fuzz_target(trace SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_trace.c DEPS qt_trace qt_observe)
