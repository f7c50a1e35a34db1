# SPDX-License-Identifier: Apache-2.0
#
# dlfw_add_plugin(NAME file KIND backend SOURCES file.c ... [LIBRARIES target ...] [QUIRKS quirks.yaml] [COMPONENT package] [NO_INSTALL])
#
# Builds dlfw-<kind>-<name>.so the way the loader wants it: no SONAME, one exported symbol, everything resolved at load time.
# Used by the tree itself and, after find_package(dlfw), by everybody else. The SDK's include directory is the only one on the path.
# Where dlfw-conform is installed (dlfw_CONFORM), a test conform.<kind>-<name> runs it, with QUIRKS as its --quirks.
function(dlfw_add_plugin)
    cmake_parse_arguments(arg "NO_INSTALL" "NAME;KIND;QUIRKS;COMPONENT" "SOURCES;LIBRARIES" ${ARGN})
    if(arg_UNPARSED_ARGUMENTS OR NOT arg_NAME OR NOT arg_KIND OR NOT arg_SOURCES)
        message(FATAL_ERROR "dlfw_add_plugin needs NAME, KIND and SOURCES; not understood: '${arg_UNPARSED_ARGUMENTS}'")
    endif()
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
        -Wl,--version-script=${CMAKE_CURRENT_FUNCTION_LIST_DIR}/plugin.map
        -Wl,-z,now -Wl,-z,relro -Wl,-z,nodelete -Wl,-z,noexecstack -Wl,--exclude-libs,ALL)
    if(DLFW_BUILD_PLUGIN_DIR AND NOT arg_NO_INSTALL)
        set_target_properties(${target} PROPERTIES LIBRARY_OUTPUT_DIRECTORY ${DLFW_BUILD_PLUGIN_DIR})
        set_property(GLOBAL APPEND PROPERTY dlfw_tree_plugins ${target})
    endif()
    if(arg_NO_INSTALL)
        # a plugin of tests: stays in its build folder
    elseif(DEFINED dlfw_PLUGIN_DIR)
        install(TARGETS ${target} LIBRARY DESTINATION ${dlfw_PLUGIN_DIR})
    else()
        if(NOT arg_COMPONENT)
            set(arg_COMPONENT dlfw)
        endif()
        install(TARGETS ${target} LIBRARY DESTINATION ${DLFW_PLUGIN_SUBDIR} COMPONENT ${arg_COMPONENT})
    endif()
    if(dlfw_CONFORM)
        set(quirks)
        if(arg_QUIRKS)
            get_filename_component(quirks_file ${arg_QUIRKS} ABSOLUTE)
            set(quirks --quirks ${quirks_file})
        endif()
        add_test(NAME conform.${arg_KIND}-${arg_NAME} COMMAND ${dlfw_CONFORM} ${quirks} $<TARGET_FILE:${target}>)
    endif()
endfunction()
