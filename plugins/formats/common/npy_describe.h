/* SPDX-License-Identifier: Apache-2.0 */
/* An array in the words of describe(): its element type, shape and order. */
#ifndef DLFW_FORMATS_NPY_DESCRIBE_H
#define DLFW_FORMATS_NPY_DESCRIBE_H

#include "common/npy_header.h"

/* Facts of the node that is open. */
void npy_describe(const struct npy_header *h, const dlfw_describe *out);

#endif
