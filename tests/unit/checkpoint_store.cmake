# SPDX-License-Identifier: Apache-2.0
# Codec and manifest are tested directly; saves, loads and tools through the hook's operations with services in memory.
set(mock ${PROJECT_SOURCE_DIR}/sdk/mock)
foreach(name checkpoint_store_codec checkpoint_store_manifest)
    dlfw_unit_test(${name} LIBRARIES dlfw-checkpoint-store dlfw-content)
    target_sources(test_${name} PRIVATE ${mock}/fake_host.c)
    target_include_directories(test_${name} PRIVATE ${mock} ${PROJECT_SOURCE_DIR}/sdk)
endforeach()
foreach(name checkpoint_store checkpoint_store_failures checkpoint_store_ranks checkpoint_store_tools)
    dlfw_unit_test(${name} LIBRARIES dlfw-checkpoint-store dlfw-content)
    target_sources(test_${name} PRIVATE ${mock}/fake_host.c ${mock}/fake_services.c test_checkpoint_store_fixture.c
                   ${PROJECT_SOURCE_DIR}/plugins/checkpoint/store/checkpoint_store.c)
    target_include_directories(test_${name} PRIVATE ${mock} ${PROJECT_SOURCE_DIR}/sdk)
    set_tests_properties(unit.${name} PROPERTIES LABELS "unit;quick;threads")
endforeach()
