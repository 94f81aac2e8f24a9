qt_fuzz_target(wire_to_json SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_wire_to_json.c DEPS qt_transcode qt_proto_messages)
