# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(jpeg_read PLUGINS jpeg)
dlfw_format_test(jpeg_encode PLUGINS jpeg)
dlfw_format_test(jpeg_hostile PLUGINS jpeg)
