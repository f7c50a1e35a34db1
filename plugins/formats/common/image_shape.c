/* SPDX-License-Identifier: Apache-2.0 */
#include "common/image_shape.h"

#include <inttypes.h>

dlfw_status image_shape(const dlfw_encode_spec *spec, const char *format, uint64_t max_side, struct image_shape *ret,
                        dlfw_error *err)
{
    uint64_t rows, columns;

    if (spec->samples != 1)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "a %s file holds one sample, not %" PRIu64 "; set dataset.num_samples_per_file: 1", format,
                         spec->samples);
    if (spec->dtype != DLFW_DTYPE_UINT8)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "%s images have elements of one byte; set dataset.record_element_type: uint8", format);
    if (spec->ndim < 1 || spec->ndim > 2 || !spec->dims)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "a %s image has rows and columns, not %" PRIu32 " dimensions; shorten dataset.record_dims",
                         format, spec->ndim);
    rows = spec->ndim == 2 ? spec->dims[0] : 1;
    columns = spec->dims[spec->ndim - 1];
    if (!rows || !columns || rows > max_side || columns > max_side)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED,
                         "a %s image of %" PRIu64 " rows and %" PRIu64
                         " columns cannot be written; both must be from 1 to %" PRIu64,
                         format, rows, columns, max_side);
    ret->rows = rows;
    ret->columns = columns;
    ret->bytes = rows * columns;
    return DLFW_OK;
}
