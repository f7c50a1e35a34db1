/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Choosing one member and bounding its bytes. The bound is the next member or the directory, so one range covers a
 * local header of unknown length and the data; members that would share bytes are refused, since they are how zip bombs
 * are built.
 */
#include "zip_dir.h"

#include "common/little_endian.h"
#include "common/span_set.h"
#include "zip_end.h"

#include <inttypes.h>
#include <stdbool.h>
#include <string.h>

#define ENTRY_SIGNATURE 0x02014b50u
#define ENTRY_FIXED 46u
#define LOCAL_VARIABLE_MAX (2u * 65535u) /* name and extra field of a local header */
#define ZIP64_ID 1u
/* deflate codes at most 258 bytes in two bits */
#define DEFLATE_MAX_RATIO 1032u

/* One directory entry; name is cut to what is comparable. */
struct entry {
    struct zip_member m;
    uint64_t pos; /* of the entry */
    uint64_t next;
    bool long_name;
};

struct zip_name_text zip_name_text(const char *name, uint32_t len)
{
    struct zip_name_text t;
    uint32_t i;

    for (i = 0; i < len && i < ZIP_NAME_MAX; i++)
        t.text[i] = (unsigned char)name[i] < 0x20 || name[i] == 0x7f ? '?' : name[i];
    t.text[i] = '\0';
    return t;
}

dlfw_status zip64_widen(const uint8_t *extra, uint32_t extra_len, uint64_t *bytes, uint64_t *stored_bytes,
                        uint64_t *offset)
{
    uint64_t *fields[] = {bytes, stored_bytes, offset};
    bool wanted = *bytes == UINT32_MAX || *stored_bytes == UINT32_MAX || (offset && *offset == UINT32_MAX);
    const uint8_t *end = extra + extra_len;

    if (!wanted)
        return DLFW_OK;
    while (end - extra >= 4) {
        uint32_t id = get_le16(extra), len = get_le16(extra + 2);

        extra += 4;
        if (len > end - extra)
            return DLFW_E_CORRUPT;
        if (id != ZIP64_ID) {
            extra += len;
            continue;
        }
        for (uint32_t i = 0; i < 3; i++) {
            if (!fields[i] || *fields[i] != UINT32_MAX)
                continue;
            if (len < 8)
                return DLFW_E_CORRUPT;
            *fields[i] = get_le64(extra);
            extra += 8;
            len -= 8;
        }
        return DLFW_OK;
    }
    return DLFW_E_CORRUPT;
}

/* Reads the entry at pos of a directory that ends at dir_end and has been read completely. */
static dlfw_status entry_at(const struct zip_search *s, uint64_t pos, const struct zip_end *end, struct entry *ret)
{
    const uint64_t dir_end = end->dir_offset + end->dir_bytes;
    uint8_t fixed[ENTRY_FIXED], extra[UINT16_MAX];
    uint32_t name_len, extra_len;
    struct zip_member *m = &ret->m;
    uint64_t bytes;

    if (dir_end - pos < ENTRY_FIXED || !span_copy(s->have, s->n_have, pos, fixed, sizeof fixed) ||
        get_le32(fixed) != ENTRY_SIGNATURE)
        return zip_fail(s, DLFW_E_CORRUPT, pos, "no zip directory entry");
    name_len = get_le16(fixed + 28);
    extra_len = get_le16(fixed + 30);
    bytes = ENTRY_FIXED + (uint64_t)name_len + extra_len + get_le16(fixed + 32);
    if (dir_end - pos < bytes)
        return zip_fail(s, DLFW_E_CORRUPT, pos, "zip directory entry reaches beyond the directory");
    ret->pos = pos;
    ret->next = pos + bytes;
    ret->long_name = name_len > ZIP_NAME_MAX;
    *m = (struct zip_member){.flags = get_le16(fixed + 8),
                             .method = get_le16(fixed + 10),
                             .crc = get_le32(fixed + 16),
                             .stored_bytes = get_le32(fixed + 20),
                             .bytes = get_le32(fixed + 24),
                             .name_len = (uint16_t)(ret->long_name ? ZIP_NAME_MAX : name_len),
                             .local_offset = get_le32(fixed + 42)};
    if (!span_copy(s->have, s->n_have, pos + ENTRY_FIXED, m->name, m->name_len) ||
        !span_copy(s->have, s->n_have, pos + ENTRY_FIXED + name_len, extra, extra_len) ||
        zip64_widen(extra, extra_len, &m->bytes, &m->stored_bytes, &m->local_offset) < 0)
        return zip_fail(s, DLFW_E_CORRUPT, pos, "zip directory entry without its 64-bit sizes");
    if (m->local_offset > end->dir_offset || end->dir_offset - m->local_offset < ZIP_LOCAL_FIXED ||
        m->stored_bytes > end->dir_offset - m->local_offset - ZIP_LOCAL_FIXED)
        return zip_fail(s, DLFW_E_CORRUPT, pos, "zip directory entry describes bytes outside the file's members");
    return DLFW_OK;
}

static bool name_is(const struct zip_member *m, const char *name, const char *suffix)
{
    size_t n = strlen(name), k = strlen(suffix);

    return m->name_len == n + k && memcmp(m->name, name, n) == 0 && memcmp(m->name + n, suffix, k) == 0;
}

/* 2: the member asked for (or x.npy); 1: an array; 0: neither. */
static int fitness(const struct zip_search *s, const struct entry *e)
{
    if (e->long_name)
        return 0;
    if (s->wanted)
        return name_is(&e->m, s->wanted, "") || name_is(&e->m, s->wanted, ".npy") ? 2 : 0;
    if (name_is(&e->m, "x.npy", ""))
        return 2;
    return e->m.name_len >= 4 && memcmp(e->m.name + e->m.name_len - 4, ".npy", 4) == 0;
}

static dlfw_status not_found(const struct zip_search *s, const struct zip_end *end, const struct entry *first)
{
    const dlfw_object *o = s->object;
    struct zip_name_text name = zip_name_text(first->m.name, first->m.name_len);

    if (!end->entries)
        return dlfw_fail(s->err, DLFW_E_NOT_FOUND,
                         "'%.*s': empty zip directory at offset %" PRIu64 ": it holds no array", (int)o->name_len,
                         o->name, end->dir_offset);
    if (s->wanted)
        return dlfw_fail(s->err, DLFW_E_NOT_FOUND,
                         "'%.*s': no member '%s' in the directory at offset %" PRIu64 " (%" PRIu64
                         " members, the first is '%s'); set the option 'member'",
                         (int)o->name_len, o->name, s->wanted, end->dir_offset, end->entries, name.text);
    return dlfw_fail(s->err, DLFW_E_NOT_FOUND,
                     "'%.*s': no .npy member in the directory at offset %" PRIu64 " (%" PRIu64
                     " members, the first is '%s')",
                     (int)o->name_len, o->name, end->dir_offset, end->entries, name.text);
}

static dlfw_status choose(const struct zip_search *s, const struct zip_end *end, struct entry *ret)
{
    uint64_t pos = end->dir_offset;
    struct entry e = {.pos = pos}, first = e;
    int best = 0;

    for (uint64_t i = 0; i < end->entries; i++) {
        dlfw_status st = entry_at(s, pos, end, &e);
        int fit;

        if (st < 0)
            return st;
        if (i == 0)
            first = e;
        fit = fitness(s, &e);
        if (fit == 2 && best == 2)
            return zip_fail(s, DLFW_E_CORRUPT, pos, "the member to read is in the zip directory twice, again");
        if (fit > best) {
            *ret = e;
            best = fit;
        }
        pos = e.next;
    }
    return best ? DLFW_OK : not_found(s, end, &first);
}

void zip_member_cut_gap(struct zip_member *m)
{
    const uint64_t most = ZIP_LOCAL_FIXED + LOCAL_VARIABLE_MAX + m->stored_bytes;

    if (m->end_bound - m->local_offset > most)
        m->end_bound = m->local_offset + most;
}

/* Sets end_bound of the chosen member; refuses members that share its bytes. */
static dlfw_status bound(const struct zip_search *s, const struct zip_end *end, struct entry *chosen)
{
    struct zip_member *m = &chosen->m;
    const uint64_t least = ZIP_LOCAL_FIXED + (uint64_t)m->name_len + m->stored_bytes;
    uint64_t limit = end->dir_offset, pos = end->dir_offset;
    struct entry e;

    for (uint64_t i = 0; i < end->entries; i++) {
        dlfw_status st = entry_at(s, pos, end, &e);
        const struct zip_member *o = &e.m;

        if (st < 0)
            return st;
        pos = e.next;
        if (e.pos == chosen->pos)
            continue;
        if (o->local_offset == m->local_offset ||
            (o->local_offset < m->local_offset &&
             o->local_offset + ZIP_LOCAL_FIXED + o->name_len + o->stored_bytes > m->local_offset))
            return zip_fail(s, DLFW_E_CORRUPT, e.pos, "zip members overlap according to the directory entry");
        if (o->local_offset > m->local_offset && o->local_offset < limit)
            limit = o->local_offset;
    }
    if (limit - m->local_offset < least)
        return zip_fail(s, DLFW_E_CORRUPT, chosen->pos, "zip members overlap according to the directory entry");
    m->end_bound = limit;
    zip_member_cut_gap(m);
    return DLFW_OK;
}

static dlfw_status readable(const struct zip_search *s, const struct entry *e)
{
    const struct zip_member *m = &e->m;

    if (m->flags & (ZIP_FLAG_ENCRYPTED | ZIP_FLAG_MASKED))
        return zip_fail(s, DLFW_E_UNSUPPORTED, e->pos, "encrypted zip members are not read; found");
    if (m->method != ZIP_STORED && m->method != ZIP_DEFLATED)
        return dlfw_fail(s->err, DLFW_E_UNSUPPORTED,
                         "'%.*s': zip compression method %u is not read (stored and deflated are) at offset %" PRIu64,
                         (int)s->object->name_len, s->object->name, m->method, e->pos);
    if (m->method == ZIP_STORED ? m->bytes != m->stored_bytes : m->bytes / DEFLATE_MAX_RATIO > m->stored_bytes)
        return zip_fail(s, DLFW_E_CORRUPT, e->pos, "impossible sizes in the zip directory entry");
    return DLFW_OK;
}

dlfw_status zip_find_member(const struct zip_search *s, struct zip_member *ret)
{
    struct zip_end end = {0};
    struct entry chosen = {0};
    dlfw_status st;

    st = zip_find_end(s, &end);
    if (st != DLFW_OK)
        return st;
    st = zip_need(s, end.dir_offset, end.dir_offset + end.dir_bytes);
    if (st != DLFW_OK)
        return st;
    st = choose(s, &end, &chosen);
    if (st < 0)
        return st;
    st = readable(s, &chosen);
    if (st < 0)
        return st;
    st = bound(s, &end, &chosen);
    if (st < 0)
        return st;
    *ret = chosen.m;
    return DLFW_OK;
}

dlfw_status zip_list_members(const struct zip_search *s,
                             dlfw_status (*each)(void *ctx, const struct zip_member *m, bool readable), void *ctx)
{
    struct zip_end end = {0};
    struct entry e = {0};
    dlfw_status st;

    st = zip_find_end(s, &end);
    if (st != DLFW_OK)
        return st;
    st = zip_need(s, end.dir_offset, end.dir_offset + end.dir_bytes);
    if (st != DLFW_OK)
        return st;
    e.next = end.dir_offset;
    for (uint64_t i = 0; i < end.entries && st >= 0; i++) {
        bool is_readable;

        st = entry_at(s, e.next, &end, &e);
        if (st < 0)
            break;
        is_readable = !(e.m.flags & (ZIP_FLAG_ENCRYPTED | ZIP_FLAG_MASKED)) &&
                      (e.m.method == ZIP_STORED || e.m.method == ZIP_DEFLATED);
        if (is_readable)
            st = readable(s, &e);
        e.m.end_bound = end.dir_offset;
        if (st >= 0)
            st = each(ctx, &e.m, is_readable);
    }
    return st;
}
