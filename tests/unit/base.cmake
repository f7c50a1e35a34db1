# SPDX-License-Identifier: Apache-2.0
dlfw_unit_test(str LIBRARIES dlfw-base)
dlfw_unit_test(utf8 LIBRARIES dlfw-base)
dlfw_unit_test(histogram LIBRARIES dlfw-base m)
dlfw_unit_test(crc LIBRARIES dlfw-content)
dlfw_unit_test(content LIBRARIES dlfw-content PkgConfig::ZLIB)
