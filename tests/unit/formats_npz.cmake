# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(npz_describe PLUGINS npz npy)
