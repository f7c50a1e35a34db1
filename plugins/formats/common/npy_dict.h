/* SPDX-License-Identifier: Apache-2.0 */
/* The Python dictionary literal inside a NumPy array header: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4),
 * }. */
#ifndef DLFW_FORMATS_NPY_DICT_H
#define DLFW_FORMATS_NPY_DICT_H

#include "common/npy_header.h"

/* Fills item_size, fortran_order, ndim and dims of ret; DLFW_E_CORRUPT or DLFW_E_UNSUPPORTED with the reason. */
dlfw_status npy_dict_parse(const char *text, uint64_t len, struct npy_header *ret, struct npy_reason *reason);

#endif
