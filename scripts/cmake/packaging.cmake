# SPDX-License-Identifier: Apache-2.0
# What else is installed (completion, examples, what Debian asks of a package) and the Debian packages: dlfw, dlfw-dev and, where an MPI is,
# dlfw-mpi: who runs on one host needs no MPI.
# `cpack` in the build folder makes them; tests/package/run.sh makes, checks and runs them.

# The programs, as the plugins are: every address resolved at start, then read-only. A profile or sanitizer build needs neither.
if(CMAKE_BUILD_TYPE MATCHES "^(Release|RelWithDebInfo)$" AND NOT DLFW_SANITIZE)
    foreach(program dlfw dlio_benchmark dlfw-conform)
        if(TARGET ${program})
            target_link_options(${program} PRIVATE -pie -Wl,-z,relro -Wl,-z,now)
        endif()
    endforeach()
endif()

set(completion ${CMAKE_CURRENT_LIST_DIR}/../completion)
install(FILES ${completion}/dlfw.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME dlfw COMPONENT dlfw)
# zsh looks for an administrator's functions in site-functions, for those of Debian's packages in vendor-completions.
install(FILES ${completion}/_dlfw DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions COMPONENT local)
install(FILES ${completion}/_dlfw DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/vendor-completions COMPONENT dlfw EXCLUDE_FROM_ALL)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/examples/run/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT dlfw FILES_MATCHING PATTERN "*.yaml")

# Only in packages: changelogs and copyright.
find_program(GZIP gzip REQUIRED)
set(package ${CMAKE_CURRENT_LIST_DIR}/../package)
foreach(pair ${PROJECT_SOURCE_DIR}/CHANGELOG.md=changelog.gz ${package}/changelog=changelog.Debian.gz)
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 source)
    list(GET pair 1 name)
    add_custom_command(OUTPUT ${CMAKE_BINARY_DIR}/${name} COMMAND ${GZIP} -9nc ${source} > ${CMAKE_BINARY_DIR}/${name} DEPENDS ${source})
    list(APPEND changelogs ${CMAKE_BINARY_DIR}/${name})
endforeach()
add_custom_target(package-changelogs ALL DEPENDS ${changelogs})
set(components dlfw dlfw-dev)
if(TARGET dlfw-coordinator-openmpi OR TARGET dlfw-coordinator-mpich)
    list(APPEND components dlfw-mpi)
endif()
foreach(component ${components})
    install(FILES ${changelogs} ${package}/copyright DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/${component} COMPONENT ${component} EXCLUDE_FROM_ALL)
endforeach()

file(STRINGS ${package}/changelog version LIMIT_COUNT 1)
if(NOT version MATCHES "^dlfw \\(${PROJECT_VERSION}-([0-9]+)\\)")
    message(FATAL_ERROR "'${package}/changelog' begins with '${version}'; its newest entry must be of ${PROJECT_VERSION}")
endif()
set(CPACK_DEBIAN_PACKAGE_RELEASE ${CMAKE_MATCH_1})

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL ${components})
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PACKAGE_CONTACT "The dlfw authors <dlfw@example.org>")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CPACK_PACKAGE_CONTACT})
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)

set(CPACK_DEBIAN_DLFW_PACKAGE_NAME dlfw)
set(CPACK_DEBIAN_DLFW_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_DLFW_PACKAGE_PROVIDES "dlfw-abi-1 (= ${DLFW_ABI})")
# Each description begins with its own synopsis.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_DEBIAN_DLFW_DESCRIPTION "loads, checkpoints and benchmarks deep-learning data
dlfw does the I/O of a deep-learning job without the job: it reads a DLIO or
MLPerf Storage run file, generates the data set, feeds batches to emulated
accelerators, and says how busy they were and what limited them.
.
Storage backends, data formats and hooks are plugins. This package has the
backends file, direct, memory, null, S3, Azure Blob and Google Cloud Storage,
formats from npz to Parquet, checkpoint hooks, and dlio_benchmark, which takes
DLIO's command line.")

set(CPACK_DEBIAN_DLFW-DEV_PACKAGE_NAME dlfw-dev)
set(CPACK_DEBIAN_DLFW-DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DLFW-DEV_PACKAGE_DEPENDS "dlfw (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_DEBIAN_DLFW-DEV_DESCRIPTION "plugins for dlfw: headers, library, templates, test program
What it takes to write a storage backend, a data format or a hook for dlfw:
the headers of the plugin ABI, a static library, CMake and pkg-config files,
templates to copy, and dlfw-conform, which tests any plugin file.")

set(CPACK_DEBIAN_DLFW-MPI_PACKAGE_NAME dlfw-mpi)
set(CPACK_DEBIAN_DLFW-MPI_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_DLFW-MPI_PACKAGE_DEPENDS "dlfw (= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")
set(CPACK_DEBIAN_DLFW-MPI_DESCRIPTION "ranks of dlfw on several hosts
The coordinators openmpi and mpich, which tie the ranks of a dlfw run together
under mpirun and srun. The ranks of one host need neither.")

include(CPack)
