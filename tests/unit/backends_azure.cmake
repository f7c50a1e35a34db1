# SPDX-License-Identifier: Apache-2.0
# The parts of `az` that need no service, then the plugin itself against a server that says what Azure would say.
foreach(name azure_message azure_settings azure_answers)
    dlfw_unit_test(${name} LIBRARIES dlfw-azure Threads::Threads)
    target_include_directories(test_${name} PRIVATE ${PROJECT_SOURCE_DIR}/sdk)
endforeach()
target_sources(test_azure_settings PRIVATE ${PROJECT_SOURCE_DIR}/sdk/mock/fake_host.c)
dlfw_unit_test(azure_faults LIBRARIES dlfw-cloud Threads::Threads ${CMAKE_DL_LIBS})
target_sources(test_azure_faults PRIVATE ${PROJECT_SOURCE_DIR}/sdk/mock/fake_host.c
    ${PROJECT_SOURCE_DIR}/tests/support/http_server.c)
target_include_directories(test_azure_faults PRIVATE ${PROJECT_SOURCE_DIR}/plugins/backends ${PROJECT_SOURCE_DIR}/sdk)
target_compile_definitions(test_azure_faults PRIVATE DLFW_TEST_PLUGIN_DIR="${DLFW_BUILD_PLUGIN_DIR}")
add_dependencies(test_azure_faults dlfw-backend-azure)
