/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one open npz file, and the machine that a member's bytes pass through: local header, then the member's
 * own bytes (inflated when need be), of which the first are the array header. Bytes may come in any split.
 */
#ifndef DLFW_NPZ_READER_H
#define DLFW_NPZ_READER_H

#include "npz.h"

#include "common/byte_carry.h"
#include "common/npy_header.h"
#include "npz_contents.h"
#include "zip_dir.h"
#include "zip_inflate.h"

#include <stdbool.h>

enum npz_stage { STAGE_LOCAL_HEADER, STAGE_ARRAY_HEADER, STAGE_PAYLOAD, STAGE_DONE };

struct dlfw_reader {
    const dlfw_host *host;
    const dlfw_object *object;
    const char *wanted;
    uint64_t samples;
    struct zip_member member; /* after METADATA */
    bool has_member;
    bool stream_ended; /* deflate */
    enum npz_stage stage;
    uint32_t crc;         /* of the member's bytes so far */
    uint64_t next;        /* offset of the next byte that consume() expects */
    uint64_t data_offset; /* of the member's data in the object, after the local header */
    uint64_t stored_left; /* of the member's data, not yet fed */
    uint64_t bytes_done;  /* uncompressed */
    struct npy_header array;
    struct byte_carry carry;
    struct inflater *inflater;
    struct npz_contents *contents; /* with DLFW_OBJECT_EXPLORE, after METADATA */
    struct npz_entry *entry;       /* of them: the unit that member is */
    bool is_raw;                   /* the member's bytes are no array that can be read */
};

/* Back to the first byte of the unit. */
dlfw_status npz_feed_restart(dlfw_reader *r, dlfw_error *err);
/* The next bytes of the unit's range. STAGE_DONE is reached with the member's last byte, and only when everything was
 * right. */
dlfw_status npz_feed(dlfw_reader *r, const uint8_t *data, uint64_t len, dlfw_error *err);

bool npz_verifies(const dlfw_reader *r);
bool npz_is_deflated(const dlfw_reader *r);
/* What must hold between a complete array header and its member. */
dlfw_status npz_check_array(const dlfw_reader *r, dlfw_error *err);
/* "'OBJECT': member 'NAME' at offset N: WHAT" */
dlfw_status npz_fail(const dlfw_reader *r, dlfw_status status, uint64_t offset, const char *what, dlfw_error *err);
dlfw_status npz_fail_crc(const dlfw_reader *r, uint32_t computed, dlfw_error *err);

#endif
