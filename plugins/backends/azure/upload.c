/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs written in parts: Put Block for each, Put Block List publishes them. The ids of blocks carry a random number of
 * the upload, so that two writers of one blob never take each other's blocks, and the blob itself tells who wrote it.
 * Blocks that no list names are invisible, and the service drops them after a week or with the next commit of the blob.
 */
#include "azure.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#define RANDOM_BYTES 10u
#define NO_BLOCK "-" /* the tag of a part without bytes: the service takes no empty blocks */

struct committed {
    const struct cloud_upload *up;
    const struct text *ids; /* expected, one after the other, each of the same length */
    size_t id_len;
    uint32_t count;
    bool differs;
};

void az_block_id(const struct text *id, uint64_t number, struct text *to)
{
    uint8_t raw[4 + RANDOM_BYTES + 4] = {'d', 'l', 'f', 'w'};

    memcpy(raw + 4, id->data, RANDOM_BYTES);
    for (uint32_t i = 0; i < 4; i++)
        raw[4 + RANDOM_BYTES + i] = (uint8_t)(number >> (24 - 8 * i));
    cloud_base64(to, raw, sizeof raw, false); /* 18 bytes: 24 characters, no padding */
}

static dlfw_status locate(const struct cloud_call *call, struct az_place *ret, dlfw_error *err)
{
    const struct az_settings *s = &az_backend(call)->settings;
    dlfw_status st;

    *ret = az_place_of(s->container.data, s->container.len, call->upload->key.data, call->upload->key.len);
    st = az_container_name_check(ret->container, ret->container_len, err);
    return st == DLFW_OK ? az_blob_name_check(ret->blob, ret->blob_len, err) : st;
}

static dlfw_status begin(struct cloud_call *call, dlfw_error *err)
{
    struct az_place place;
    uint8_t raw[RANDOM_BYTES];
    dlfw_status st = locate(call, &place, err);

    if (st < 0)
        return st;
    if (getrandom(raw, sizeof raw, 0) != (ssize_t)sizeof raw)
        return dlfw_fail_errno(err, errno, "no random number for an upload");
    text_add(&call->upload->id, raw, sizeof raw);
    return call->upload->id.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload") : DLFW_END;
}

static dlfw_status build_part(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "PUT", .has_body = true, .body_len = call->req->length};
    struct text id = {0};
    struct text md5 = {0};
    dlfw_status st = locate(call, &m.place, err);

    if (st == DLFW_OK && call->req->arg >= AZ_BLOCKS_MAX)
        st = dlfw_fail(err, DLFW_E_INVALID, "a blob has at most %u parts, this is number %llu; write larger ones",
                       AZ_BLOCKS_MAX, (unsigned long long)call->req->arg + 1);
    if (st == DLFW_OK && call->req->length > AZ_BLOCK_MAX)
        st = dlfw_fail(err, DLFW_E_INVALID, "a part has at most %llu bytes", (unsigned long long)AZ_BLOCK_MAX);
    if (st < 0)
        return st;
    if (!call->req->length)
        return cloud_upload_set_part(call->upload, call->req->arg, NO_BLOCK, sizeof NO_BLOCK - 1, 0, 0)
                   ? DLFW_END
                   : dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an upload");
    az_block_id(&call->upload->id, call->req->arg, &id);
    az_query_str(&m, "comp", "block");
    az_query(&m, "blockid", id.data, id.len);
    if (az_backend(call)->md5) {
        uint8_t sum[16];

        cloud_md5(call->req->buf, call->req->length, sum);
        cloud_base64(&md5, sum, sizeof sum, false);
        m.content_md5 = md5.data;
    }
    call->body[0] = (struct iovec){call->req->buf, call->req->length};
    call->x.body = call->body;
    call->x.body_count = 1;
    st = id.failed || md5.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request")
                                 : az_send(call, &m, NULL, err);
    text_free(&id);
    text_free(&md5);
    return st;
}

/* "<Latest>id</Latest>" for each part, in order. Latest and not Uncommitted: a commit whose answer was lost is tried
 * again, and its blocks are committed ones then. */
static dlfw_status add_blocks(const struct cloud_call *call, struct text *to, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;
    uint64_t total = 0;

    text_clear(to);
    text_str(to, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>");
    for (uint32_t i = 0; i < up->part_count; i++) {
        if (!up->parts[i].tag[0])
            return dlfw_fail(err, DLFW_E_INVALID, "part %u is missing", i);
        total += up->parts[i].size;
        if (strcmp(up->parts[i].tag, NO_BLOCK) == 0)
            continue;
        text_str(to, "<Latest>");
        text_str(to, up->parts[i].tag);
        text_str(to, "</Latest>");
    }
    text_str(to, "</BlockList>");
    if (total != call->req->arg)
        return dlfw_fail(err, DLFW_E_INVALID, "the parts have %llu bytes together, the commit says %llu",
                         (unsigned long long)total, (unsigned long long)call->req->arg);
    return DLFW_OK;
}

static dlfw_status build_commit(struct cloud_call *call, dlfw_error *err)
{
    struct az_message m = {.method = "PUT", .only_new = (call->upload->flags & DLFW_REQ_EXCLUSIVE) != 0};
    dlfw_status st = locate(call, &m.place, err);

    if (st < 0)
        return st;
    if (call->step == AZ_OWN) {
        m = (struct az_message){.method = "GET", .place = m.place};
        az_query_str(&m, "comp", "blocklist");
        az_query_str(&m, "blocklisttype", "committed");
        call->x.reply_max = 32u << 20;
        return az_send(call, &m, NULL, err);
    }
    st = add_blocks(call, &call->scratch, err);
    if (st < 0)
        return st;
    if (call->scratch.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for the request");
    call->upload->commit_tries++;
    az_query_str(&m, "comp", "blocklist");
    m.content_type = "application/xml";
    m.has_body = true;
    m.body_len = call->scratch.len;
    call->body[0] = (struct iovec){call->scratch.data, call->scratch.len};
    call->x.body = call->body;
    call->x.body_count = 1;
    return az_send(call, &m, NULL, err);
}

dlfw_status az_build_upload(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_WRITE_BEGIN:
        return begin(call, err);
    case DLFW_OP_WRITE_PART:
        return build_part(call, err);
    case DLFW_OP_WRITE_COMMIT:
        return build_commit(call, err);
    default:
        return DLFW_END; /* ABORT: blocks without a list are not there for anybody */
    }
}

static bool each_block(void *ctx, const char *path, const char *text, size_t len)
{
    struct committed *c = ctx;

    if (strcmp(path, "BlockList/CommittedBlocks/Block/Name") != 0)
        return true;
    c->differs = len != c->id_len || (c->count + 1) * c->id_len > c->ids->len ||
                 memcmp(c->ids->data + c->count * c->id_len, text, len) != 0;
    c->count++;
    return !c->differs;
}

/* A commit was refused that an earlier try of ours may have made good: the blocks of the blob tell. */
static dlfw_status judge_own(struct cloud_call *call, dlfw_error *err)
{
    const struct cloud_upload *up = call->upload;
    struct text ids = {0};
    struct committed c = {.up = up, .ids = &ids, .id_len = 24};
    struct cloud_xml xml = {.ctx = &c, .each = each_block};
    dlfw_status st;

    for (uint32_t i = 0; i < up->part_count; i++)
        if (strcmp(up->parts[i].tag, NO_BLOCK) != 0)
            text_str(&ids, up->parts[i].tag);
    if (ids.failed)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory for a list of blocks");
    else
        st = cloud_xml_walk(call->x.reply.data, call->x.reply.len, &xml, err);
    if (st == DLFW_OK && (c.differs || c.count == 0 || c.count * c.id_len != ids.len))
        st = up->flags & DLFW_REQ_EXCLUSIVE
                 ? dlfw_fail(err, DLFW_E_EXISTS, "the blob exists already, and its blocks are not those of this upload")
                 : dlfw_fail(err, DLFW_E_BUSY,
                             "another writer committed this blob meanwhile, which dropped the parts of this one");
    text_free(&ids);
    return st;
}

dlfw_status az_answered_commit(struct cloud_call *call, dlfw_error *err)
{
    return call->step == AZ_OWN ? judge_own(call, err) : DLFW_OK;
}
