# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(csv_text PLUGINS csv)
dlfw_format_test(csv_files PLUGINS csv)
