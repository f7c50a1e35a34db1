# SPDX-License-Identifier: Apache-2.0
# The backends of object stores against real servers: the same cases that file, direct and memory pass. scripts/servers installs the servers.
set(servers_python ${PROJECT_SOURCE_DIR}/build/servers/bin/python)

# conform_on_server(<test> <target> [TLS] SERVER <name> [ARGUMENTS ...])
function(conform_on_server name target)
    cmake_parse_arguments(arg "TLS" "SERVER" "ARGUMENTS" ${ARGN})
    set(tls)
    if(arg_TLS)
        set(tls --tls)
    endif()
    add_test(NAME conform.${name}
        COMMAND ${servers_python} -m servers ${tls} ${arg_SERVER} $<TARGET_FILE:dlfw-conform> --timeout 60 --exclude speed.*
                --option root={root} {options} ${arg_ARGUMENTS} $<TARGET_FILE:${target}>
        WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}/tests)
    set_tests_properties(conform.${name} PROPERTIES LABELS "conform;servers" TIMEOUT 300 COST 100 ENVIRONMENT "PYTHONDONTWRITEBYTECODE=1")
endfunction()

conform_on_server(s3-seaweedfs dlfw-backend-s3 SERVER seaweedfs ARGUMENTS --quirks ${CMAKE_CURRENT_SOURCE_DIR}/seaweedfs.yaml)
conform_on_server(s3-seaweedfs-tls dlfw-backend-s3 TLS SERVER seaweedfs ARGUMENTS --quirks ${CMAKE_CURRENT_SOURCE_DIR}/seaweedfs.yaml)
conform_on_server(s3-rclone dlfw-backend-s3 SERVER rclone)
conform_on_server(az-azurite dlfw-backend-azure SERVER azurite ARGUMENTS --quirks ${PROJECT_SOURCE_DIR}/plugins/backends/azure/quirks.yaml)
conform_on_server(gs-emulator dlfw-backend-gcs SERVER gcs ARGUMENTS --quirks ${CMAKE_CURRENT_SOURCE_DIR}/gs-emulator.yaml)
