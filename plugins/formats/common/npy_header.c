/* SPDX-License-Identifier: Apache-2.0 */
#include "common/npy_header.h"

#include "common/little_endian.h"
#include "common/npy_dict.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MAGIC "\x93NUMPY"
#define MAGIC_LEN 6u
#define WRITE_ALIGN 64u

static dlfw_status measure(struct npy_header *h, struct npy_reason *reason)
{
    uint64_t bytes = h->item_size;
    int empty = 0;

    for (uint32_t i = 0; i < h->ndim; i++) {
        if (h->dims[i] == 0) {
            empty = 1;
        } else if (bytes > (uint64_t)INT64_MAX / h->dims[i]) {
            snprintf(reason->text, sizeof reason->text,
                     "the array's dimensions multiply to more than any file can hold");
            return DLFW_E_CORRUPT;
        } else {
            bytes *= h->dims[i];
        }
    }
    h->payload_bytes = empty ? 0 : bytes;
    return DLFW_OK;
}

dlfw_status npy_header_parse(const uint8_t *data, uint64_t len, struct npy_header *ret, struct npy_reason *reason)
{
    uint64_t seen = len < MAGIC_LEN ? len : MAGIC_LEN;
    uint64_t dict_bytes, prefix;
    dlfw_status st;

    if (memcmp(data, MAGIC, seen) != 0) {
        snprintf(reason->text, sizeof reason->text, "no numpy array (wrong magic)");
        return DLFW_E_CORRUPT;
    }
    ret->header_bytes = NPY_MIN_BYTES;
    if (len < NPY_MIN_BYTES)
        return DLFW_NEED_IO;
    if (data[6] < 1 || data[6] > 3 || data[7] != 0) {
        snprintf(reason->text, sizeof reason->text, "array header version %u.%u is not read; 1.0, 2.0 and 3.0 are",
                 data[6], data[7]);
        return DLFW_E_UNSUPPORTED;
    }
    prefix = data[6] == 1 ? NPY_MIN_BYTES : NPY_MIN_BYTES + 2;
    ret->header_bytes = prefix;
    if (len < prefix)
        return DLFW_NEED_IO;
    dict_bytes = data[6] == 1 ? get_le16(data + 8) : get_le32(data + 8);
    if (dict_bytes > NPY_HEADER_LIMIT) {
        snprintf(reason->text, sizeof reason->text, "array header of %" PRIu64 " bytes; at most %u are read",
                 dict_bytes, NPY_HEADER_LIMIT);
        return DLFW_E_CORRUPT;
    }
    ret->header_bytes = prefix + dict_bytes;
    if (len < ret->header_bytes)
        return DLFW_NEED_IO;
    st = npy_dict_parse((const char *)data + prefix, dict_bytes, ret, reason);
    if (st < 0)
        return st;
    return measure(ret, reason);
}

uint32_t npy_header_write(uint8_t buf[NPY_WRITE_CAP], const char *descr, const uint64_t *dims, uint32_t ndim,
                          uint64_t last)
{
    char *text = (char *)buf + NPY_MIN_BYTES;
    const size_t cap = NPY_WRITE_CAP - NPY_MIN_BYTES;
    uint32_t n, total;

    n = (uint32_t)snprintf(text, cap, "{'descr': '%s', 'fortran_order': False, 'shape': (", descr);
    for (uint32_t i = 0; i < ndim; i++)
        n += (uint32_t)snprintf(text + n, cap - n, "%" PRIu64 ", ", dims[i]);
    n += (uint32_t)snprintf(text + n, cap - n, "%" PRIu64 "%s), }", last, ndim ? "" : ",");
    total = (NPY_MIN_BYTES + n + 1 + WRITE_ALIGN - 1) / WRITE_ALIGN * WRITE_ALIGN;
    memset(text + n, ' ', total - NPY_MIN_BYTES - n);
    buf[total - 1] = '\n';
    memcpy(buf, MAGIC "\x01\x00", NPY_MIN_BYTES - 2);
    put_le16(buf + 8, (uint16_t)(total - NPY_MIN_BYTES));
    return total;
}
