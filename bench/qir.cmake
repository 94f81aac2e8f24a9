add_executable(bench_qir ${CMAKE_CURRENT_LIST_DIR}/qir.c)
target_link_libraries(bench_qir PRIVATE qt_qir qt_qasm)
target_compile_definitions(bench_qir PRIVATE
  QT_QIR_PEER="${CMAKE_CURRENT_LIST_DIR}/peer_qbraid_qir.py"
  QT_QIR_PEER_ENV="${PROJECT_BINARY_DIR}/peer-qbraid-qir")
set_target_properties(bench_qir PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
