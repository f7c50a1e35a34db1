# SPDX-License-Identifier: Apache-2.0
# Coordinator plugins under their real launchers, on one host and on several (network namespaces). The launchers start processes with
# libraries that a sanitizer does not know.
if(NOT DLFW_SANITIZE)
    add_executable(mpi_toy mpi_toy.c ${PROJECT_SOURCE_DIR}/sdk/mock/fake_host.c)
    target_compile_definitions(mpi_toy PRIVATE _GNU_SOURCE)
    target_include_directories(mpi_toy PRIVATE ${PROJECT_SOURCE_DIR}/sdk/mock)
    target_link_libraries(mpi_toy PRIVATE dlfw-plugin-host)
    foreach(mpi openmpi mpich)
        add_test(NAME ranks.${mpi} COMMAND ${Python3_EXECUTABLE} ${CMAKE_CURRENT_SOURCE_DIR}/mpi_plugin.py ${CMAKE_BINARY_DIR} ${mpi} -v)
        set_tests_properties(ranks.${mpi} PROPERTIES LABELS e2e TIMEOUT 180 COST 50 ENVIRONMENT PYTHONDONTWRITEBYTECODE=1)
    endforeach()
endif()
