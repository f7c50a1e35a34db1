/* SPDX-License-Identifier: Apache-2.0 */
/* The memory budget: kept where sizes are known, never a deadlock where they are not, refused where one batch does not
 * fit. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "loader/loader_parts.h"
#include "support/memory_dataset.h"

static struct error_slot err;

static void setup(void)
{
    error_slot_init(&err);
}

static struct loader *create(struct memory_dataset *md, uint64_t batch)
{
    struct loader_args args = memory_dataset_args(md, batch, 0, 1);
    struct loader *l = NULL;

    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return l;
}

struct peak {
    struct loader *l;
    _Atomic uint64_t bytes;
};

/* In a reader thread, which does not hold the lock there. */
static void look_at_reserved(void *ctx)
{
    struct peak *p = ctx;
    uint64_t now, max = atomic_load(&p->bytes);

    pthread_mutex_lock(&p->l->claim_lock);
    now = p->l->reserved;
    pthread_mutex_unlock(&p->l->claim_lock);
    while (now > max && !atomic_compare_exchange_weak(&p->bytes, &max, now))
        ;
}

/* All samples of one epoch, one batch in use at a time; returns the peak of what was reserved. */
static uint64_t run_epoch(struct memory_dataset *md, struct loader *l, uint64_t batch)
{
    uint64_t samples = md->config.files * md->config.samples_per_file, steps = shard_of(samples, batch, 0, 1).steps;
    struct peak peak = {.l = l};
    struct loader_epoch done;
    struct batch b;
    dlfw_status st;

    md->watch = look_at_reserved;
    md->watch_ctx = &peak;
    loader_begin_epoch(l, 1, steps);
    for (uint64_t i = 0; i < steps; i++) {
        st = loader_next(l, &b, &err.e);
        if (st != DLFW_OK)
            ck_abort_msg("batch %llu: %s", (unsigned long long)i, err.text);
        for (uint32_t k = 0; b.views && k < b.samples; k++)
            memory_identify(md, &b.views[k]);
        loader_release(l, &b);
    }
    ck_assert_int_eq(loader_end_epoch(l, &done, &err.e), DLFW_OK);
    ck_assert_uint_eq(done.samples, steps * batch);
    ck_assert_uint_eq(l->reserved, 0);
    md->watch = NULL;
    return atomic_load(&peak.bytes);
}

static const struct {
    const char *name;
    struct memory_config m;
    uint64_t batch;
    uint64_t transfer_size;
} shapes[] = {
    {"small objects",
     {.files = 60, .samples_per_file = 1, .units = 1, .ranges = 1, .sample_bytes = 3000, .sample_more = 3000},
     4,
     65536},
    {"pieces",
     {.files = 40,
      .samples_per_file = 1,
      .units = 1,
      .ranges = 1,
      .metadata_rounds = 2,
      .sample_bytes = 9000,
      .sample_more = 9000},
     4,
     4096},
    {"two ranges",
     {.files = 40, .samples_per_file = 6, .units = 1, .ranges = 2, .metadata_rounds = 1, .sample_bytes = 1500},
     4,
     4096},
    {"units", {.files = 40, .samples_per_file = 6, .units = 3, .ranges = 1, .sample_bytes = 5000}, 4, 4096},
    {"units of small objects",
     {.files = 40, .samples_per_file = 6, .units = 3, .ranges = 2, .sample_bytes = 200},
     5,
     65536},
    {"files longer than batches",
     {.files = 20, .samples_per_file = 7, .units = 2, .ranges = 1, .sample_bytes = 1500},
     2,
     4096},
    {"batches longer than files",
     {.files = 60, .samples_per_file = 2, .units = 1, .ranges = 1, .sample_bytes = 5000},
     9,
     4096},
    {"samples alone",
     {.files = 10,
      .samples_per_file = 7,
      .sample_ranges = true,
      .ranges = 1,
      .metadata_rounds = 1,
      .sample_bytes = 6000},
     4,
     4096},
};
#define SHAPES (int)(sizeof shapes / sizeof *shapes)

static struct memory_dataset *open_shape(int i)
{
    struct memory_config m = shapes[i].m;
    struct memory_dataset *md;

    m.backend = (struct script_config){.native = true, .jitter_ns = 20000};
    md = memory_dataset_create(&m);
    md->cfg.reader.transfer_size = shapes[i].transfer_size;
    md->cfg.reader.read_threads = 3;
    md->cfg.reader.prefetch_size = 4;
    md->cfg.reader.file_shuffle = SHUFFLE_SEED;
    md->cfg.reader.sample_shuffle = SHUFFLE_SEED;
    return md;
}

START_TEST(the_budget_is_never_exceeded)
{
    static const uint64_t per_cent[] = {100, 101, 150, 300};
    struct memory_dataset *md = open_shape(_i);
    struct loader *l = create(md, shapes[_i].batch);
    uint64_t one = loader_batch_bytes(l), wanted = l->budget;

    ck_assert_uint_eq(wanted, one * 7); /* ceil(4 / 3) * 3 + 1 batches */
    ck_assert_uint_le(run_epoch(md, l, shapes[_i].batch), wanted);
    loader_destroy(l);
    for (size_t k = 0; k < sizeof per_cent / sizeof *per_cent; k++) {
        uint64_t peak;

        md->cfg.reader.memory_budget = one * per_cent[k] / 100;
        l = create(md, shapes[_i].batch);
        peak = run_epoch(md, l, shapes[_i].batch);
        ck_assert_msg(peak <= md->cfg.reader.memory_budget, "%s: %llu of %llu", shapes[_i].name,
                      (unsigned long long)peak, (unsigned long long)md->cfg.reader.memory_budget);
        ck_assert_uint_gt(peak, 0);
        loader_destroy(l);
    }
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(less_than_one_batch_is_refused)
{
    struct memory_dataset *md = open_shape(_i);
    struct loader_args args = memory_dataset_args(md, shapes[_i].batch, 0, 1);
    struct loader *l = create(md, shapes[_i].batch);

    md->cfg.reader.memory_budget = loader_batch_bytes(l) - 1;
    loader_destroy(l);
    l = NULL;
    ck_assert_int_eq(loader_create(&md->cfg, &args, &l, &err.e), DLFW_E_CONFIG);
    ck_assert_ptr_null(l);
    ck_assert_ptr_nonnull(
        strstr(err.text, "samples needs up to 1 MiB but the memory budget is 0 MiB; raise reader.memory_budget"));
    md->cfg.reader.samples = SAMPLES_STREAM; /* keeps nothing, needs nothing */
    l = create(md, shapes[_i].batch);
    ck_assert_uint_eq(run_epoch(md, l, shapes[_i].batch), 0);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

/* What is not known before: one batch must still get through a budget that was made for one batch of what was known. */
static const struct {
    const char *name;
    bool nothing, elsewhere;
    uint64_t less;
} surprises[] = {
    {"no size is known", true, false, 0},
    {"larger than listed", false, false, 2900},
    {"much larger than listed", false, false, 27000},
    {"decoded elsewhere", false, true, 0},
    {"all of it", true, true, 0},
};

START_TEST(sizes_that_were_not_known_do_not_deadlock)
{
    struct memory_config m = {.files = 24,
                              .samples_per_file = 3,
                              .units = 1 + (uint32_t)_i % 3,
                              .ranges = 1,
                              .metadata_rounds = 1,
                              .sample_bytes = surprises[_i].less ? surprises[_i].less / 3 + 100 : 3000,
                              .decodes_elsewhere = surprises[_i].elsewhere,
                              .tell_nothing = surprises[_i].nothing,
                              .tell_bytes = surprises[_i].less,
                              .backend = {.native = true}};
    static const uint64_t depths[] = {1, 0};

    for (uint32_t k = 0; k < 4; k++) {
        struct memory_dataset *md = memory_dataset_create(&m);
        struct loader *l;

        md->cfg.reader.transfer_size = 4096;
        md->cfg.reader.queue_depth = depths[k % 2];
        md->cfg.reader.file_shuffle = SHUFFLE_SEED;
        md->cfg.reader.sample_shuffle = k < 2 ? SHUFFLE_SEED : SHUFFLE_OFF;
        l = create(md, 8);
        md->cfg.reader.memory_budget = loader_batch_bytes(l);
        loader_destroy(l);
        l = create(md, 8);
        run_epoch(md, l, 8);
        loader_destroy(l);
        memory_dataset_destroy(md);
    }
}
END_TEST

/* A budget that nobody has set follows what decoded files take, so that reading ahead stays what was asked for. */
START_TEST(an_automatic_budget_follows_decoded_sizes)
{
    struct memory_config m = {.files = 24,
                              .samples_per_file = 1,
                              .units = 1,
                              .ranges = 1,
                              .sample_bytes = 3000,
                              .decodes_elsewhere = true,
                              .backend = {.native = true}};
    struct memory_dataset *md = memory_dataset_create(&m);
    struct loader *l = create(md, 4);
    struct loader_stats *stats = calloc(1, sizeof *stats);

    loader_stats(l, stats);
    ck_assert_uint_eq(stats->memory_budget, loader_batch_bytes(l) * 3);
    run_epoch(md, l, 4);
    loader_stats(l, stats);
    ck_assert_uint_eq(stats->memory_budget, loader_batch_bytes(l) * 3 + 3 * 4 * 3000);
    loader_destroy(l);
    md->cfg.reader.memory_budget = 1 << 20; /* one that was set stays */
    l = create(md, 4);
    run_epoch(md, l, 4);
    loader_stats(l, stats);
    ck_assert_uint_eq(stats->memory_budget, 1 << 20);
    loader_destroy(l);
    free(stats);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(what_was_done_is_counted)
{
    struct memory_config m = {.files = 10,
                              .samples_per_file = 1,
                              .units = 1,
                              .ranges = 1,
                              .metadata_rounds = 1,
                              .sample_bytes = 10000,
                              .backend = {.native = true}};
    struct memory_dataset *md = memory_dataset_create(&m);
    struct loader_stats *stats = calloc(1, sizeof *stats);
    struct loader *l;

    md->cfg.reader.transfer_size = 4096;
    md->cfg.reader.queue_depth = 5;
    l = create(md, 5);
    loader_stats(l, stats);
    ck_assert_uint_eq(stats->first_request_ns, 0);
    run_epoch(md, l, 5);
    loader_stats(l, stats);
    ck_assert_str_eq(stats->queue_mode, "native");
    ck_assert_uint_eq(stats->queue_depth, 5);
    ck_assert_uint_gt(stats->first_request_ns, 0);
    ck_assert_uint_gt(stats->pool_mapped, 0);
    ck_assert_uint_eq(stats->io.requests[DLFW_OP_OPEN], 10);
    ck_assert_uint_eq(stats->io.requests[DLFW_OP_CLOSE], 10);
    ck_assert_uint_eq(stats->io.requests[DLFW_OP_GET], 10 * 4); /* metadata, [0, 4096), [4096, 8192), the rest */
    ck_assert_uint_eq(stats->sample_ns.count, 10);
    loader_destroy(l);
    free(stats);
    memory_dataset_destroy(md);
}
END_TEST

/* A format that reads samples alone pays for what it reads, not for the file. */
START_TEST(a_sample_alone_costs_its_own_bytes)
{
    struct memory_config m = {.files = 4,
                              .samples_per_file = 50,
                              .sample_ranges = true,
                              .ranges = 1,
                              .metadata_rounds = 1,
                              .sample_bytes = 4000,
                              .backend = {.native = true}};
    struct memory_dataset *md = memory_dataset_create(&m);
    struct loader *l = create(md, 5);
    struct loader_epoch done;
    struct batch b;

    loader_begin_epoch(l, 1, 40);
    while (loader_next(l, &b, &err.e) == DLFW_OK)
        loader_release(l, &b);
    ck_assert_int_eq(loader_end_epoch(l, &done, &err.e), DLFW_OK);
    ck_assert_uint_eq(done.samples, 200);
    ck_assert_uint_eq(done.bytes_sample, 200 * 4000);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

static const struct {
    dlfw_limits limits;
    const char *text;
} impossible[] = {
    {{.mem_align = 8192}, "wants memory aligned to 8192"},
    {{.max_io = 1000}, "reads at most 1000 bytes at once"},
    {{.max_io = 4096, .read_offset_align = 8192}, "reads at most 4096 bytes at once"},
};

START_TEST(limits_that_cannot_be_met_are_refused)
{
    struct memory_config m = {.files = 4,
                              .samples_per_file = 1,
                              .units = 1,
                              .ranges = 1,
                              .sample_bytes = 100,
                              .backend = {.native = true, .limits = impossible[_i].limits}};
    struct memory_dataset *md = memory_dataset_create(&m);
    struct loader_args args = memory_dataset_args(md, 1, 0, 1);
    struct loader *l = NULL;

    ck_assert_int_eq(loader_create(&md->cfg, &args, &l, &err.e), DLFW_E_UNSUPPORTED);
    ck_assert_msg(strstr(err.text, impossible[_i].text) != NULL, "%s", err.text);
    memory_dataset_destroy(md);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loader_memory");
    TCase *tc = tcase_create("loader_memory");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, the_budget_is_never_exceeded, 0, SHAPES);
    tcase_add_loop_test(tc, less_than_one_batch_is_refused, 0, SHAPES);
    tcase_add_loop_test(tc, sizes_that_were_not_known_do_not_deadlock, 0, sizeof surprises / sizeof *surprises);
    tcase_add_test(tc, an_automatic_budget_follows_decoded_sizes);
    tcase_add_test(tc, what_was_done_is_counted);
    tcase_add_test(tc, a_sample_alone_costs_its_own_bytes);
    tcase_add_loop_test(tc, limits_that_cannot_be_met_are_refused, 0, sizeof impossible / sizeof *impossible);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
