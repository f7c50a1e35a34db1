/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DLFW_S3_CRC_JOIN_H
#define DLFW_S3_CRC_JOIN_H

#include <stdint.h>

/* CRC-32C of a and b one after the other, from the CRC-32C of each and the length of b. */
uint32_t s3_crc32c_join(uint32_t a, uint32_t b, uint64_t b_len);

#endif
