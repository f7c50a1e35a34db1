# SPDX-License-Identifier: Apache-2.0
#
# dlfw_add_plugin(NAME file KIND backend SOURCES file.c ... [LIBRARIES target ...] [INTERFACES backend-file ...])
#
# Builds dlfw-<kind>-<name>.so the way the loader wants it: no SONAME, one exported symbol, everything resolved at load time.
# Used by the tree itself and, after find_package(dlfw), by everybody else. The SDK's include directory is the only one on the path.
set(DLFW_SDK_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})

function(dlfw_add_plugin)
    cmake_parse_arguments(arg "" "NAME;KIND;QUIRKS" "SOURCES;LIBRARIES" ${ARGN})
    set(target dlfw-${arg_KIND}-${arg_NAME})
    add_library(${target} MODULE ${arg_SOURCES})
    target_link_libraries(${target} PRIVATE dlfw::sdk ${arg_LIBRARIES})
    set_target_properties(${target} PROPERTIES
        PREFIX "" OUTPUT_NAME ${target} NO_SONAME ON
        C_VISIBILITY_PRESET hidden POSITION_INDEPENDENT_CODE ON)
    if(NOT CMAKE_C_FLAGS MATCHES "-fsanitize" AND NOT DLFW_SANITIZE)
        target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
    target_link_options(${target} PRIVATE
        -Wl,--version-script=${DLFW_SDK_CMAKE_DIR}/plugin.map
        -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,-z,noexecstack -Wl,--exclude-libs,ALL)
    if(DLFW_BUILD_PLUGIN_DIR)
        set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${DLFW_BUILD_PLUGIN_DIR})
    endif()
    if(DEFINED dlfw_PLUGIN_DIR)
        install(TARGETS ${target} LIBRARY DESTINATION ${dlfw_PLUGIN_DIR})
    else()
        install(TARGETS ${target} LIBRARY DESTINATION ${DLFW_PLUGIN_SUBDIR})
    endif()
endfunction()
