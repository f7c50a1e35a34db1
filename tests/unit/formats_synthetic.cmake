# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(synthetic_files PLUGINS synthetic)
