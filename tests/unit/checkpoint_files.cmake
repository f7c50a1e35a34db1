# SPDX-License-Identifier: Apache-2.0
# Plans, triggers and contents of checkpoints are tested directly; saving and loading through the hook's operations with
# services in memory.
set(mock ${PROJECT_SOURCE_DIR}/sdk/mock)
foreach(name checkpoint_plan checkpoint_plan_model checkpoint_trigger checkpoint_torch checkpoint_files)
    dlfw_unit_test(${name} LIBRARIES dlfw-checkpoint-files dlfw-content)
    target_sources(test_${name} PRIVATE ${mock}/fake_host.c ${mock}/fake_services.c test_checkpoint_files_fixture.c)
    target_include_directories(test_${name} PRIVATE ${mock} ${PROJECT_SOURCE_DIR}/sdk)
endforeach()
target_sources(test_checkpoint_files PRIVATE ${PROJECT_SOURCE_DIR}/plugins/checkpoint/files/checkpoint_files.c)
set_tests_properties(unit.checkpoint_files PROPERTIES LABELS "unit;quick;threads")
