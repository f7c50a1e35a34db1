/* SPDX-License-Identifier: Apache-2.0 */
/* The loader over a backend whose payloads are not real: counts, in which pieces, and how often readers wake up. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "support/memory_dataset.h"

#define PIECE 4096u
#define SAMPLES 400u
#define BATCH 20u
#define STEPS (SAMPLES / BATCH)

static struct loader *create(struct memory_dataset *md, uint64_t batch, uint32_t rank, uint32_t ranks)
{
    struct loader_args args = memory_dataset_args(md, batch, rank, ranks);
    struct loader *l = NULL;
    struct error_slot err;

    error_slot_init(&err);
    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return l;
}

/* Payloads that are not real are counted, not decoded. */
START_TEST(a_backend_without_data_is_only_counted)
{
    struct memory_config m = {.files = 10,
                              .samples_per_file = 3,
                              .units = 1,
                              .ranges = 1,
                              .sample_bytes = _i ? 3 * PIECE : 40,
                              .backend = {.native = true, .caps = DLFW_BACKEND_NO_DATA}};
    struct memory_dataset *md = memory_dataset_create(&m);
    uint64_t bytes = 0;
    struct loader_epoch done;
    struct loader *l;
    struct batch b;

    md->cfg.reader.transfer_size = PIECE;
    l = create(md, 3, 0, 1);
    loader_begin_epoch(l, 1, 10);
    while (loader_next(l, &b, NULL) == DLFW_OK) {
        ck_assert_ptr_null(b.views);
        bytes += b.bytes;
        loader_release(l, &b);
    }
    ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
    ck_assert_uint_eq(done.samples, 30);
    ck_assert_uint_eq(bytes, file_list_total_size(&md->files));
    ck_assert_uint_eq(done.bytes_asked, bytes);
    ck_assert_uint_eq(atomic_load(&md->calls[FAULT_OPEN]), 0);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

static struct memory_dataset *large_files(uint64_t files)
{
    struct memory_config m = {.files = files,
                              .samples_per_file = SAMPLES,
                              .units = 1,
                              .ranges = 1,
                              .sample_bytes = PIECE,
                              .backend = {.native = true, .caps = DLFW_BACKEND_NO_DATA}};
    struct memory_dataset *md = memory_dataset_create(&m);

    md->cfg.reader.transfer_size = PIECE;
    md->cfg.reader.read_threads = 1;
    md->cfg.reader.prefetch_size = 1;
    return md;
}

START_TEST(first_samples_do_not_wait_for_the_last_ones)
{
    struct memory_dataset *md = large_files(1);
    struct loader *l = create(md, BATCH, 0, 1);
    struct loader_epoch done;
    struct batch b;

    loader_begin_epoch(l, 1, STEPS);
    ck_assert_int_eq(loader_next(l, &b, NULL), DLFW_OK);
    ck_assert_uint_lt(b.bytes, 4 * BATCH * PIECE);
    loader_release(l, &b);
    ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
    ck_assert_uint_lt(done.bytes_asked, SAMPLES * PIECE / 2);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_rank_reads_its_part_of_a_file)
{
    struct memory_dataset *md = large_files(1);
    uint64_t all = file_list_total_size(&md->files), bytes = 0;

    for (uint32_t rank = 0; rank < 2; rank++) {
        struct loader *l = create(md, BATCH, rank, 2);
        struct loader_epoch done;
        struct batch b;

        loader_begin_epoch(l, 1, STEPS / 2);
        while (loader_next(l, &b, NULL) == DLFW_OK)
            loader_release(l, &b);
        ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
        ck_assert_uint_eq(done.samples, SAMPLES / 2);
        bytes += done.bytes_asked;
        loader_destroy(l);
    }
    ck_assert_uint_ge(bytes, all);
    ck_assert_uint_lt(bytes, all + all / 10);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(shuffled_samples_take_the_whole_file)
{
    struct memory_dataset *md = large_files(1);
    struct loader_epoch done;
    struct loader *l;
    struct batch b;
    uint64_t steps = 0;

    md->cfg.reader.sample_shuffle = SHUFFLE_SEED;
    l = create(md, BATCH, 0, 1);
    loader_begin_epoch(l, 1, STEPS);
    for (; loader_next(l, &b, NULL) == DLFW_OK; steps++)
        loader_release(l, &b);
    ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
    ck_assert_uint_eq(steps, STEPS);
    ck_assert_uint_eq(done.bytes_asked, file_list_total_size(&md->files));
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

/* Of eight readers one has the first file, and the others wait for the begin of the second one: a released batch is
 * nothing to them, and they sleep on. */
START_TEST(a_released_batch_wakes_whom_it_helps)
{
    struct memory_dataset *md = large_files(2);
    struct loader_stats *stats = calloc(1, sizeof *stats);
    struct loader_epoch done;
    struct loader *l;
    struct batch b;

    md->cfg.reader.read_threads = 8;
    l = create(md, 1, 0, 1);
    loader_begin_epoch(l, 1, 2 * SAMPLES);
    for (uint32_t i = 0; i < SAMPLES / 2; i++) {
        ck_assert_int_eq(loader_next(l, &b, NULL), DLFW_OK);
        nanosleep(&(struct timespec){.tv_nsec = 300000}, NULL); /* time to fall asleep in */
        loader_release(l, &b);
    }
    ck_assert_int_eq(loader_end_epoch(l, &done, NULL), DLFW_OK);
    loader_stats(l, stats);
    ck_assert_uint_lt(stats->stall_ns.count, SAMPLES);
    loader_destroy(l);
    free(stats);
    memory_dataset_destroy(md);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader_no_data");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, a_backend_without_data_is_only_counted, 0, 2);
    tcase_add_test(tc, first_samples_do_not_wait_for_the_last_ones);
    tcase_add_test(tc, a_rank_reads_its_part_of_a_file);
    tcase_add_test(tc, shuffled_samples_take_the_whole_file);
    tcase_add_test(tc, a_released_batch_wakes_whom_it_helps);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
