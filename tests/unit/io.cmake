# SPDX-License-Identifier: Apache-2.0
add_library(dlfw-test-script STATIC ${PROJECT_SOURCE_DIR}/tests/support/script_backend.c
                                    ${PROJECT_SOURCE_DIR}/tests/support/script_queue.c)
target_compile_definitions(dlfw-test-script PRIVATE _GNU_SOURCE)
target_include_directories(dlfw-test-script PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(dlfw-test-script PUBLIC dlfw-io PkgConfig::CHECK)

foreach(name uri buffer_pool endpoint_health endpoint_list endpoints io_align io_blocking io_info io_modes io_queue io_retry io_sizes io_split io_wrap size_cache split storage stream_stages stream_writer)
    dlfw_unit_test(${name} LIBRARIES dlfw-test-script)
endforeach()
foreach(name storage io_info)
    target_compile_definitions(test_${name} PRIVATE
        DLFW_TEST_PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" DLFW_TEST_WORK_DIR="${CMAKE_CURRENT_BINARY_DIR}")
    add_dependencies(test_${name} dlfw-backend-file dlfw-backend-memory dlfw-backend-null)
endforeach()
dlfw_unit_test(storage_options LIBRARIES dlfw-io dlfw-workload)
pkg_check_modules(ZSTD REQUIRED IMPORTED_TARGET libzstd)
target_link_libraries(test_stream_stages PRIVATE PkgConfig::ZSTD)
