# SPDX-License-Identifier: Apache-2.0
# What all object stores share, over a loopback server.
dlfw_unit_test(cloud_queue LIBRARIES dlfw-cloud dlfw-content Threads::Threads)
target_sources(test_cloud_queue PRIVATE ${PROJECT_SOURCE_DIR}/tests/support/http_server.c
    ${PROJECT_SOURCE_DIR}/tests/support/cloud_toy.c)
