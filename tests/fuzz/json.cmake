qt_fuzz_target(json SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_json.c DEPS qt_json)
