# SPDX-License-Identifier: Apache-2.0
# The formats are tested as the plugin files that ship; what npz and npy share is also tested directly.
add_library(dlfw-format-driver STATIC ${PROJECT_SOURCE_DIR}/tests/support/format_driver.c
    ${PROJECT_SOURCE_DIR}/tests/support/memory_sink.c)
target_compile_definitions(dlfw-format-driver PRIVATE _GNU_SOURCE)
target_include_directories(dlfw-format-driver PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(dlfw-format-driver PUBLIC dlfw-sdk PkgConfig::ZLIB ${CMAKE_DL_LIBS})

function(dlfw_format_test name)
    dlfw_unit_test(${name} LIBRARIES dlfw-format-driver)
    add_dependencies(test_${name} dlfw-format-npz dlfw-format-npy)
    target_compile_definitions(test_${name} PRIVATE
        PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden/npz"
        SOURCE_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
endfunction()

dlfw_unit_test(span_set LIBRARIES dlfw-format-arrays)
dlfw_unit_test(npy_header LIBRARIES dlfw-format-arrays)
dlfw_format_test(npz_read)
dlfw_format_test(npz_hostile)
dlfw_format_test(npz_encode)

# With DLFW_FUZZ a libFuzzer program; otherwise one that replays the corpus, which is a test.
add_executable(fuzz_npz ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_npz.c)
target_include_directories(fuzz_npz PRIVATE ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(fuzz_npz PRIVATE dlfw-format-driver dlfw-format-npz-static)
if(DLFW_FUZZ)
    foreach(target dlfw-format-arrays dlfw-format-npz-static fuzz_npz)
        target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
    endforeach()
    target_link_options(fuzz_npz PRIVATE -fsanitize=fuzzer)
else()
    target_sources(fuzz_npz PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME fuzz.npz COMMAND fuzz_npz ${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/npz)
    set_tests_properties(fuzz.npz PROPERTIES LABELS "fuzz;quick" TIMEOUT 60)
endif()
