/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The content of generated objects: a byte stream that is a function of (seed, object) and can be entered at any
 * offset. docs/content.md defines it bit by bit; every path (portable, AVX2, AVX-512) produces the same bytes.
 */
#ifndef DLFW_SDK_HOST_CONTENT_H
#define DLFW_SDK_HOST_CONTENT_H

#include <stdint.h>

void content_fill(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len);
/* len, or the index of the first byte that differs. */
uint64_t content_check(uint64_t seed, uint64_t object, uint64_t offset, const void *data, uint64_t len);
/* The object number of a key: FNV-1a 64 of its bytes. */
uint64_t content_object(const char *key, uint64_t key_len);

/* For tests and benchmarks: forces a path by name ("portable", "avx2", "avx512"); 0 when this CPU has it. NULL: best.
 */
int content_use_path(const char *name);
const char *content_path(void);

#endif
