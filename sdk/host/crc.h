/* SPDX-License-Identifier: Apache-2.0 */
/* CRC-32 (zip) and CRC-32C at memory speed; the path is chosen once from the CPU's features, all paths agree. */
#ifndef DLFW_SDK_HOST_CRC_H
#define DLFW_SDK_HOST_CRC_H

#include <stdint.h>

/* crc: the value so far, 0 to begin. */
uint32_t crc32_update(uint32_t crc, const void *data, uint64_t len);
uint32_t crc32c_update(uint32_t crc, const void *data, uint64_t len);
const char *crc32_path(void); /* "vpclmulqdq-512", "vpclmulqdq", "pclmulqdq", "portable": for reports and tests */

#endif
