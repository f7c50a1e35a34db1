/* SPDX-License-Identifier: Apache-2.0 */
/* What the loader delivers: every sample of the epoch once, in the order of the epoch, with its bytes, whatever the run
 * file, format and backend. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"
#include "support/memory_dataset.h"

#define CASES 64
#define HOLD_MAX 3
#define PIECE 4096u

static uint64_t seed, draws;

static uint64_t draw(uint64_t below)
{
    return hash_mix(seed + ++draws * 0x9e3779b97f4a7c15ull) % below;
}

static bool one_in(uint64_t n)
{
    return draw(n) == 0;
}

struct drawn_case {
    struct memory_config m;
    uint64_t batch;
    uint32_t ranks;
    uint64_t threads, prefetch, depth, transfer_size;
    uint32_t file_shuffle, sample_shuffle;
    bool sequential;
    bool unordered, stream;
    bool tight;    /* a memory budget of one batch */
    uint64_t hold; /* batches in use at once */
};

static uint32_t draw_align(void)
{
    static const uint32_t aligns[] = {0, 0, 512, 4096};

    return aligns[draw(4)];
}

static struct script_config draw_backend(void)
{
    struct script_config b = {.native = !one_in(3)};

    b.blocking = !b.native || one_in(4);
    b.no_queue = b.native && b.blocking && one_in(2);
    b.caps = one_in(3) ? DLFW_BACKEND_LOCAL : 0;
    b.jitter_ns = b.native && one_in(2) ? 100000 : 0;
    b.submit_max = one_in(4) ? 1 : 0;
    b.without = one_in(3) ? DLFW_OP_BIT(DLFW_OP_OPEN) | DLFW_OP_BIT(DLFW_OP_CLOSE) : 0;
    b.thread_class = one_in(6) ? DLFW_THREADS_SERIAL_INSTANCE : DLFW_THREADS_PER_QUEUE;
    b.limits.mem_align = draw_align();
    b.limits.read_offset_align = draw_align();
    b.limits.read_length_align = draw_align();
    b.limits.max_io = one_in(4) ? 2 * PIECE : 0;
    b.limits.max_inflight = one_in(4) ? 1 + (uint32_t)draw(3) : 0;
    return b;
}

/* Objects of far less than a piece, about one piece, or several. */
static uint64_t draw_sample_bytes(const struct memory_config *m)
{
    switch (draw(4)) {
    case 0:
        return MEMORY_SAMPLE_MIN + draw(100);
    case 1:
        return PIECE / m->samples_per_file - draw(PIECE / m->samples_per_file / 2);
    case 2:
        return m->samples_per_file > 1
                   ? PIECE
                   : PIECE - 32 - 48 - 13 - 1 + draw(3); /* one unit of one sample: a piece exactly, or a byte off */
    default:
        return PIECE + draw(4 * PIECE);
    }
}

static struct memory_config draw_dataset(void)
{
    struct memory_config m = {.files = 1 + (one_in(4) ? draw(200) : draw(40)),
                              .samples_per_file = 1 + (one_in(3) ? 0 : draw(7))};

    m.units = 1 + (uint32_t)draw(m.samples_per_file < 3 ? m.samples_per_file : 3);
    m.ranges = 1 + (uint32_t)draw(2);
    m.metadata_rounds = (uint32_t)draw(3);
    m.decodes_elsewhere = one_in(4);
    m.sample_ranges = one_in(5);
    m.told_unit = !m.sample_ranges && one_in(3) ? 1 + draw(m.samples_per_file) : 0;
    m.table_aside = one_in(4);
    m.thread_class = one_in(4) ? DLFW_THREADS_SERIAL_PROCESS + (uint32_t)draw(2) : DLFW_THREADS_PER_QUEUE;
    m.sample_bytes = draw_sample_bytes(&m);
    m.sample_more = one_in(2) ? draw(m.sample_bytes) : 0;
    m.tell_nothing = one_in(6);
    m.tell_bytes = m.tell_nothing || !one_in(5) ? 0 : 1 + draw(8);
    m.backend = draw_backend();
    if (m.backend.without) /* the listing's size is believed where opening does not tell it */
        m.tell_bytes = 0;
    return m;
}

static struct drawn_case draw_case(uint64_t index)
{
    struct drawn_case c = {0};

    draws = index * 1000;
    c.m = draw_dataset();
    c.batch = 1 + draw(9);
    c.ranks = 1 + (uint32_t)draw(4);
    if (c.m.files * c.m.samples_per_file < c.batch * c.ranks)
        c.m.files = c.batch * c.ranks;
    c.threads = draw(5);
    c.prefetch = draw(6);
    c.depth = one_in(4) ? 0 : 1 + draw(6);
    c.transfer_size = one_in(4) ? 2 * PIECE : PIECE;
    c.file_shuffle = (uint32_t)draw(3);
    c.sample_shuffle = (uint32_t)draw(3);
    c.sequential = one_in(8);
    c.unordered = one_in(3);
    c.stream = one_in(3);
    c.tight = one_in(3);
    if (!c.stream && !c.tight && !c.unordered && !c.m.decodes_elsewhere && !c.m.tell_nothing && !c.m.tell_bytes)
        c.hold = draw(HOLD_MAX + 1);
    return c;
}

static struct memory_dataset *open_case(const struct drawn_case *c)
{
    struct memory_dataset *md = memory_dataset_create(&c->m);
    struct run_config *cfg = &md->cfg;

    cfg->reader.read_threads = c->threads;
    cfg->reader.prefetch_size = c->prefetch;
    cfg->reader.queue_depth = c->depth;
    cfg->reader.transfer_size = c->transfer_size;
    cfg->reader.file_shuffle = c->file_shuffle;
    cfg->reader.sample_shuffle = c->sample_shuffle;
    cfg->reader.delivery = c->unordered ? DELIVERY_UNORDERED : DELIVERY_ORDERED;
    cfg->reader.samples = c->stream ? SAMPLES_STREAM : SAMPLES_KEEP;
    cfg->compat.sequential_order = c->sequential;
    return md;
}

static struct loader *create_loader(struct memory_dataset *md, uint64_t batch, uint32_t rank, uint32_t ranks,
                                    bool tight)
{
    struct loader_args args = memory_dataset_args(md, batch, rank, ranks);
    struct loader *l = NULL;
    struct error_slot err;

    error_slot_init(&err);
    md->cfg.reader.memory_budget = 0;
    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    if (!tight)
        return l;
    md->cfg.reader.memory_budget = loader_batch_bytes(l);
    loader_destroy(l);
    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return l;
}

/* What the order keeps together. */
static uint64_t order_unit(const struct memory_dataset *md)
{
    if (md->config.told_unit)
        return md->config.told_unit;
    return md->config.sample_ranges ? 1 : md->config.samples_per_file;
}

/* The order that the epoch is to have. */
static struct sample_order expected_order(const struct memory_dataset *md, uint64_t epoch)
{
    const struct run_config *cfg = &md->cfg;
    bool samples = !cfg->compat.sequential_order && cfg->reader.sample_shuffle != SHUFFLE_OFF;
    bool files = samples || (!cfg->compat.sequential_order && cfg->reader.file_shuffle != SHUFFLE_OFF);
    struct sample_order o;

    sample_order_init(&o, md->config.files, md->config.samples_per_file, order_unit(md), files, samples,
                      cfg->train.seed, cfg->train.seed_change_epoch ? epoch : 0);
    return o;
}

static uint64_t expected_index(const struct sample_order *o, uint64_t position)
{
    struct sample_place at = sample_order_at(o, position);

    return at.file * o->samples_per_file + at.sample;
}

struct held {
    struct batch batch;
    uint64_t first_position;
};

static void check_views(const struct memory_dataset *md, const struct sample_order *o, const struct held *h)
{
    for (uint64_t i = 0; h->batch.views && i < h->batch.samples; i++)
        ck_assert_uint_eq(memory_identify(md, &h->batch.views[i]), expected_index(o, h->first_position + i));
}

/* Takes all batches of one rank, holding some of them; marks their samples in seen. */
static uint64_t drain(const struct drawn_case *c, struct memory_dataset *md, struct loader *l,
                      const struct sample_order *o, struct shard shard, uint8_t *seen)
{
    struct held held[HOLD_MAX + 1];
    uint64_t count = 0, taken = 0,
             slots =
                 c->threads ? c->threads * (((c->prefetch ? c->prefetch : 2) + c->threads - 1) / c->threads) + 1 : 1;
    uint64_t hold = c->hold < slots ? c->hold : slots - 1, hash = 0;
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    for (;;) {
        struct held *h = &held[count];

        st = loader_next(l, &h->batch, &err.e);
        if (st != DLFW_OK)
            break;
        ck_assert(c->unordered || h->batch.index == taken);
        ck_assert_uint_lt(h->batch.index, shard.steps);
        ck_assert_uint_eq(h->batch.samples, c->batch);
        ck_assert((h->batch.views == NULL) == c->stream);
        taken++;
        h->first_position = shard.first + h->batch.index * c->batch;
        for (uint64_t i = 0; i < c->batch; i++) {
            uint64_t index = expected_index(o, h->first_position + i);

            ck_assert_uint_eq(seen[index]++, 0);
            hash += hash_mix(index + 1);
        }
        check_views(md, o, h);
        if (++count <= hold)
            continue;
        check_views(md, o, &held[0]);
        loader_release(l, &held[0].batch);
        memmove(held, held + 1, --count * sizeof *held);
    }
    if (st != DLFW_END)
        ck_abort_msg("%s", err.text);
    ck_assert_uint_eq(taken, shard.steps);
    while (count)
        loader_release(l, &held[--count].batch);
    return hash;
}

/* How many units the format has to see: those that hold wanted samples, once per visit. */
static uint64_t expected_units(const struct memory_dataset *md, const struct sample_order *o, struct shard shard,
                               uint64_t batch)
{
    uint64_t units = md->config.sample_ranges ? md->config.samples_per_file : md->config.units;
    uint64_t per_file = md->config.samples_per_file, count = 0, mask = 0;

    for (uint64_t i = 0; i < shard.steps * batch; i++) {
        uint64_t position = shard.first + i, sample = sample_order_at(o, position).sample, unit = 0;

        if (i == 0 || sample_order_run(o, position - 1) == 1) /* a new visit */
            mask = 0;
        if (md->config.told_unit)
            unit = sample / md->config.told_unit;
        else
            while ((unit + 1) * per_file / units <= sample)
                unit++;
        count += !(mask >> unit & 1);
        mask |= 1ull << unit;
    }
    return count;
}

static void run_epoch(const struct drawn_case *c, struct memory_dataset *md, struct loader **loaders, uint64_t epoch)
{
    uint64_t samples = md->config.files * md->config.samples_per_file, total = 0, units = 0;
    struct sample_order o = expected_order(md, epoch);
    uint8_t *seen = xcalloc(samples, 1);
    struct loader_epoch done;
    struct shard shard;

    atomic_store(&md->consumed_units, 0);
    for (uint32_t r = 0; r < c->ranks; r++)
        loader_begin_epoch(loaders[r], epoch, shard_of(samples, c->batch, r, c->ranks).steps);
    for (uint32_t r = 0; r < c->ranks; r++) {
        uint64_t hash;

        shard = shard_of(samples, c->batch, r, c->ranks);
        units += expected_units(md, &o, shard, c->batch);
        hash = drain(c, md, loaders[r], &o, shard, seen);
        ck_assert_int_eq(loader_end_epoch(loaders[r], &done, NULL), DLFW_OK);
        ck_assert_uint_eq(done.samples, shard.steps * c->batch);
        ck_assert_uint_eq(done.sample_count_hash, hash);
        ck_assert_uint_ge(done.bytes_asked, done.bytes_sample);
        total += done.samples;
    }
    ck_assert_uint_eq(total + shard.dropped, samples);
    ck_assert_uint_eq(atomic_load(&md->consumed_units), units);
    ck_assert_uint_eq(atomic_load(&md->open_readers), 0);
    ck_assert_uint_eq(script_calls(md->script, DLFW_OP_OPEN), script_calls(md->script, DLFW_OP_CLOSE));
    free(seen);
}

START_TEST(every_sample_once_with_its_bytes)
{
    struct drawn_case c = draw_case((uint64_t)_i + 1);
    struct memory_dataset *md = open_case(&c);
    struct loader *loaders[4];

    for (uint32_t r = 0; r < c.ranks; r++)
        loaders[r] = create_loader(md, c.batch, r, c.ranks, c.tight);
    run_epoch(&c, md, loaders, 1);
    run_epoch(&c, md, loaders, 2);
    for (uint32_t r = 0; r < c.ranks; r++)
        loader_destroy(loaders[r]);
    memory_dataset_destroy(md);
}
END_TEST

/* The samples of one epoch, as delivered. */
static void sequence(struct memory_dataset *md, uint64_t epoch, uint64_t *ret)
{
    struct loader *l = create_loader(md, 3, 0, 1, false);
    struct loader_epoch done;
    struct batch b;
    uint64_t n = 0;

    loader_begin_epoch(l, epoch, 20);
    while (loader_next(l, &b, NULL) == DLFW_OK) {
        for (uint32_t i = 0; i < b.samples; i++)
            ret[n++] = memory_identify(md, &b.views[i]);
        loader_release(l, &b);
    }
    ck_assert_uint_eq(n, 60);
    loader_end_epoch(l, &done, NULL);
    loader_destroy(l);
}

/* file_shuffle, sample_shuffle, seed_change_epoch, sequential_order; is epoch 2 like epoch 1? is epoch 1 ascending? */
static const struct {
    uint32_t files, samples;
    bool change, sequential;
    bool same, ascending;
} orders[] = {
    {SHUFFLE_OFF, SHUFFLE_OFF, true, false, true, true},      {SHUFFLE_SEED, SHUFFLE_OFF, true, false, false, false},
    {SHUFFLE_OFF, SHUFFLE_SEED, true, false, false, false},   {SHUFFLE_SEED, SHUFFLE_RANDOM, true, false, false, false},
    {SHUFFLE_RANDOM, SHUFFLE_OFF, true, false, false, false}, {SHUFFLE_SEED, SHUFFLE_SEED, false, false, true, false},
    {SHUFFLE_SEED, SHUFFLE_SEED, true, true, true, true},
};

START_TEST(the_order_is_a_function_of_seed_and_epoch)
{
    struct memory_dataset *md = memory_dataset_create(&(struct memory_config){
        .files = 12, .samples_per_file = 5, .units = 1, .ranges = 1, .sample_bytes = 40, .backend = {.native = true}});
    uint64_t first[60], again[60], second[60], other[60];
    bool ascending = true;

    md->cfg.reader.file_shuffle = orders[_i].files;
    md->cfg.reader.sample_shuffle = orders[_i].samples;
    md->cfg.train.seed_change_epoch = orders[_i].change;
    md->cfg.compat.sequential_order = orders[_i].sequential;
    sequence(md, 1, first);
    md->cfg.reader.read_threads = 4;
    sequence(md, 1, again);
    sequence(md, 2, second);
    md->cfg.train.seed++;
    sequence(md, 1, other);
    for (uint32_t i = 0; i < 60; i++)
        ascending = ascending && first[i] == i;
    ck_assert(ascending == orders[_i].ascending);
    ck_assert(memcmp(first, again, sizeof first) == 0);
    ck_assert((memcmp(first, second, sizeof first) == 0) == orders[_i].same);
    ck_assert((memcmp(first, other, sizeof first) == 0) == orders[_i].ascending);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(evaluation_keeps_the_order)
{
    struct memory_dataset *md = memory_dataset_create(&(struct memory_config){
        .files = 9, .samples_per_file = 1, .units = 1, .ranges = 1, .sample_bytes = 40, .backend = {.native = true}});
    struct loader_args args = memory_dataset_args(md, 1, 0, 1);
    struct loader_epoch done;
    struct loader *l = NULL;
    struct batch b;

    args.may_shuffle = false;
    md->cfg.reader.file_shuffle = SHUFFLE_SEED;
    ck_assert_int_eq(loader_create(&md->cfg, &args, &l, NULL), DLFW_OK);
    loader_begin_epoch(l, 1, 9);
    for (uint64_t i = 0; i < 9; i++) {
        ck_assert_int_eq(loader_next(l, &b, NULL), DLFW_OK);
        ck_assert_uint_eq(memory_identify(md, b.views), i);
        loader_release(l, &b);
    }
    loader_end_epoch(l, &done, NULL);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(an_epoch_may_end_early)
{
    struct drawn_case c = draw_case((uint64_t)_i + 1000);
    struct memory_dataset *md = open_case(&c);
    uint64_t samples = md->config.files * md->config.samples_per_file, steps = shard_of(samples, c.batch, 0, 1).steps;
    struct loader *l[4] = {create_loader(md, c.batch, 0, 1, c.tight)};
    struct loader_epoch done;
    struct batch b;

    for (uint64_t epoch = 1; epoch <= 4; epoch++) {
        uint64_t stop_at = draw(steps + 1);

        loader_begin_epoch(l[0], epoch, steps);
        for (uint64_t i = 0; i < stop_at; i++) {
            ck_assert_int_eq(loader_next(l[0], &b, NULL), DLFW_OK);
            if (i + 1 < stop_at || epoch % 2) /* every other time a batch is still in use */
                loader_release(l[0], &b);
        }
        ck_assert_int_eq(loader_end_epoch(l[0], &done, NULL), DLFW_OK);
        ck_assert_uint_ge(done.samples, stop_at * c.batch);
        ck_assert_uint_eq(atomic_load(&md->open_readers), 0);
    }
    c.ranks = 1;
    run_epoch(&c, md, l, 5);
    loader_begin_epoch(l[0], 6, steps);
    loader_destroy(l[0]); /* in the middle */
    memory_dataset_destroy(md);
}
END_TEST

/* A wake-up that gets lost shows as one of the 50 ms after which waiting threads look again. */
START_TEST(short_epochs_lose_no_wake_up)
{
    static const uint64_t threads[] = {0, 1, 2, 4};
    struct memory_dataset *md = memory_dataset_create(&(struct memory_config){
        .files = 8, .samples_per_file = 1, .units = 1, .ranges = 1, .sample_bytes = 40, .backend = {.native = true}});
    struct loader_epoch done;
    uint64_t start, slow = 0;
    struct loader *l;
    struct batch b;

    md->cfg.reader.read_threads = threads[_i];
    md->cfg.reader.file_shuffle = SHUFFLE_SEED;
    l = create_loader(md, 2, 0, 1, _i & 1);
    for (uint64_t epoch = 1; epoch <= 200; epoch++) {
        start = clock_now_ns();
        loader_begin_epoch(l, epoch, 4);
        for (uint64_t i = 0; i < 4; i++) {
            ck_assert_int_eq(loader_next(l, &b, NULL), DLFW_OK);
            loader_release(l, &b);
        }
        ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
        ck_assert_uint_eq(done.samples, 8);
        slow += clock_now_ns() - start > 45000000;
    }
    ck_assert_uint_lt(slow, 20);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(nothing_is_read_ahead_without_threads)
{
    struct memory_dataset *md = memory_dataset_create(&(struct memory_config){
        .files = 8, .samples_per_file = 1, .units = 1, .ranges = 1, .sample_bytes = 40, .backend = {.native = true}});
    struct loader_epoch done;
    struct loader *l;
    struct batch b;

    md->cfg.reader.read_threads = 0;
    l = create_loader(md, 2, 0, 1, false);
    loader_begin_epoch(l, 1, 4);
    for (uint64_t i = 0; i < 4; i++) {
        nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
        ck_assert_uint_eq(atomic_load(&md->calls[FAULT_OPEN]), 2 * i);
        ck_assert_int_eq(loader_next(l, &b, NULL), DLFW_OK);
        loader_release(l, &b);
    }
    loader_end_epoch(l, &done, NULL);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

static const struct {
    uint32_t verify;
    bool stream, small;
} verifications[] = {{VERIFY_NONE, false, false},
                     {VERIFY_CHECKSUMS, true, false},
                     {VERIFY_ALL, false, false},
                     {VERIFY_ALL, true, false}};

/* Only verify: all looks at the content of every file; it sees every byte of every sample once, and a wrong one. */
START_TEST(content_is_verified)
{
    struct memory_config m = {.files = 6,
                              .samples_per_file = 4,
                              .units = 2,
                              .ranges = 2,
                              .metadata_rounds = 1,
                              .content = true,
                              .sample_bytes = 5000,
                              .backend = {.native = true}};
    struct memory_dataset *md = memory_dataset_create(&m);
    bool all = verifications[_i].verify == VERIFY_ALL;
    struct loader_epoch done;
    struct error_slot err;
    struct loader *l;
    struct batch b;

    error_slot_init(&err);
    md->cfg.reader.verify = verifications[_i].verify;
    md->cfg.reader.samples = verifications[_i].stream ? SAMPLES_STREAM : SAMPLES_KEEP;
    md->cfg.reader.transfer_size = PIECE;
    l = create_loader(md, 4, 0, 1, false);
    loader_begin_epoch(l, 1, 6);
    while (loader_next(l, &b, NULL) == DLFW_OK)
        loader_release(l, &b);
    ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
    ck_assert_uint_eq(done.bytes_verified, all ? 24 * 5000 : 0);
    md->cfg.content.seed++;
    loader_begin_epoch(l, 2, 6);
    ck_assert_int_eq(loader_next(l, &b, &err.e), all ? DLFW_E_CORRUPT : DLFW_OK);
    ck_assert(!all || strstr(err.text, "does not hold the generated content"));
    loader_end_epoch(l, &done, NULL);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

int main(void)
{
    const char *seed_text = getenv("DLFW_SEED");
    Suite *s = suite_create("loader");
    TCase *tc = tcase_create("loader");
    SRunner *sr;
    int failed;

    seed = seed_text ? strtoull(seed_text, NULL, 0) : 1;
    printf("DLFW_SEED=%llu\n", (unsigned long long)seed);
    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, every_sample_once_with_its_bytes, 0, CASES);
    tcase_add_loop_test(tc, the_order_is_a_function_of_seed_and_epoch, 0, sizeof orders / sizeof *orders);
    tcase_add_test(tc, evaluation_keeps_the_order);
    tcase_add_loop_test(tc, an_epoch_may_end_early, 0, 20);
    tcase_add_loop_test(tc, short_epochs_lose_no_wake_up, 0, 4);
    tcase_add_test(tc, nothing_is_read_ahead_without_threads);
    tcase_add_loop_test(tc, content_is_verified, 0, sizeof verifications / sizeof *verifications);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
