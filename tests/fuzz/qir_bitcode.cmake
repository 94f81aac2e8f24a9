if(TARGET qt_qir_llvm)
  qt_fuzz_target(qir_bitcode SOURCES ${CMAKE_CURRENT_SOURCE_DIR}/fuzz_qir_bitcode.c
    DEPS qt_qir_llvm qt_circuit)
else()
  qt_skip_tests("built without LLVM 16" fuzz_qir_bitcode_replay)
endif()
