# SPDX-License-Identifier: Apache-2.0
foreach(name compute hook_run)
    dlfw_unit_test(${name} LIBRARIES dlfw-train dlfw-test-dataset)
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;quick;threads")
endforeach()
