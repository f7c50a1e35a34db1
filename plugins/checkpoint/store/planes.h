/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of 2, 4 or 8 bytes taken apart into byte planes: plane 0 holds the lowest byte of every number. Before that
 * each number is rotated left by one bit, so that the top plane of a float is its exponent (with the first mantissa
 * bits of binary16 and binary64) and the sign has gone to the lowest bit. Weights have few exponents and random
 * mantissas: one plane shrinks, the others stay as they are.
 */
#ifndef DLFW_CHECKPOINT_STORE_PLANES_H
#define DLFW_CHECKPOINT_STORE_PLANES_H

#include <stdint.h>

#define PLANES_MAX 8u

/* width: 2, 4 or 8. data: count numbers, little endian, any alignment. planes: width pointers to count bytes. */
void planes_split(uint32_t width, const void *data, uint64_t count, uint8_t *const *planes);
void planes_merge(uint32_t width, const uint8_t *const *planes, uint64_t count, void *data);

/* For tests and measurements: 1 forces the portable path. */
void planes_use_portable(int portable);

#endif
