# SPDX-License-Identifier: Apache-2.0
foreach(name sweep_range sweep_search sweep_answer sweep_limit sweep_figures sweep_show sweep_cpu sweep_runner sweep_work)
    dlfw_unit_test(${name} LIBRARIES dlfw-sweep)
endforeach()
foreach(name answer show)
    target_sources(test_sweep_${name} PRIVATE sweep_fixture.c)
endforeach()
