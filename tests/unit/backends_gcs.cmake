# SPDX-License-Identifier: Apache-2.0
# Google Cloud Storage: its pure parts, and the plugin against a server that follows a script. Times and tokens, which all
# object stores share, are tested here too.
dlfw_unit_test(cloud_time LIBRARIES dlfw-cloud)
dlfw_unit_test(cloud_token LIBRARIES dlfw-cloud Threads::Threads)
dlfw_unit_test(gcs_parts LIBRARIES dlfw-gcs dlfw-content)
dlfw_unit_test(gcs_auth LIBRARIES dlfw-gcs Threads::Threads)
target_sources(test_gcs_auth PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/http_server.c)

# dlfw_gcs_test(name): the whole plugin, linked into a test.
function(dlfw_gcs_test name)
    dlfw_unit_test(${name} LIBRARIES dlfw-gcs dlfw-content Threads::Threads)
    target_sources(test_${name} PRIVATE test_gcs_fixture.c ${PROJECT_SOURCE_DIR}/tests/support/http_server.c
        ${PROJECT_SOURCE_DIR}/plugins/backends/gcs/backend.c)
endfunction()

dlfw_gcs_test(gcs_upload)
dlfw_gcs_test(gcs_calls)
dlfw_gcs_test(gcs_settings)
dlfw_gcs_test(gcs_batch)
