# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(indexed_generate PLUGINS indexed_binary)
dlfw_format_test(indexed_tables PLUGINS indexed_binary)
