add_executable(bench_qasm ${CMAKE_CURRENT_LIST_DIR}/qasm.c)
target_link_libraries(bench_qasm PRIVATE qt_qasm)
target_compile_definitions(bench_qasm PRIVATE
  QT_PEER="${CMAKE_CURRENT_LIST_DIR}/peer_qiskit.py"
  QT_PEER_ENVIRONMENT="${PROJECT_BINARY_DIR}/bench/qiskit")
set_target_properties(bench_qasm PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
qt_link_static(bench_qasm)
