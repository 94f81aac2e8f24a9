qt_fuzz_target(queue_entry SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_queue_entry.c DEPS qt_queue_svc)
