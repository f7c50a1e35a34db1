# SPDX-License-Identifier: Apache-2.0
foreach(name copy_engine copy_faults copy_names copy_sync)
    dlfw_unit_test(${name} LIBRARIES dlfw-transfer dlfw-test-script)
endforeach()
