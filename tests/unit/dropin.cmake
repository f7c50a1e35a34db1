# SPDX-License-Identifier: Apache-2.0
foreach(name dropin_arguments dropin_compose)
    dlfw_unit_test(${name} LIBRARIES dlfw-dropin)
endforeach()
