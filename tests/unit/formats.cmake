# SPDX-License-Identifier: Apache-2.0
# The formats are tested as the plugin files that ship; what npz and npy share is also tested directly.
add_library(dlfw-format-driver STATIC ${PROJECT_SOURCE_DIR}/tests/support/format_driver.c
    ${PROJECT_SOURCE_DIR}/tests/support/memory_sink.c)
target_compile_definitions(dlfw-format-driver PRIVATE _GNU_SOURCE)
target_include_directories(dlfw-format-driver PUBLIC ${PROJECT_SOURCE_DIR}/tests)
target_link_libraries(dlfw-format-driver PUBLIC dlfw-sdk PkgConfig::ZLIB ${CMAKE_DL_LIBS})

# dlfw_format_test(name PLUGINS npz npy): test_<name>.c with the plugins it loads and the golden files of the first.
function(dlfw_format_test name)
    cmake_parse_arguments(arg "" "" "PLUGINS" ${ARGN})
    list(GET arg_PLUGINS 0 first)
    dlfw_unit_test(${name} LIBRARIES dlfw-format-driver)
    foreach(plugin ${arg_PLUGINS})
        add_dependencies(test_${name} dlfw-format-${plugin})
    endforeach()
    target_compile_definitions(test_${name} PRIVATE
        PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" GOLDEN_DIR="${PROJECT_SOURCE_DIR}/tests/golden/${first}"
        SOURCE_TESTS_DIR="${PROJECT_SOURCE_DIR}/tests")
endfunction()

dlfw_unit_test(span_set LIBRARIES dlfw-format-arrays)
dlfw_unit_test(npy_header LIBRARIES dlfw-format-arrays)
dlfw_unit_test(object_cache LIBRARIES dlfw-format-arrays)
dlfw_format_test(npz_read PLUGINS npz npy)
dlfw_format_test(npz_hostile PLUGINS npz npy)
dlfw_format_test(npz_encode PLUGINS npz npy)

# One file per format: tests/unit/formats_<format>.cmake.
file(GLOB per_format CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/formats_*.cmake)
foreach(file ${per_format})
    include(${file})
endforeach()
