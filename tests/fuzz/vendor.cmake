qt_fuzz_target(vendor SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_vendor.c DEPS qt_backend_svc)
