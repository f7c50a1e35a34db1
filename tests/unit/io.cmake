# SPDX-License-Identifier: Apache-2.0
add_library(dlfw-test-script STATIC ${PROJECT_SOURCE_DIR}/tests/support/script_backend.c
                                    ${PROJECT_SOURCE_DIR}/tests/support/script_queue.c)
target_compile_definitions(dlfw-test-script PRIVATE _GNU_SOURCE)
target_include_directories(dlfw-test-script PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(dlfw-test-script PUBLIC dlfw-io PkgConfig::CHECK)

foreach(name uri buffer_pool io_align io_blocking io_modes io_queue io_retry io_wrap storage stream_writer)
    dlfw_unit_test(${name} LIBRARIES dlfw-test-script)
endforeach()
target_compile_definitions(test_storage PRIVATE
    DLFW_TEST_PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" DLFW_TEST_WORK_DIR="${CMAKE_CURRENT_BINARY_DIR}")
add_dependencies(test_storage dlfw-backend-file dlfw-backend-memory dlfw-backend-null)
