add_executable(bench_store ${CMAKE_CURRENT_LIST_DIR}/store.c)
target_link_libraries(bench_store PRIVATE qt_task_svc)
set_target_properties(bench_store PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
