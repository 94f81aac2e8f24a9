qt_fuzz_target(transcode SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_transcode.c DEPS qt_transcode qt_proto_messages)
