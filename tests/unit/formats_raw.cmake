# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(raw_records PLUGINS raw)
