# SPDX-License-Identifier: Apache-2.0
dlfw_unit_test(legacy_random LIBRARIES dlfw-random)
dlfw_unit_test(dataset LIBRARIES dlfw-dataset)
