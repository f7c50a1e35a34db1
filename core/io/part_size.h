/* SPDX-License-Identifier: Apache-2.0 */
/* How an object is cut into parts for writing. */
#ifndef DLFW_CORE_IO_PART_SIZE_H
#define DLFW_CORE_IO_PART_SIZE_H

#include "io/storage.h"

/* Bytes of each part but the last. size_hint: 0 when unknown. at_least: 0 or what the first part must hold. Fails when
 * no size fits the limits. */
dlfw_status part_size(const dlfw_limits *limits, uint64_t caps, uint64_t size_hint, uint64_t at_least, uint64_t *ret,
                      dlfw_error *err);

#endif
