/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Members go out one behind the other; a member's CRC is known when its last byte is made, so it stands behind the data
 * and in the directory. Of all that, only four bytes per member are kept.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "file_container.h"
#include "pickle_stream.h"
#include "torch_layout.h"

struct torch_file {
    struct out_stream *out;
    const struct model_plan *plan;
    const struct plan_file *file;
    const struct tensor_content *content;
    uint64_t pickle_bytes;
    uint64_t members;
    uint32_t *crcs; /* of each member */
};

static dlfw_status write_pickle(struct torch_file *f, uint32_t *crc, dlfw_error *reterr)
{
    uint8_t chunk[PICKLE_CHUNK_MAX];
    struct pickle_stream s;
    dlfw_status st = DLFW_OK;
    uint32_t n;

    pickle_open(&s, f->plan, f->file);
    while (st >= 0 && (n = pickle_next(&s, chunk)) > 0) {
        *crc = f->out->host->crc32(*crc, chunk, n);
        st = out_put(f->out, chunk, n, reterr);
    }
    return st;
}

static dlfw_status write_data(struct torch_file *f, const struct torch_member *m, uint32_t *crc, dlfw_error *reterr)
{
    struct plan_tensor t;

    if (m->kind == TORCH_PICKLE)
        return write_pickle(f, crc, reterr);
    if (m->kind == TORCH_TEXT) {
        *crc = f->out->host->crc32(0, m->text, m->bytes);
        return out_put(f->out, m->text, m->bytes, reterr);
    }
    model_plan_tensor(f->plan, f->file, m->tensor, &t);
    return out_tensor(f->out, f->content, t.object, t.type, t.bytes, crc, reterr);
}

static dlfw_status write_members(struct torch_file *f, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;

    for (uint64_t i = 0; i < f->members && st >= 0; i++) {
        uint8_t record[ZIP_RECORD_MAX];
        struct torch_member m;
        struct zip_member z;

        torch_member_at(f->plan, f->file, f->pickle_bytes, i, &m);
        z = (struct zip_member){.name = m.name, .offset = f->out->offset, .bytes = m.bytes};
        st = out_put(f->out, record, zip_put_local(record, &z), reterr);
        if (st >= 0)
            st = write_data(f, &m, &f->crcs[i], reterr);
        z.crc = f->crcs[i];
        if (st >= 0)
            st = out_put(f->out, record, zip_put_descriptor(record, &z), reterr);
    }
    return st;
}

/* The offsets are found again as they were found while writing. */
static dlfw_status write_directory(struct torch_file *f, dlfw_error *reterr)
{
    const uint64_t dir_offset = f->out->offset;
    uint8_t record[ZIP_RECORD_MAX];
    dlfw_status st = DLFW_OK;
    uint64_t offset = 0;

    for (uint64_t i = 0; i < f->members && st >= 0; i++) {
        struct torch_member m;
        struct zip_member z;

        torch_member_at(f->plan, f->file, f->pickle_bytes, i, &m);
        z = (struct zip_member){.name = m.name, .offset = offset, .bytes = m.bytes, .crc = f->crcs[i]};
        offset += zip_put_local(record, &z) + m.bytes + zip_put_descriptor(record, &z);
        st = out_put(f->out, record, zip_put_dir(record, &z), reterr);
    }
    if (st < 0)
        return st;
    return out_put(f->out, record, zip_put_end(record, f->members, dir_offset, f->out->offset - dir_offset), reterr);
}

dlfw_status torch_write(struct out_stream *o, const struct model_plan *plan, const struct plan_file *file,
                        const struct tensor_content *content, dlfw_error *reterr)
{
    struct torch_file f = {.out = o,
                           .plan = plan,
                           .file = file,
                           .content = content,
                           .pickle_bytes = pickle_size(plan, file),
                           .members = torch_member_count(file)};
    dlfw_status st;

    f.crcs = calloc(f.members, sizeof *f.crcs);
    if (!f.crcs)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate the checksums of %" PRIu64 " members", f.members);
    st = write_members(&f, reterr);
    if (st >= 0)
        st = write_directory(&f, reterr);
    free(f.crcs);
    return st;
}

uint64_t container_write_memory(uint32_t container, const struct plan_file *file)
{
    return container == CONTAINER_TORCH ? torch_member_count(file) * sizeof(uint32_t) : 0;
}
