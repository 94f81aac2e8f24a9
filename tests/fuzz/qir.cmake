if(TARGET qt_qir_llvm)
  qt_fuzz_target(qir SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_qir.c DEPS qt_qir_llvm qt_circuit)
endif()
