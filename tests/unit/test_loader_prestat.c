/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes that no listing told, from a storage without an open: asked for once, at once, before the first epoch. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "loader/loader_parts.h"
#include "support/memory_dataset.h"

#define FILES 40u
#define MS 1000000u

static struct error_slot err;

static struct memory_dataset *dataset(uint64_t without, uint64_t delay_ns)
{
    return memory_dataset_create(&(struct memory_config){
        .files = FILES,
        .samples_per_file = 1,
        .units = 1,
        .ranges = 1,
        .metadata_rounds = 1,
        .sample_bytes = 10000,
        .sample_more = 3000,
        .tell_nothing = true,
        .backend = {.native = true, .caps = DLFW_BACKEND_STREAMS, .delay_ns = delay_ns, .without = without}});
}

static struct loader *create(struct memory_dataset *md)
{
    struct loader_args args = memory_dataset_args(md, 4, 0, 1);
    struct loader *l = NULL;

    error_slot_init(&err);
    if (loader_create(&md->cfg, &args, &l, &err.e) < 0)
        ck_abort_msg("%s", err.text);
    return l;
}

static void run_epoch(struct memory_dataset *md, struct loader *l, uint64_t epoch)
{
    struct loader_epoch done;
    struct batch b;

    loader_begin_epoch(l, epoch, FILES / 4);
    for (uint64_t i = 0; i < FILES / 4; i++) {
        ck_assert_msg(loader_next(l, &b, &err.e) == DLFW_OK, "%s", err.text);
        for (uint32_t k = 0; b.views && k < b.samples; k++)
            memory_identify(md, &b.views[k]);
        loader_release(l, &b);
    }
    ck_assert_int_eq(loader_end_epoch(l, &done, &err.e), DLFW_OK);
}

#define NO_OPEN (DLFW_OP_BIT(DLFW_OP_OPEN) | DLFW_OP_BIT(DLFW_OP_CLOSE))

START_TEST(each_file_is_asked_for_once)
{
    struct memory_dataset *md = dataset(NO_OPEN, MS);
    struct loader *l;

    md->cfg.reader.transfer_size = 4096;
    l = create(md);
    ck_assert_uint_eq(script_calls(md->script, DLFW_OP_STAT), FILES);
    ck_assert_uint_ge(script_max_running(md->script), FILES / 2);
    for (uint64_t epoch = 1; epoch <= 3; epoch++)
        run_epoch(md, l, epoch);
    ck_assert_uint_eq(script_calls(md->script, DLFW_OP_STAT), FILES);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(what_opens_needs_no_question)
{
    struct memory_dataset *md = dataset(0, 0);
    struct loader *l;

    md->cfg.reader.transfer_size = 4096;
    l = create(md);
    run_epoch(md, l, 1);
    ck_assert_uint_eq(script_calls(md->script, DLFW_OP_STAT), 0);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_size_that_is_remembered_is_not_asked_for)
{
    struct memory_dataset *md = dataset(NO_OPEN, 0);
    char key[KEY_CAP];
    struct io_queue *q;
    struct loader *l;
    uint64_t size;

    error_slot_init(&err);
    md->cfg.reader.transfer_size = 4096;
    ck_assert_int_eq(io_queue_create(md->storage, 1, &q, &err.e), DLFW_OK);
    for (uint64_t i = 0; i < FILES; i += 2) {
        file_list_key(&md->files, i, key, sizeof key);
        ck_assert_int_eq(io_stat(q, key, &size, &err.e), DLFW_OK);
    }
    io_queue_destroy(q);
    l = create(md);
    run_epoch(md, l, 1);
    ck_assert_uint_eq(script_calls(md->script, DLFW_OP_STAT), FILES);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

START_TEST(a_missing_file_is_told_when_it_is_read)
{
    struct memory_dataset *md = dataset(NO_OPEN, 0);
    struct loader *l;
    struct batch b;
    struct loader_epoch done;
    dlfw_status st = DLFW_OK;

    md->cfg.reader.transfer_size = 4096;
    script_rule(md->script,
                (struct script_rule){.op = DLFW_OP_STAT, .from = 7, .count = 1000, .status = DLFW_E_NOT_FOUND});
    l = create(md);
    loader_begin_epoch(l, 1, FILES / 4);
    for (uint64_t i = 0; i < FILES / 4 && st >= 0; i++) {
        st = loader_next(l, &b, &err.e);
        if (st >= 0)
            loader_release(l, &b);
    }
    ck_assert_int_eq(st, DLFW_E_NOT_FOUND);
    loader_end_epoch(l, &done, &err.e);
    loader_destroy(l);
    memory_dataset_destroy(md);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("loader_prestat");
    TCase *tc = tcase_create("loader_prestat");
    SRunner *sr;
    int failed;

    tcase_add_test(tc, each_file_is_asked_for_once);
    tcase_add_test(tc, what_opens_needs_no_question);
    tcase_add_test(tc, a_size_that_is_remembered_is_not_asked_for);
    tcase_add_test(tc, a_missing_file_is_told_when_it_is_read);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
