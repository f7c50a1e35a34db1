/* SPDX-License-Identifier: Apache-2.0 */
#include "zip_local.h"

#include "common/little_endian.h"

#include <inttypes.h>
#include <string.h>

#define LOCAL_SIGNATURE 0x04034b50u

static dlfw_status differs(const dlfw_object *object, const struct zip_member *m, const char *what, dlfw_error *err)
{
    struct zip_name_text name = zip_name_text(m->name, m->name_len);

    return dlfw_fail(err, DLFW_E_CORRUPT,
                     "'%.*s': %s of member '%s' in the local header at offset %" PRIu64
                     " is not what the zip directory says",
                     (int)object->name_len, object->name, what, name.text, m->local_offset);
}

dlfw_status zip_local_parse(const dlfw_object *object, const struct zip_member *m, const uint8_t *data, uint64_t len,
                            uint64_t *ret_need, dlfw_error *err)
{
    uint64_t stored_bytes, bytes;
    uint32_t name_len, extra_len;

    *ret_need = ZIP_LOCAL_FIXED;
    if (len < ZIP_LOCAL_FIXED)
        return DLFW_NEED_IO;
    if (get_le32(data) != LOCAL_SIGNATURE)
        return dlfw_fail(err, DLFW_E_CORRUPT, "'%.*s': no local zip header at offset %" PRIu64, (int)object->name_len,
                         object->name, m->local_offset);
    name_len = get_le16(data + 26);
    extra_len = get_le16(data + 28);
    *ret_need = ZIP_LOCAL_FIXED + (uint64_t)name_len + extra_len;
    if (*ret_need > m->end_bound - m->local_offset || m->stored_bytes > m->end_bound - m->local_offset - *ret_need)
        return differs(object, m, "the size", err);
    if (len < *ret_need)
        return DLFW_NEED_IO;
    if (name_len != m->name_len || memcmp(data + ZIP_LOCAL_FIXED, m->name, name_len) != 0)
        return differs(object, m, "the name", err);
    if (get_le16(data + 8) != m->method)
        return differs(object, m, "the compression method", err);
    if ((get_le16(data + 6) ^ m->flags) & (ZIP_FLAG_ENCRYPTED | ZIP_FLAG_DESCRIPTOR))
        return differs(object, m, "the flags", err);
    if (m->flags & ZIP_FLAG_DESCRIPTOR) /* sizes and CRC follow the data; the directory has them */
        return DLFW_OK;
    stored_bytes = get_le32(data + 18);
    bytes = get_le32(data + 22);
    if (zip64_widen(data + ZIP_LOCAL_FIXED + name_len, extra_len, &bytes, &stored_bytes, NULL) < 0 ||
        bytes != m->bytes || stored_bytes != m->stored_bytes)
        return differs(object, m, "the size", err);
    if (get_le32(data + 14) != m->crc)
        return differs(object, m, "the CRC", err);
    return DLFW_OK;
}
