# SPDX-License-Identifier: Apache-2.0
# core/plugin: registry and checking layer; also the command that lists plugins. Uses the plugins of sdk.cmake.
dlfw_test_plugin(first dlfw-backend-alpha SOURCE variant.c DEFINITIONS NAME="alpha")
dlfw_test_plugin(first dlfw-backend-beta SOURCE variant.c DEFINITIONS NAME="beta")
dlfw_test_plugin(first dlfw-backend-crash SOURCE variant.c DEFINITIONS NAME="crash" LOAD=crashing_load)
dlfw_test_plugin(first dlfw-backend-lost SOURCE variant.c DEFINITIONS NAME="lost" LIBRARIES test-plugin-lender)
target_link_options(test-plugin-first-dlfw-backend-lost PRIVATE -Wl,--no-as-needed)
set_target_properties(test-plugin-first-dlfw-backend-lost PROPERTIES SKIP_BUILD_RPATH ON)
dlfw_test_plugin(first dlfw-backend-old SOURCE variant.c DEFINITIONS NAME="old" NOTE_MAJOR=2)
dlfw_test_plugin(first dlfw-backend-picky SOURCE variant.c DEFINITIONS NAME="picky" NEED_MINOR=9)
dlfw_test_plugin(first dlfw-hook-counter SOURCE standard.c)
dlfw_test_plugin(first libother SOURCE variant.c DEFINITIONS NOTE_OWNER="else")
dlfw_test_plugin(second dlfw-backend-alpha SOURCE variant.c DEFINITIONS NAME="alpha")
dlfw_test_plugin(second dlfw-backend-gamma SOURCE variant.c DEFINITIONS NAME="gamma")

dlfw_plugin_test(registry LIBRARIES dlfw-plugin)
dlfw_unit_test(plugin_check LIBRARIES dlfw-plugin)
target_compile_definitions(test_registry PRIVATE DLFW_TEST_VERSION="${PROJECT_VERSION}")

dlfw_plugin_test(cmd_plugins LIBRARIES dlfw-plugin PkgConfig::JANSSON)
target_sources(test_cmd_plugins PRIVATE
    ${PROJECT_SOURCE_DIR}/core/cmd/plugins.c ${PROJECT_SOURCE_DIR}/core/cmd/plugins_describe.c
    ${PROJECT_SOURCE_DIR}/tests/unit/plugins/usage_error.c)
