# Compiler options of our own code. Generated code is compiled with qt_generated_options instead.
find_package(Threads REQUIRED)

add_library(qt_options INTERFACE)
target_include_directories(qt_options INTERFACE ${PROJECT_SOURCE_DIR}/libs ${PROJECT_SOURCE_DIR})
target_compile_definitions(qt_options INTERFACE _GNU_SOURCE QT_VERSION="${PROJECT_VERSION}")
target_compile_options(qt_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla
  -Wformat=2 -Wundef -Wswitch-enum -fno-common -fstack-protector-strong
  $<$<BOOL:${QT_WERROR}>:-Werror>
  # Clang's -Wpedantic refuses GNU variadic macros and statement expressions that QT_TRY needs.
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-zero-variadic-macro-arguments>
  $<$<C_COMPILER_ID:Clang>:-Wno-gnu-statement-expression>)
target_link_libraries(qt_options INTERFACE Threads::Threads m)

add_library(qt_generated_options INTERFACE)
target_compile_options(qt_generated_options INTERFACE -w)
target_compile_definitions(qt_generated_options INTERFACE _GNU_SOURCE)

if(QT_FUZZ) # the code under test reports its coverage to the fuzzer
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(QT_SANITIZE)
  add_compile_options(-fsanitize=${QT_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${QT_SANITIZE})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
  if(NOT QT_SANITIZE)
    add_compile_definitions(_FORTIFY_SOURCE=2)
  endif()
endif()
# Asserts guard against our own bugs and stay on in release builds.
foreach(type RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${type} "${CMAKE_C_FLAGS_${type}}")
endforeach()

# qt_library(NAME SOURCES... DEPS ...): one static library `qt_NAME` under libs/NAME.
function(qt_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS" ${ARGN})
  add_library(qt_${name} STATIC ${arg_SOURCES})
  target_link_libraries(qt_${name} PUBLIC qt_options ${arg_DEPS})
endfunction()

# qt_link_static(TARGET): a program that needs nothing but the C library, without the 1.5 MB that the
# dynamic loader and its libraries take. Sanitizers need the dynamic one.
function(qt_link_static target)
  if(NOT QT_SANITIZE AND NOT QT_FUZZ AND CMAKE_C_COMPILER_ID STREQUAL "GNU")
    target_link_options(${target} PRIVATE -static)
  endif()
endfunction()

# qt_skip_tests(WHY NAME...): tests that this build cannot have; ctest lists them as skipped.
function(qt_skip_tests why)
  foreach(name ${ARGN})
    add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} -E echo "skipped: ${why}")
    set_tests_properties(${name} PROPERTIES SKIP_REGULAR_EXPRESSION "skipped: ")
  endforeach()
endfunction()

# qt_unit_test(NAME SOURCES... DEPS ... [LABELS ...]): one Check program, registered with ctest.
function(qt_unit_test name)
  cmake_parse_arguments(arg "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_DEPS} qt_testlib)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${arg_LABELS}"
    ENVIRONMENT "QT_SOURCE_DIR=${PROJECT_SOURCE_DIR};QT_BINARY_DIR=${PROJECT_BINARY_DIR}")
endfunction()
