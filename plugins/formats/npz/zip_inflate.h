/* SPDX-License-Identifier: Apache-2.0 */
/* Deflated members: streamed through a scratch buffer to be checked, or inflated as a whole into the host's memory. */
#ifndef DLFW_NPZ_ZIP_INFLATE_H
#define DLFW_NPZ_ZIP_INFLATE_H

#include "dlfw/base.h"

struct inflater;

/* NULL when memory is out. */
struct inflater *inflater_create(void);
void inflater_destroy(struct inflater *inf); /* NULL is fine */
/* Back to the begin of a stream. */
void inflater_reset(struct inflater *inf);
/* The next bytes of the stream; every output must have been taken before. */
void inflater_feed(struct inflater *inf, const void *data, uint64_t len);
/*
 * DLFW_OK: *ret points at *ret_len > 0 bytes, valid until the next call. DLFW_NEED_IO: feed more. DLFW_END: the stream
 * is complete; *ret_len bytes that were fed lie behind it. DLFW_E_CORRUPT or DLFW_E_NO_MEMORY, see inflater_problem.
 */
dlfw_status inflater_next(struct inflater *inf, const uint8_t **ret, uint64_t *ret_len);
const char *inflater_problem(const struct inflater *inf);

/* The whole stream data[0 .. len) gives exactly out_len bytes at out; DLFW_E_CORRUPT or NO_MEMORY with *ret_problem. */
dlfw_status inflate_whole(const void *data, uint64_t len, void *out, uint64_t out_len, const char **ret_problem);

#endif
