# SPDX-License-Identifier: Apache-2.0
foreach(name checkpoint_phases compute hook_run hook_services profiler)
    dlfw_unit_test(${name} LIBRARIES dlfw-train dlfw-test-dataset)
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;quick;threads")
endforeach()
target_link_libraries(test_hook_services PRIVATE dlfw-content)
target_compile_definitions(test_hook_services PRIVATE
    DLFW_TEST_PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}" DLFW_TEST_WORK_DIR="${CMAKE_CURRENT_BINARY_DIR}")
add_dependencies(test_hook_services dlfw-backend-file dlfw-backend-memory)
dlfw_unit_test(residency LIBRARIES dlfw-train)
# beside the test: /tmp may be memory, where everything is resident
target_compile_definitions(test_residency PRIVATE DLFW_TEST_WORK_DIR="${CMAKE_CURRENT_BINARY_DIR}")
target_link_libraries(test_checkpoint_phases PRIVATE PkgConfig::JANSSON)
