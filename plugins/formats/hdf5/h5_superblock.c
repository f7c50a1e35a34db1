/* SPDX-License-Identifier: Apache-2.0 */
#include "h5_superblock.h"

#include "common/little_endian.h"
#include "h5_checksum.h"

#include <inttypes.h>
#include <string.h>

#define MIN_BYTES 48u
#define OLD_BYTES 96u /* version 0 with addresses of 8 bytes; version 1 has 4 more */

/* The file must hold all that it says it holds. */
static dlfw_status check_end(struct h5_source *s, uint64_t offset, uint64_t end)
{
    if (end > s->object->size)
        return h5_fail(s->object, DLFW_E_CORRUPT, offset, s->err,
                       "truncated: it says that it ends at byte %" PRIu64 ", the file has %" PRIu64 " bytes", end,
                       s->object->size);
    return DLFW_OK;
}

static dlfw_status read_old(struct h5_source *s, const uint8_t *p, struct h5_superblock *ret)
{
    const uint32_t more = p[8] == 1 ? 4 : 0;
    dlfw_status st = h5_bytes(s, ret->offset, OLD_BYTES + more, &p);

    if (st != DLFW_OK)
        return st;
    if (p[13] != 8 || p[14] != 8)
        return h5_beyond(s, "addresses that do not have 8 bytes");
    p += more;
    s->base = get_le64(p + 24);
    if (get_le64(p + 48) != H5_UNDEFINED)
        return h5_fail(s->object, DLFW_E_UNSUPPORTED, ret->offset, s->err,
                       "it is one part of a file that was split over several");
    ret->root = get_le64(p + 64);
    return check_end(s, ret->offset, get_le64(p + 40));
}

static dlfw_status read_new(struct h5_source *s, const uint8_t *p, struct h5_superblock *ret)
{
    if (p[9] != 8 || p[10] != 8)
        return h5_beyond(s, "addresses that do not have 8 bytes");
    if (!h5_sum_matches(p, H5_SUPERBLOCK_BYTES - H5_CHECKSUM_BYTES))
        return h5_corrupt(s, ret->offset, "checksum mismatch of the superblock");
    if (p[11] & 5)
        return h5_fail(s->object, DLFW_E_CORRUPT, ret->offset, s->err,
                       "the program that wrote it did not close it (h5clear repairs the mark)");
    s->base = get_le64(p + 12);
    ret->root = get_le64(p + 36);
    return check_end(s, ret->offset, get_le64(p + 28));
}

dlfw_status h5_superblock_read(struct h5_source *s, struct h5_superblock *ret)
{
    const uint64_t size = s->object->size;
    const uint8_t *p;
    dlfw_status st;

    if (size < MIN_BYTES)
        return h5_fail(s->object, DLFW_E_CORRUPT, 0, s->err,
                       "%" PRIu64 " bytes are too few for an HDF5 file: truncated", size);
    if (!s->n_have)
        return h5_want(s, 0, H5_FIRST_READ);
    /* behind a user block, whose length is a power of two */
    for (ret->offset = 0; ret->offset <= size - MIN_BYTES; ret->offset = ret->offset ? ret->offset * 2 : 512) {
        st = h5_bytes(s, ret->offset, MIN_BYTES, &p);
        if (st != DLFW_OK)
            return st;
        if (memcmp(p, H5_SIGNATURE, H5_SIGNATURE_BYTES) != 0)
            continue;
        ret->version = p[8];
        if (ret->version > 3)
            return h5_fail(s->object, DLFW_E_UNSUPPORTED, ret->offset, s->err, "superblock of version %" PRIu32,
                           ret->version);
        return ret->version < 2 ? read_old(s, p, ret) : read_new(s, p, ret);
    }
    return h5_corrupt(s, 0, "no HDF5 file: it has no signature");
}
