/* SPDX-License-Identifier: Apache-2.0 */
#include "common/npy_describe.h"

#include <inttypes.h>
#include <stdio.h>

#define DIM_CAP 22u /* 20 digits, a comma, a blank */

void npy_describe(const struct npy_header *h, const dlfw_describe *out)
{
    char shape[NPY_MAX_DIMS * DIM_CAP + 4];
    size_t n = 0;

    shape[n++] = '(';
    for (uint32_t i = 0; i < h->ndim; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%" PRIu64, i ? ", " : "", h->dims[i]);
    snprintf(shape + n, sizeof shape - n, h->ndim == 1 ? ",)" : ")");
    out->text(out->ctx, "dtype", h->descr);
    out->text(out->ctx, "shape", shape);
    out->text(out->ctx, "order", h->fortran_order ? "Fortran" : "C");
    out->number(out->ctx, "array bytes", h->payload_bytes);
}
