# SPDX-License-Identifier: Apache-2.0
foreach(name view_timeline view_charts view_text view_steps view_compare view_folder)
    dlfw_unit_test(${name} LIBRARIES dlfw-view)
endforeach()
