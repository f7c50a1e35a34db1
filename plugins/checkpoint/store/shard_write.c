/* SPDX-License-Identifier: Apache-2.0 */
#include "shard_write.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "crc_join.h"
#include "part_ring.h"

#define BLOCK_BYTES ((uint64_t)64 << 10) /* content is made in these blocks of a tensor */
#define HINT_FROM ((uint64_t)64 << 30)

struct writing {
    const struct store *store;
    const struct shard_settings *settings;
    const struct model_plan *plan;
    const struct tensor_content *content;
    dlfw_writer *writer;
    struct manifest_shard *shard;
    struct shard_written *ret;
    uint64_t model_bytes;
    uint64_t begin_ns, model_end_ns; /* 0: not there yet */
};

void shard_written_free(struct shard_written *w)
{
    free(w->shard.parts);
    *w = (struct shard_written){0};
}

static dlfw_status check_cancelled(const struct store *store, dlfw_error *reterr)
{
    if (store->host->cancelled(store->host_ctx))
        return dlfw_fail(reterr, DLFW_E_CANCELLED, "stopped while a checkpoint was saved");
    return DLFW_OK;
}

/* One part more, whose bytes have been appended. */
static void add_part(struct writing *w, uint64_t raw_bytes, uint64_t stored_bytes, uint32_t raw_crc,
                     uint32_t stored_crc)
{
    struct manifest_shard *s = w->shard;

    s->parts[s->part_count++] =
        (struct part_entry){.raw_bytes = (uint32_t)raw_bytes, .stored_bytes = (uint32_t)stored_bytes, .crc = raw_crc};
    s->crc = crc32c_join(s->crc, stored_crc, stored_bytes);
    s->raw_bytes += raw_bytes;
    s->size += stored_bytes;
    if (!w->model_end_ns && s->raw_bytes >= w->model_bytes)
        w->model_end_ns = w->store->host->now_ns();
}

/* Makes the part where it will lie: in the window of the writer. */
static dlfw_status write_plain_part(struct writing *w, struct shard_part *part, dlfw_error *reterr)
{
    const dlfw_hook_services *services = w->store->services;
    uint32_t crc = 0;
    uint64_t done = 0;

    while (done < part->bytes) {
        uint64_t n = BLOCK_BYTES - part->from.offset % BLOCK_BYTES, room = 0;
        void *to = NULL;
        dlfw_status st = services->writer_window(w->writer, &to, &room, reterr);

        if (st < 0)
            return st;
        n = n < part->bytes - done ? n : part->bytes - done;
        n = n < room ? n : room;
        shard_fill(&part->from, w->content, to, n);
        crc = w->store->host->crc32c(crc, to, n);
        st = services->writer_advance(w->writer, n, reterr);
        if (st < 0)
            return st;
        done += n;
    }
    add_part(w, part->bytes, part->bytes, crc, crc);
    return check_cancelled(w->store, reterr);
}

static dlfw_status write_plain(struct writing *w, dlfw_error *reterr)
{
    struct shard_cursor cursor;
    struct shard_part part;
    dlfw_status st = DLFW_OK;

    shard_cursor_init(&cursor, w->plan);
    while (st >= 0 && shard_next_part(&cursor, w->settings->part_bytes, &part))
        st = write_plain_part(w, &part, reterr);
    return st;
}

static dlfw_status make_part(void *ctx, struct part_coder *coder, struct part_slot *slot, dlfw_error *reterr)
{
    const struct writing *w = ctx;
    const dlfw_host *host = w->store->host;
    struct shard_part *part = slot->user;
    dlfw_status st;

    shard_fill(&part->from, w->content, slot->raw, part->bytes);
    slot->raw_crc = host->crc32c(0, slot->raw, part->bytes);
    st = part_encode(coder, w->settings->codec, tensor_type_bytes(part->type), slot->raw_crc, slot->raw, part->bytes,
                     slot->stored, &slot->stored_bytes, reterr);
    if (st >= 0)
        slot->stored_crc = host->crc32c(0, slot->stored, slot->stored_bytes);
    return st;
}

/* Puts parts on their way while there are free slots. */
static void feed(struct part_ring *ring, struct shard_cursor *cursor, uint64_t part_bytes)
{
    struct part_slot *slot;

    while ((slot = part_ring_next(ring)) && shard_next_part(cursor, part_bytes, slot->user)) {
        slot->raw_bytes = ((struct shard_part *)slot->user)->bytes;
        part_ring_send(ring);
    }
}

static dlfw_status drain(struct writing *w, struct part_ring *ring, struct shard_cursor *cursor, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;

    while (st >= 0) {
        struct part_slot *slot = NULL;

        feed(ring, cursor, w->settings->part_bytes);
        st = part_ring_take(ring, &slot, reterr);
        if (st < 0 || !slot)
            break;
        st = w->store->services->writer_append(w->writer, slot->stored, slot->stored_bytes, reterr);
        if (st < 0)
            break;
        add_part(w, slot->raw_bytes, slot->stored_bytes, slot->raw_crc, slot->stored_crc);
        st = check_cancelled(w->store, reterr);
    }
    return st;
}

static dlfw_status write_coded(struct writing *w, dlfw_error *reterr)
{
    const struct shard_settings *s = w->settings;
    struct part_ring_args args = {.host = w->store->host,
                                  .work = make_part,
                                  .ctx = w,
                                  .threads = s->threads,
                                  .slots = s->slots,
                                  .raw_bytes = s->part_bytes,
                                  .stored_bytes = part_bound(s->codec, s->part_bytes),
                                  .user_bytes = sizeof(struct shard_part),
                                  .level = s->level};
    struct part_ring *ring = NULL;
    struct shard_cursor cursor;
    struct part_slot *slot;
    dlfw_status st = part_ring_create(&args, &ring, reterr);

    if (st < 0)
        return st;
    shard_cursor_init(&cursor, w->plan);
    if (cursor.at_end) { /* a rank without tensors still has a shard that decodes: one empty part */
        slot = part_ring_next(ring);
        *(struct shard_part *)slot->user = (struct shard_part){.from = cursor};
        slot->raw_bytes = 0;
        part_ring_send(ring);
    }
    st = drain(w, ring, &cursor, reterr);
    part_ring_destroy(ring);
    return st;
}

/* Bytes and parts that will come. At least one part, so that a table is never empty. */
static dlfw_status reserve_parts(struct writing *w, uint64_t *ret_bytes, dlfw_error *reterr)
{
    struct shard_cursor cursor;
    struct shard_part part;
    uint64_t count = 0;

    *ret_bytes = 0;
    for (shard_cursor_init(&cursor, w->plan); shard_next_part(&cursor, w->settings->part_bytes, &part); count++)
        *ret_bytes += part.bytes;
    if (count > UINT32_MAX / 16)
        return dlfw_fail(reterr, DLFW_E_CONFIG,
                         "a shard of %" PRIu64 " bytes has more parts than a manifest takes; make 'part_size' larger",
                         *ret_bytes);
    w->shard->parts = calloc(count + 1, sizeof *w->shard->parts);
    return w->shard->parts ? DLFW_OK
                           : dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate %" PRIu64 " parts", count + 1);
}

/* The writer reserves what it is told: right for plain bytes; coded ones need less, nobody knows how much. Services
 * that count parts take 64 GiB without being told. */
static uint64_t size_hint(enum codec codec, uint64_t raw_bytes)
{
    return codec == CODEC_NONE || raw_bytes >= HINT_FROM ? raw_bytes : 0;
}

static void take_times(struct writing *w)
{
    uint64_t end_ns = w->store->host->now_ns(), model_end_ns = w->model_end_ns ? w->model_end_ns : end_ns;

    w->ret->model_ns = w->model_bytes ? model_end_ns - w->begin_ns : 0;
    w->ret->optimizer_ns = end_ns - w->begin_ns - w->ret->model_ns;
}

dlfw_status shard_write(const struct store *store, const char *key, const struct shard_settings *settings,
                        const struct model_plan *plan, const struct tensor_content *content, struct shard_written *ret,
                        dlfw_error *reterr)
{
    struct writing w = {.store = store,
                        .settings = settings,
                        .plan = plan,
                        .content = content,
                        .shard = &ret->shard,
                        .ret = ret,
                        .begin_ns = store->host->now_ns()};
    uint64_t raw_bytes = 0, optimizer_bytes = 0;
    char uri[STORE_URI_MAX];
    dlfw_status st = store_uri(store, key, uri, reterr);

    *ret = (struct shard_written){.shard = {.rank = plan->rank, .codec = settings->codec, .has_crc = true}};
    memcpy(ret->shard.key, key, strlen(key) + 1);
    model_plan_rank_bytes(plan, &w.model_bytes, &optimizer_bytes);
    if (st >= 0)
        st = reserve_parts(&w, &raw_bytes, reterr);
    if (st >= 0)
        st = store->services->writer_open(store->services_ctx, uri, size_hint(settings->codec, raw_bytes), store->flags,
                                          &w.writer, reterr);
    if (st < 0)
        return st;
    st = settings->codec == CODEC_NONE ? write_plain(&w, reterr) : write_coded(&w, reterr);
    if (st >= 0 && !ret->shard.part_count)
        add_part(&w, 0, 0, 0, 0);
    if (st < 0) {
        store->services->writer_abort(w.writer);
        return st;
    }
    st = store->services->writer_commit(w.writer, reterr);
    take_times(&w);
    return st;
}
