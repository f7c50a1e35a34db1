# SPDX-License-Identifier: Apache-2.0
dlfw_unit_test(sample_order LIBRARIES dlfw-order)

add_library(dlfw-test-dataset STATIC ${PROJECT_SOURCE_DIR}/tests/support/memory_dataset.c)
target_compile_definitions(dlfw-test-dataset PRIVATE _GNU_SOURCE)
target_link_libraries(dlfw-test-dataset PUBLIC dlfw-loader dlfw-test-script)

foreach(name loader loader_errors loader_memory loader_no_data loader_prestat)
    dlfw_unit_test(${name} LIBRARIES dlfw-test-dataset)
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;quick;threads")
endforeach()
dlfw_unit_test(file_list LIBRARIES dlfw-access dlfw-test-script)
dlfw_unit_test(shards LIBRARIES dlfw-order)
dlfw_unit_test(file_list_pages LIBRARIES dlfw-access dlfw-test-script)
