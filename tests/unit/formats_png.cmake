# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(png_read PLUGINS png)
dlfw_format_test(png_encode PLUGINS png)
dlfw_format_test(png_hostile PLUGINS png)
