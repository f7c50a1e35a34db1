# SPDX-License-Identifier: Apache-2.0
dlfw_format_test(hdf5_read PLUGINS hdf5)
dlfw_format_test(hdf5_content PLUGINS hdf5)
dlfw_format_test(hdf5_hostile PLUGINS hdf5)

# The library as the reader of what dlfw writes.
pkg_search_module(HDF5 REQUIRED IMPORTED_TARGET hdf5-serial>=1.10.5 hdf5>=1.10.5)
dlfw_format_test(hdf5_write PLUGINS hdf5)
target_link_libraries(test_hdf5_write PRIVATE PkgConfig::HDF5)
