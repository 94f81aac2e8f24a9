add_executable(bench_rpc ${CMAKE_CURRENT_LIST_DIR}/rpc.c)
target_link_libraries(bench_rpc PRIVATE qt_proto qt_rpc)
target_compile_definitions(bench_rpc PRIVATE QT_RPC_PEER="${CMAKE_CURRENT_LIST_DIR}/peer_grpcio.py")
set_target_properties(bench_rpc PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
