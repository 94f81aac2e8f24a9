qt_fuzz_target(page_token SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_page_token.c DEPS qt_task)
