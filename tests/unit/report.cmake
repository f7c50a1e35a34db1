# SPDX-License-Identifier: Apache-2.0
foreach(name compat_json metrics results world result_folder log_lines)
    dlfw_unit_test(${name} LIBRARIES dlfw-report)
    target_sources(test_${name} PRIVATE report_fixture.c)
endforeach()
dlfw_unit_test(progress LIBRARIES dlfw-report)
