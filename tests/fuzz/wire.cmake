qt_fuzz_target(wire SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_wire.c DEPS qt_rpc)
