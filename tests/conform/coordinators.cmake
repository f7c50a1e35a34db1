# SPDX-License-Identifier: Apache-2.0
# Those of MPI cannot be joined without a launcher, which is a case of its own; tests/ranks has the rest.
conform_accepts(dlfw-coordinator-openmpi)
conform_accepts(dlfw-coordinator-mpich)
foreach(name shm broken hangs)
    dlfw_add_plugin(NAME ${name} KIND coordinator NO_INSTALL SOURCES coordinator_shm.c LIBRARIES dlfw-ranks)
endforeach()
target_compile_definitions(dlfw-coordinator-broken PRIVATE BROKEN)
target_compile_definitions(dlfw-coordinator-hangs PRIVATE HANGS)
conform_accepts(dlfw-coordinator-shm)
add_test(NAME conform.refuses.coordinator
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/expect_failure.sh $<TARGET_FILE:dlfw-conform> $<TARGET_FILE:dlfw-coordinator-broken>
            coordinator.together "gather of 5 bytes is wrong at byte 0 of rank")
set_tests_properties(conform.refuses.coordinator PROPERTIES LABELS "conform" TIMEOUT 120)
add_test(NAME conform.two_at_once
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/two_at_once.sh $<TARGET_FILE:dlfw-conform> $<TARGET_FILE:dlfw-coordinator-shm>)
set_tests_properties(conform.two_at_once PROPERTIES LABELS "conform" TIMEOUT 120)
add_test(NAME conform.killed_ranks
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/killed_ranks.sh $<TARGET_FILE:dlfw-conform> $<TARGET_FILE:dlfw-coordinator-hangs>)
set_tests_properties(conform.killed_ranks PROPERTIES LABELS "conform" TIMEOUT 60)
