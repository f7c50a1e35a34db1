# SPDX-License-Identifier: Apache-2.0
foreach(name transfer_location transfer_matching)
    dlfw_unit_test(${name} LIBRARIES dlfw-transfer)
endforeach()
foreach(name transfer_listing transfer_removal)
    dlfw_unit_test(${name} LIBRARIES dlfw-transfer)
    target_sources(test_${name} PRIVATE transfer_tree.c)
    target_compile_definitions(test_${name} PRIVATE
        DLFW_TEST_PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" DLFW_TEST_WORK_DIR="${CMAKE_CURRENT_BINARY_DIR}")
    add_dependencies(test_${name} dlfw-backend-file)
endforeach()
