# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(tfrecord_read PLUGINS tfrecord)
dlfw_format_test(tfrecord_layout PLUGINS tfrecord)
dlfw_format_test(tfrecord_hostile PLUGINS tfrecord)
dlfw_format_test(tfrecord_encode PLUGINS tfrecord)
