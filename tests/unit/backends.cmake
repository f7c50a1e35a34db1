# SPDX-License-Identifier: Apache-2.0
# dlfw_backend_test(name PLUGIN file): a unit test that drives the plugin's .so.
function(dlfw_backend_test name)
    cmake_parse_arguments(arg "" "PLUGIN" "" ${ARGN})
    dlfw_unit_test(${name} LIBRARIES dlfw::sdk Threads::Threads ${CMAKE_DL_LIBS})
    target_sources(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/backend_driver.c)
    target_compile_definitions(test_${name} PRIVATE
        DLFW_TEST_PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" DLFW_TEST_WORK_DIR="${CMAKE_CURRENT_BINARY_DIR}")
    add_dependencies(test_${name} dlfw-backend-${arg_PLUGIN})
endfunction()

dlfw_backend_test(backend_file PLUGIN file)
dlfw_backend_test(backend_file_queue PLUGIN file)
dlfw_backend_test(backend_direct PLUGIN file)
dlfw_backend_test(backend_leftovers PLUGIN file)
add_dependencies(test_backend_leftovers dlfw-backend-memory)
dlfw_backend_test(backend_memory PLUGIN memory)
dlfw_backend_test(backend_null PLUGIN null)
