/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever fails, the loader says it at once, with the file's name, and everything can be taken down afterwards. */
#include <check.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "plugin/host_table.h"
#include "support/memory_dataset.h"

#define MS 1000000ull
#define FILES 5u

static struct error_slot err;

static void setup(void)
{
    error_slot_init(&err);
}

static void sleep_ms(uint64_t ms)
{
    nanosleep(&(struct timespec){.tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * MS)}, NULL);
}

/* Every way in which a file is read. */
static const struct {
    const char *name;
    struct memory_config m;
    bool stream;
} ways[] = {
    {"whole",
     {.samples_per_file = 1, .units = 1, .ranges = 1, .sample_bytes = 100, .backend = {.native = true}},
     false},
    {"whole, units",
     {.samples_per_file = 4,
      .units = 2,
      .ranges = 1,
      .sample_bytes = 100,
      .decodes_elsewhere = true,
      .backend = {.native = true}},
     false},
    {"whole, streamed",
     {.samples_per_file = 4, .units = 2, .ranges = 2, .sample_bytes = 100, .backend = {.blocking = true}},
     true},
    {"pieces",
     {.samples_per_file = 2,
      .units = 2,
      .ranges = 2,
      .metadata_rounds = 2,
      .sample_bytes = 9000,
      .backend = {.native = true, .jitter_ns = 30000}},
     false},
    {"pieces, streamed",
     {.samples_per_file = 2,
      .units = 2,
      .ranges = 1,
      .metadata_rounds = 1,
      .sample_bytes = 9000,
      .backend = {.native = true, .jitter_ns = 30000}},
     true},
    {"blocking, no handles",
     {.samples_per_file = 1,
      .units = 1,
      .ranges = 1,
      .metadata_rounds = 2,
      .sample_bytes = 9000,
      .backend = {.blocking = true, .without = DLFW_OP_BIT(DLFW_OP_OPEN) | DLFW_OP_BIT(DLFW_OP_CLOSE)}},
     false},
    {"inline",
     {.samples_per_file = 1,
      .units = 1,
      .ranges = 1,
      .metadata_rounds = 1,
      .sample_bytes = 9000,
      .backend = {.blocking = true, .caps = DLFW_BACKEND_LOCAL}},
     false},
};
#define WAYS (int)(sizeof ways / sizeof *ways)

static struct memory_dataset *open_way(int i)
{
    struct memory_config m = ways[i].m;
    struct memory_dataset *md;

    m.files = FILES;
    md = memory_dataset_create(&m);
    md->cfg.reader.transfer_size = 4096;
    md->cfg.reader.queue_depth = 3;
    md->cfg.reader.sample_shuffle = i % 2 ? SHUFFLE_SEED : SHUFFLE_OFF;
    md->cfg.reader.samples = ways[i].stream ? SAMPLES_STREAM : SAMPLES_KEEP;
    return md;
}

static struct loader *create(struct memory_dataset *md)
{
    struct loader_args args = memory_dataset_args(md, 1, 0, 1);
    struct loader *l = NULL;

    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return l;
}

/* One epoch; what loader_next said, else what loader_end_epoch said. The loader is gone afterwards. */
static dlfw_status run(struct memory_dataset *md)
{
    struct loader *l = create(md);
    uint64_t start = clock_now_ns();
    struct loader_epoch done;
    dlfw_status st, ended;
    struct batch b;

    loader_begin_epoch(l, 1, md->config.files * md->config.samples_per_file);
    while ((st = loader_next(l, &b, &err.e)) == DLFW_OK)
        loader_release(l, &b);
    ended = loader_end_epoch(l, &done, st < 0 ? NULL : &err.e);
    ck_assert(st == DLFW_END || ended == st || st == DLFW_E_CANCELLED);
    loader_destroy(l);
    ck_assert_uint_lt(clock_now_ns() - start, 5000 * MS);
    ck_assert_uint_eq(atomic_load(&md->open_readers), 0);
    return st < 0 ? st : ended;
}

START_TEST(any_request_may_fail)
{
    struct memory_dataset *md = open_way(_i);
    uint64_t requests;

    ck_assert_int_eq(run(md), DLFW_OK);
    requests = script_calls(md->script, 0);
    ck_assert_uint_ge(requests, FILES);
    memory_dataset_destroy(md);
    for (uint64_t k = 0; k < requests; k++) {
        md = open_way(_i);
        script_rule(md->script, (struct script_rule){.from = k, .count = 1 + k % 2 * 1000, .status = DLFW_E_IO});
        ck_assert_msg(run(md) == DLFW_E_IO, "%s: request %llu of %llu", ways[_i].name, (unsigned long long)k,
                      (unsigned long long)requests);
        ck_assert_msg(strstr(err.text, "train/img_") && strstr(err.text, "scripted failure"), "%s", err.text);
        memory_dataset_destroy(md);
    }
}
END_TEST

static const enum memory_fault faults[] = {FAULT_OPEN, FAULT_METADATA, FAULT_UNIT, FAULT_CONSUME, FAULT_DECODE};

START_TEST(any_call_of_the_format_may_fail)
{
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        struct memory_dataset *md = open_way(_i);
        uint64_t calls;

        ck_assert_int_eq(run(md), DLFW_OK);
        calls = atomic_load(&md->calls[faults[f]]);
        ck_assert((calls == 0) == (faults[f] == FAULT_DECODE && ways[_i].stream));
        memory_dataset_destroy(md);
        for (uint64_t k = 0; k < calls; k++) {
            md = open_way(_i);
            md->fault = faults[f];
            md->fault_at = k;
            ck_assert_msg(run(md) == DLFW_E_CORRUPT, "%s: call %llu of kind %d", ways[_i].name, (unsigned long long)k,
                          (int)faults[f]);
            ck_assert_ptr_nonnull(strstr(err.text, "a made-up fault"));
            memory_dataset_destroy(md);
        }
    }
}
END_TEST

/* A format that fails without filling its error is a failure all the same. */
START_TEST(a_silent_failure_is_one)
{
    for (size_t f = 0; f < sizeof faults / sizeof *faults; f++) {
        struct memory_dataset *md = open_way(_i);

        if (faults[f] != FAULT_DECODE || !ways[_i].stream) {
            md->fault = faults[f];
            md->fault_is_silent = true;
            ck_assert_int_eq(run(md), DLFW_E_INTERNAL);
            ck_assert_msg(strstr(err.text, "format 'tiny' failed on 'train/img_") != NULL, "%s", err.text);
        }
        memory_dataset_destroy(md);
    }
}
END_TEST

START_TEST(a_missing_side_object_is_named)
{
    struct memory_config m = {.files = 5,
                              .samples_per_file = 4,
                              .units = 2,
                              .ranges = 1,
                              .metadata_rounds = 1,
                              .sample_bytes = 100,
                              .table_aside = true,
                              .lacks_table = true,
                              .backend = {.native = true}};
    struct memory_dataset *md = memory_dataset_create(&m);

    ck_assert_int_eq(run(md), DLFW_E_NOT_FOUND);
    ck_assert_str_eq(
        err.text,
        "'train/img_4_of_5.tiny' cannot be read without 'tables/train/img_4_of_5.tiny.tbl', which is missing");
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_shorter_object_is_named)
{
    static const uint64_t kept[] = {0, 1, 40};
    char key[64];

    for (size_t k = 0; k < sizeof kept / sizeof *kept; k++) {
        struct memory_dataset *md = open_way(_i);
        const uint8_t *data;
        size_t len;

        file_list_key(&md->files, 3, key, sizeof key);
        data = script_get(md->script, key, &len);
        if (kept[k]) {
            uint8_t *copy = malloc(len);

            memcpy(copy, data, len);
            script_set(md->script, key, copy, kept[k] == 1 ? len - 1 : kept[k]);
            free(copy);
        } else {
            script_set(md->script, key, "", 0);
        }
        ck_assert_int_eq(run(md), DLFW_E_CORRUPT);
        ck_assert_msg(strstr(err.text, key) && strstr(err.text, "byte"), "%s", err.text);
        memory_dataset_destroy(md);
    }
}
END_TEST

/* The object shrinks after it was opened: the backend answers short, and does not say why. */
START_TEST(a_read_that_ends_early_is_named)
{
    struct memory_config m = {.files = FILES,
                              .samples_per_file = 1,
                              .units = 1,
                              .ranges = 1,
                              .metadata_rounds = (uint32_t)_i % 3,
                              .sample_bytes = 9000,
                              .backend = {.native = true, .sizes_unknown = true}};
    struct memory_dataset *md = memory_dataset_create(&m);

    md->cfg.reader.transfer_size = 4096;
    md->cfg.reader.samples = _i < 3 ? SAMPLES_KEEP : SAMPLES_STREAM;
    script_rule(md->script,
                (struct script_rule){.op = DLFW_OP_GET, .from = 4 + (uint64_t)_i, .count = 100, .short_by = 1});
    ck_assert_int_eq(run(md), DLFW_E_CORRUPT);
    ck_assert_msg(strstr(err.text, "'train/img_") && strstr(err.text, "while it is read"), "%s", err.text);
    memory_dataset_destroy(md);
}
END_TEST

static const struct {
    struct memory_config m;
    dlfw_status status;
    const char *text;
} lies[] = {
    {{.samples_per_file = 4, .units = 2, .ranges = 1, .sample_bytes = 100, .missing_samples = 1},
     DLFW_E_CORRUPT,
     "does not hold sample 3; the run file says that it holds 4"},
    {{.samples_per_file = 4, .units = 2, .ranges = 1, .sample_bytes = 5000, .missing_samples = 3},
     DLFW_E_CORRUPT,
     "does not hold sample 1; "},
    {{.samples_per_file = 4, .units = 2, .ranges = 1, .sample_bytes = 5000, .missing_samples = 4},
     DLFW_E_CORRUPT,
     "does not hold sample 0; "},
    {{.samples_per_file = 4, .sample_ranges = true, .ranges = 1, .sample_bytes = 5000, .missing_samples = 1},
     DLFW_E_CORRUPT,
     "does not hold sample 3; "},
    {{.samples_per_file = 4, .units = 2, .ranges = 1, .sample_bytes = 5000, .lie = WANTS_NOTHING},
     DLFW_E_INTERNAL,
     "does not say which"},
    {{.samples_per_file = 4, .units = 2, .ranges = 1, .sample_bytes = 5000, .lie = SKIPS_A_UNIT},
     DLFW_E_CORRUPT,
     "does not hold sample 2; "},
    {{.samples_per_file = 4, .units = 2, .ranges = 1, .sample_bytes = 100, .lie = HUGE_UNIT},
     DLFW_E_CORRUPT,
     "samples from 0 on in one unit"},
};

START_TEST(a_format_that_contradicts_the_run_file_or_itself)
{
    struct memory_config m = lies[_i].m;
    struct memory_dataset *md;

    m.files = FILES;
    m.backend.native = true;
    md = memory_dataset_create(&m);
    md->cfg.reader.transfer_size = 4096;
    ck_assert_int_eq(run(md), lies[_i].status);
    ck_assert_msg(strstr(err.text, lies[_i].text) && strstr(err.text, "train/img_"), "%s", err.text);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_missing_object_is_named)
{
    struct memory_dataset *md = open_way(_i);

    md->files.count++; /* one more than there is */
    md->files.sizes = realloc(md->files.sizes, md->files.count * sizeof *md->files.sizes);
    md->files.sizes[FILES] = _i % 2 ? UINT64_MAX : md->files.sizes[0];
    md->config.files++;
    ck_assert_int_eq(run(md), DLFW_E_NOT_FOUND);
    ck_assert_msg(strstr(err.text, "train/img_5_of_5") != NULL, "%s", err.text);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_thread_without_a_queue_fails_the_creation)
{
    struct memory_config m = {.files = 4,
                              .samples_per_file = 1,
                              .units = 1,
                              .ranges = 1,
                              .sample_bytes = 100,
                              .backend = {.native = true, .limits = {.max_queues = 2}}};
    struct memory_dataset *md = memory_dataset_create(&m);
    struct loader_args args = memory_dataset_args(md, 1, 0, 1);
    struct loader *l = NULL;

    md->cfg.reader.read_threads = 4;
    ck_assert_int_eq(loader_create(&md->cfg, &args, &l, &err.e), DLFW_E_BUSY);
    ck_assert_ptr_null(l);
    ck_assert_ptr_nonnull(strstr(err.text, "use fewer threads"));
    md->cfg.reader.read_threads = 2;
    ck_assert_int_eq(run(md), DLFW_OK);
    memory_dataset_destroy(md);
}
END_TEST

static void *press_ctrl_c(void *arg)
{
    sleep_ms(*(const uint64_t *)arg);
    atomic_store(&host_cancel_level, 1);
    return NULL;
}

/* The backend takes 400 ms for each answer; nobody waits for more of them than are on their way. */
START_TEST(cancelling_a_stalled_backend)
{
    static const int stalled[] = {0, 3, 6}; /* whole objects, pieces, inline */
    struct memory_dataset *md;
    struct memory_config m = ways[stalled[_i]].m;
    uint64_t start, after = 50;
    struct loader_epoch done;
    pthread_t thread;
    struct loader *l;
    struct batch b;

    m.files = FILES;
    m.backend.delay_ns = 400 * MS;
    md = memory_dataset_create(&m);
    md->cfg.reader.transfer_size = 4096;
    md->cfg.reader.queue_depth = 3;
    l = create(md);
    pthread_create(&thread, NULL, press_ctrl_c, &after);
    start = clock_now_ns();
    loader_begin_epoch(l, 1, FILES);
    ck_assert_int_eq(loader_next(l, &b, &err.e), DLFW_E_CANCELLED);
    ck_assert_str_eq(err.text, "stopped by the user");
    ck_assert_uint_lt(clock_now_ns() - start, 1000 * MS);
    loader_end_epoch(l, &done, &err.e);
    loader_destroy(l);
    ck_assert_uint_lt(clock_now_ns() - start,
                      1800 * MS); /* what is on its way, and closing what is open: two answers */
    pthread_join(thread, NULL);
    memory_dataset_destroy(md);
}
END_TEST

/* Requests that fail because of the stop are not what ended the run. */
START_TEST(cancelling_comes_before_failures)
{
    struct memory_dataset *md = open_way(0);
    struct loader_epoch done;
    struct loader *l = create(md);
    struct batch b;

    script_rule(md->script, (struct script_rule){.count = 1000, .status = DLFW_E_IO, .flags = DLFW_ERR_RETRYABLE});
    atomic_store(&host_cancel_level, 1);
    loader_begin_epoch(l, 1, FILES);
    sleep_ms(20);
    ck_assert_int_eq(loader_next(l, &b, &err.e), DLFW_E_CANCELLED);
    ck_assert_int_eq(loader_end_epoch(l, &done, &err.e), DLFW_E_IO);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_stop_does_not_wait_for_preprocessing)
{
    struct memory_dataset *md = open_way(0);
    struct loader_epoch done;
    uint64_t start;
    struct loader *l;
    struct batch b;

    md->cfg.reader.preprocess_time = (struct time_distribution){.kind = TIME_CONSTANT, .a = 0.05};
    l = create(md);
    start = clock_now_ns();
    loader_begin_epoch(l, 1, 1);
    ck_assert_int_eq(loader_next(l, &b, &err.e), DLFW_OK);
    ck_assert_uint_ge(clock_now_ns() - start, 50 * MS);
    loader_release(l, &b);
    loader_end_epoch(l, &done, NULL);
    md->cfg.reader.preprocess_time.a = 20;
    loader_begin_epoch(l, 2, FILES);
    sleep_ms(20);
    start = clock_now_ns();
    loader_end_epoch(l, &done, NULL);
    ck_assert_uint_lt(clock_now_ns() - start, 5000 * MS);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loader_errors");
    TCase *tc = tcase_create("loader_errors");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 30);
    tcase_add_checked_fixture(tc, setup, NULL);
    tcase_add_loop_test(tc, any_request_may_fail, 0, WAYS);
    tcase_add_loop_test(tc, any_call_of_the_format_may_fail, 0, WAYS);
    tcase_add_loop_test(tc, a_silent_failure_is_one, 0, WAYS);
    tcase_add_test(tc, a_missing_side_object_is_named);
    tcase_add_loop_test(tc, a_shorter_object_is_named, 0, WAYS);
    tcase_add_loop_test(tc, a_read_that_ends_early_is_named, 0, 6);
    tcase_add_loop_test(tc, a_format_that_contradicts_the_run_file_or_itself, 0, sizeof lies / sizeof *lies);
    tcase_add_loop_test(tc, a_missing_object_is_named, 0, WAYS);
    tcase_add_test(tc, a_thread_without_a_queue_fails_the_creation);
    tcase_add_loop_test(tc, cancelling_a_stalled_backend, 0, 3);
    tcase_add_test(tc, cancelling_comes_before_failures);
    tcase_add_test(tc, a_stop_does_not_wait_for_preprocessing);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
