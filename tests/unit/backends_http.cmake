# SPDX-License-Identifier: Apache-2.0
# dlfw_http_test(name): a unit test of the HTTP engine against a server that follows a script.
function(dlfw_http_test name)
    dlfw_unit_test(${name} LIBRARIES dlfw-http PkgConfig::OPENSSL Threads::Threads)
    target_sources(test_${name} PRIVATE test_http_fixture.c)
endfunction()

dlfw_http_test(http_answers)
dlfw_http_test(http_pool)
dlfw_http_test(http_faults)
dlfw_http_test(http_tls)
dlfw_unit_test(http_parse LIBRARIES dlfw-http)
