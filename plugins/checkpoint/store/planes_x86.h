/* SPDX-License-Identifier: Apache-2.0 */
/* The vector path: how many of the first numbers it has done, 0 where this CPU or width has none. */
#ifndef DLFW_CHECKPOINT_STORE_PLANES_X86_H
#define DLFW_CHECKPOINT_STORE_PLANES_X86_H

#include "planes.h"

uint64_t planes_x86_split(uint32_t width, const uint8_t *data, uint64_t count, uint8_t *const *planes);
uint64_t planes_x86_merge(uint32_t width, const uint8_t *const *planes, uint64_t count, uint8_t *data);

#endif
