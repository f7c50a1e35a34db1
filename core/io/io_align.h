/* SPDX-License-Identifier: Apache-2.0 */
/* Widening of reads to the alignment that a backend wants: the one place that knows how. */
#ifndef DLFW_CORE_IO_IO_ALIGN_H
#define DLFW_CORE_IO_IO_ALIGN_H

#include <stdbool.h>

#include "io/storage.h"

/* True when reads have to be looked at; false: any offset, length and address will do. */
bool align_matters(const dlfw_limits *limits);
/* Sets buf, buf_cap, offset and length of req from op so that they meet limits; *ret_skip: bytes of req's range before
 * the wanted ones. offset + length lies below 2^63. */
dlfw_status align_get(const dlfw_limits *limits, const struct io_op *op, dlfw_req *req, uint64_t *ret_skip,
                      dlfw_error *err);
/* Alignments of 0 become 1. Refuses what is no power of two. */
dlfw_status align_check_limits(dlfw_limits *limits, const char *backend, dlfw_error *err);

#endif
