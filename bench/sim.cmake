add_executable(bench_sim ${CMAKE_CURRENT_LIST_DIR}/sim.c)
target_link_libraries(bench_sim PRIVATE qt_sim)
target_compile_definitions(bench_sim PRIVATE
  QT_SIM_PEER="${CMAKE_CURRENT_LIST_DIR}/peer_qulacs.py"
  QT_SIM_PEER_ENV="${PROJECT_BINARY_DIR}/peer-qulacs")
set_target_properties(bench_sim PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
