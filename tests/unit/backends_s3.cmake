# SPDX-License-Identifier: Apache-2.0
# S3: signatures, settings and credentials by themselves, and the plugin against a server that follows a script. XML and
# digests, which all object stores share, are tested here too.
dlfw_unit_test(cloud_xml LIBRARIES dlfw-cloud)
dlfw_unit_test(cloud_crypto LIBRARIES dlfw-cloud Threads::Threads)
dlfw_unit_test(s3_sign LIBRARIES dlfw-s3)

# dlfw_s3_test(name): the whole plugin, linked into a test.
function(dlfw_s3_test name)
    dlfw_unit_test(${name} LIBRARIES dlfw-s3 dlfw-content Threads::Threads)
    target_sources(test_${name} PRIVATE test_s3_fixture.c ${PROJECT_SOURCE_DIR}/tests/support/http_server.c
        ${PROJECT_SOURCE_DIR}/plugins/backends/s3/s3.c)
endfunction()

dlfw_s3_test(s3_calls)
dlfw_s3_test(s3_upload)
dlfw_s3_test(s3_names)
dlfw_s3_test(s3_settings)
dlfw_s3_test(s3_credentials)
set_tests_properties(unit.s3_calls unit.s3_upload unit.s3_names unit.s3_credentials PROPERTIES LABELS "unit;quick;threads")
