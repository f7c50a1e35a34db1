/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the first bytes of a stream until a header that pieces may have cut is complete. Headers of usual length fit
 * the object itself; only an unusually long one allocates.
 */
#ifndef DLFW_FORMATS_BYTE_CARRY_H
#define DLFW_FORMATS_BYTE_CARRY_H

#include "dlfw/base.h"

#define BYTE_CARRY_SMALL 512u

struct byte_carry {
    uint8_t small[BYTE_CARRY_SMALL];
    uint8_t *large; /* NULL: the bytes are in small */
    uint64_t cap;   /* of large */
    uint64_t len;
};

/* Moves bytes from *data to the carry until it holds need bytes or *data is empty. NO_MEMORY without a message. */
dlfw_status byte_carry_take(struct byte_carry *c, uint64_t need, const uint8_t **data, uint64_t *len);
const uint8_t *byte_carry_data(const struct byte_carry *c);
void byte_carry_clear(struct byte_carry *c); /* empties; keeps the memory */
void byte_carry_free(struct byte_carry *c);

#endif
