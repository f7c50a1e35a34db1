# SPDX-License-Identifier: Apache-2.0
foreach(name rules_size rules_config rules_results rules_together)
    dlfw_unit_test(${name} LIBRARIES dlfw-rules)
    target_compile_definitions(test_${name} PRIVATE EXAMPLES_DIR="${PROJECT_SOURCE_DIR}/examples/dlio")
endforeach()
foreach(name rules_config rules_results rules_together)
    target_sources(test_${name} PRIVATE rules_fixture.c)
endforeach()
