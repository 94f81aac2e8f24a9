qt_fuzz_target(redis_address SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_redis_address.c DEPS qt_redis)
