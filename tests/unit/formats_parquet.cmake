# SPDX-License-Identifier: Apache-2.0
foreach(test parquet_read parquet_select parquet_encode parquet_hostile)
    dlfw_format_test(${test} PLUGINS parquet)
    target_sources(test_${test} PRIVATE parquet_fixture.c ${PROJECT_SOURCE_DIR}/sdk/mock/fake_host.c)
    target_include_directories(test_${test} PRIVATE ${PROJECT_SOURCE_DIR}/sdk/mock)
endforeach()
