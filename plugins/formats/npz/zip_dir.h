/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The central directory of a ZIP file, read from its end as the host brings the bytes, with hostile input in mind:
 * every offset is checked against the file before it is used, and what cannot be read is refused by name.
 */
#ifndef DLFW_NPZ_ZIP_DIR_H
#define DLFW_NPZ_ZIP_DIR_H

#include "dlfw/format.h"

#include <stdbool.h>

#define ZIP_NAME_MAX 255u
#define ZIP_LOCAL_FIXED 30u

enum { ZIP_STORED = 0, ZIP_DEFLATED = 8 };
enum { ZIP_FLAG_ENCRYPTED = 1u << 0, ZIP_FLAG_DESCRIPTOR = 1u << 3, ZIP_FLAG_MASKED = 1u << 13 };

/* A member as the directory describes it; consistent with the file's size and the other members. */
struct zip_member {
    uint64_t local_offset; /* of its local header */
    uint64_t end_bound;    /* its data end here at the latest */
    uint64_t stored_bytes; /* as in the file */
    uint64_t bytes;        /* uncompressed */
    uint32_t crc;
    uint16_t method;
    uint16_t flags;
    uint16_t name_len;
    char name[ZIP_NAME_MAX + 1];
};

/* What a search needs to know of the reader's call. */
struct zip_search {
    const dlfw_object *object;
    const char *wanted; /* member by name, with or without ".npy"; NULL: x.npy, else the first .npy */
    const dlfw_span *have;
    uint32_t n_have;
    dlfw_range *want;
    uint32_t want_cap;
    uint32_t *n_want;
    dlfw_error *err;
};

/* DLFW_OK with *ret, DLFW_NEED_IO with want[] filled, or an error. Keeps no state: called again with more bytes. */
dlfw_status zip_find_member(const struct zip_search *s, struct zip_member *ret);

/* Every member in the directory's order, end_bound being the end of all members; readable: stored or deflated, and not
 * encrypted. Ends early when each() fails. Otherwise as zip_find_member. */
dlfw_status zip_list_members(const struct zip_search *s,
                             dlfw_status (*each)(void *ctx, const struct zip_member *m, bool readable), void *ctx);
/* A foreign file may hold a long gap before the next member: brings end_bound near the member's own end. */
void zip_member_cut_gap(struct zip_member *m);

/* A name for messages: bytes that would disturb a terminal or a line become '?'. */
struct zip_name_text {
    char text[ZIP_NAME_MAX + 1];
};
struct zip_name_text zip_name_text(const char *name, uint32_t len);

/* Fills the sizes (and the offset, when not NULL) that a header left at 0xffffffff from the ZIP64 block of its extra
 * field; DLFW_E_CORRUPT without a message when the block is missing or too short. */
dlfw_status zip64_widen(const uint8_t *extra, uint32_t extra_len, uint64_t *bytes, uint64_t *stored_bytes,
                        uint64_t *offset);

#endif
