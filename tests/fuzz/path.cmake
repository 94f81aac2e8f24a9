qt_fuzz_target(path SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_path.c DEPS qt_transcode qt_proto_messages)
