/* SPDX-License-Identifier: Apache-2.0 */
/* Which files a run reads: the order of DLIO, too few and too many, other people's names, names without a listing. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/script_backend.h"
#include "workload/file_list.h"

static struct script *script;
static struct storage *storage;
static struct io_queue *queue;
static struct run_config cfg;
static struct dataset ds;
static struct file_list list;
static struct error_slot err;

static void setup(void)
{
    script = script_create(&(struct script_config){.blocking = true, .page_entries = 3});
    storage = script_storage(script, NULL);
    ck_assert_int_eq(io_queue_create(storage, 1, &queue, NULL), DLFW_OK);
    cfg = (struct run_config){.dataset = {.file_prefix = "img", .num_samples_per_file = 1}};
    ds = (struct dataset){.cfg = &cfg, .folder = "train", .samples_per_file = 1};
    error_slot_init(&err);
}

static void teardown(void)
{
    file_list_free(&list);
    io_queue_destroy(queue);
    storage_close(storage);
    script_destroy(script);
}

static dlfw_status discover(uint64_t files)
{
    ds.files = files;
    return file_list_discover(queue, &ds, "npz", &list, &err.e);
}

/* Objects of as many bytes as their place in the list, from 1. */
static void put(const char *const *names)
{
    static const char bytes[64];

    for (size_t i = 0; names[i]; i++)
        script_set(script, names[i], bytes, i + 1);
}

static const char *key_at(uint64_t file)
{
    static char key[128];
    uint32_t len = file_list_key(&list, file, key, sizeof key);

    ck_assert_uint_eq(len, strlen(key));
    return key;
}

/* names: what lies there, in the order in which the storage lists it. want: the keys of the files, in order. */
static const struct {
    const char *what;
    uint64_t files, subfolders;
    bool computed;
    const char *names[13], *want[8];
    uint64_t first_size;
} layouts[] = {
    {"as generated",
     3,
     0,
     true,
     {"train/img_1_of_3.npz", "train/img_0_of_3.npz", "train/img_2_of_3.npz"},
     {"train/img_0_of_3.npz", "train/img_1_of_3.npz", "train/img_2_of_3.npz"},
     2},
    {"padded",
     12,
     0,
     true,
     {"train/img_00_of_12.npz", "train/img_01_of_12.npz", "train/img_02_of_12.npz", "train/img_03_of_12.npz",
      "train/img_04_of_12.npz", "train/img_05_of_12.npz", "train/img_06_of_12.npz", "train/img_07_of_12.npz",
      "train/img_08_of_12.npz", "train/img_09_of_12.npz", "train/img_10_of_12.npz", "train/img_11_of_12.npz"},
     {"train/img_00_of_12.npz", "train/img_01_of_12.npz"},
     1},
    {"other people's names, by path",
     4,
     0,
     false,
     {"train/zebra.npz", "train/b10.npz", "train/b9.npz", "train/A.npz"},
     {"train/A.npz", "train/b10.npz", "train/b9.npz", "train/zebra.npz"},
     4},
    {"subfolders, by base name",
     4,
     2,
     true,
     {"train/0/img_0_of_4.npz", "train/0/img_2_of_4.npz", "train/1/img_1_of_4.npz", "train/1/img_3_of_4.npz"},
     {"train/0/img_0_of_4.npz", "train/1/img_1_of_4.npz", "train/0/img_2_of_4.npz", "train/1/img_3_of_4.npz"},
     1},
    {"subfolders, same base names by path",
     4,
     2,
     false,
     {"train/b/2.npz", "train/a/2.npz", "train/b/1.npz", "train/c/0.npz"},
     {"train/c/0.npz", "train/b/1.npz", "train/a/2.npz", "train/b/2.npz"},
     4},
    {"the first ones of more",
     2,
     0,
     false,
     {"train/c.npz", "train/b.npz", "train/a.npz"},
     {"train/a.npz", "train/b.npz"},
     3},
    {"only those with the extension",
     2,
     0,
     false,
     {"train/a.npy", "train/b.npz", "train/c.npz.tmp", "train/npz", "train/d.NPZ", "train/e.xnpz", "train/f.npz/"},
     {"train/b.npz", "train/d.NPZ"},
     2},
    {"upper case of computed names",
     2,
     0,
     false,
     {"train/img_0_of_2.NPZ", "train/img_1_of_2.npz"},
     {"train/img_0_of_2.NPZ", "train/img_1_of_2.npz"},
     1},
};

START_TEST(listed_in_the_order_of_dlio)
{
    ds.subfolders = layouts[_i].subfolders;
    put(layouts[_i].names);
    ck_assert_msg(discover(layouts[_i].files) == DLFW_OK, "%s: %s", layouts[_i].what, err.text);
    ck_assert_uint_eq(list.count, layouts[_i].files);
    ck_assert_msg((list.keys == NULL) == layouts[_i].computed, "%s", layouts[_i].what);
    for (uint64_t i = 0; i < 8 && layouts[_i].want[i]; i++)
        ck_assert_str_eq(key_at(i), layouts[_i].want[i]);
    ck_assert_uint_eq(list.sizes[0], layouts[_i].first_size);
    ck_assert_uint_eq(script_cursors(script), 0);
}
END_TEST

START_TEST(sizes_are_added_up)
{
    put((const char *const[]){"train/a.npz", "train/b.npz", "train/c.npz", NULL});
    ck_assert_int_eq(discover(3), DLFW_OK);
    ck_assert_uint_eq(file_list_max_size(&list), 3);
    ck_assert_uint_eq(file_list_total_size(&list), 6);
    list.sizes[2] = UINT64_MAX; /* not known */
    ck_assert_uint_eq(file_list_max_size(&list), 2);
    ck_assert_uint_eq(file_list_total_size(&list), 3);
}
END_TEST

static const struct {
    const char *names[4];
    uint32_t split;
    uint64_t found;
    bool no_folder;
} few[] = {
    {{NULL}, SPLIT_TRAIN, 0, false},
    {{NULL}, SPLIT_TRAIN, 0, true},
    {{"train/a.npz", "train/b.npz", "train/c.npy"}, SPLIT_TRAIN, 2, false},
    {{"valid/a.npz"}, SPLIT_EVAL, 1, false},
};

START_TEST(too_few_names_the_remedy)
{
    char want[256];
    bool eval = few[_i].split == SPLIT_EVAL;

    ds.split = few[_i].split;
    ds.folder = eval ? "valid" : "train";
    put(few[_i].names);
    if (few[_i].no_folder)
        script_rule(script, (struct script_rule){.op = DLFW_OP_LIST, .count = 1, .status = DLFW_E_NOT_FOUND});
    ck_assert_int_eq(discover(3), DLFW_E_NOT_FOUND);
    snprintf(want, sizeof want,
             "Not enough %s dataset is found: '%s' holds %llu of 3 files; set ++workload.workflow.generate_data=True "
             "or run dlfw generate",
             eval ? "evaluation" : "training", ds.folder, (unsigned long long)few[_i].found);
    ck_assert_str_eq(err.text, want);
    ck_assert_ptr_null(list.sizes);
}
END_TEST

START_TEST(a_listing_that_fails_fails)
{
    put((const char *const[]){"train/a.npz", "train/b.npz", "train/c.npz", "train/d.npz", NULL});
    script_rule(script, (struct script_rule){.op = DLFW_OP_LIST, .count = 1, .status = DLFW_E_PERMISSION});
    ck_assert_int_eq(discover(2), DLFW_E_PERMISSION);
    ck_assert_ptr_nonnull(strstr(err.text, "train"));
    ck_assert_ptr_null(list.sizes);
}
END_TEST

/* skip_listing with files 0 .. 9: which are looked at, and does it matter that one is missing? */
static const struct {
    uint64_t interval;
    int64_t missing; /* -1: none */
    uint64_t stats;
    dlfw_status status;
} samples[] = {
    {1000, -1, 2, DLFW_OK},
    {3, -1, 5, DLFW_OK},
    {4, -1, 4, DLFW_OK},
    {1, -1, 11, DLFW_OK},
    {0, -1, 0, DLFW_OK},
    {0, 0, 0, DLFW_OK},
    {4, 5, 4, DLFW_OK},
    {4, 8, 3, DLFW_E_NOT_FOUND},
    {1000, 9, 2, DLFW_E_NOT_FOUND},
    {1000, 0, 1, DLFW_E_NOT_FOUND},
};

START_TEST(without_listing_some_are_looked_at)
{
    uint64_t interval = samples[_i].interval;

    cfg.dataset.skip_listing = 1;
    cfg.dataset.listing_validation_interval = interval;
    ds.files = 10;
    for (uint64_t i = 0; i < 10; i++) {
        char key[64];

        dataset_key(&ds, i, "npz", key, sizeof key);
        if ((int64_t)i != samples[_i].missing)
            script_set(script, key, "123", 3);
    }
    ck_assert_int_eq(discover(10), samples[_i].status);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_STAT), samples[_i].stats);
    ck_assert_uint_eq(script_calls(script, DLFW_OP_LIST), 0);
    if (samples[_i].status < 0) {
        char want[96];

        snprintf(want, sizeof want,
                 "dataset.skip_listing is set but file %lld is missing: ", (long long)samples[_i].missing);
        ck_assert_msg(strncmp(err.text, want, strlen(want)) == 0 && strstr(err.text, ".npz"), "%s", err.text);
        return;
    }
    ck_assert(list.validated_only);
    for (uint64_t i = 0; i < 10; i++)
        ck_assert_uint_eq(list.sizes[i], interval && (i % interval == 0 || i == 9) ? 3 : UINT64_MAX);
    ck_assert_str_eq(key_at(7), "train/img_07_of_10.npz");
}
END_TEST

static dlfw_status size_of(void *ctx, uint64_t file, uint64_t *ret, dlfw_error *why)
{
    if (file == *(const uint64_t *)ctx)
        return dlfw_fail(why, DLFW_E_UNSUPPORTED, "file %llu has no size", (unsigned long long)file);
    *ret = file * 10;
    return DLFW_OK;
}

START_TEST(computed_without_asking)
{
    uint64_t fails_at = UINT64_MAX;

    ds.files = 5;
    ck_assert_int_eq(file_list_computed(&ds, "npz", size_of, &fails_at, &list, &err.e), DLFW_OK);
    ck_assert_uint_eq(list.count, 5);
    ck_assert_uint_eq(file_list_total_size(&list), 100);
    ck_assert_str_eq(key_at(4), "train/img_4_of_5.npz");
    ck_assert_uint_eq(script_calls(script, 0), 0);
    file_list_free(&list);
    fails_at = 3;
    ck_assert_int_eq(file_list_computed(&ds, "npz", size_of, &fails_at, &list, &err.e), DLFW_E_UNSUPPORTED);
    ck_assert_str_eq(err.text, "file 3 has no size");
    ck_assert_ptr_null(list.sizes);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof *(table))

int main(void)
{
    Suite *s = suite_create("file_list");
    TCase *tc = tcase_create("file_list");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, listed_in_the_order_of_dlio, 0, COUNT(layouts));
    tcase_add_test(tc, sizes_are_added_up);
    tcase_add_loop_test(tc, too_few_names_the_remedy, 0, COUNT(few));
    tcase_add_test(tc, a_listing_that_fails_fails);
    tcase_add_loop_test(tc, without_listing_some_are_looked_at, 0, COUNT(samples));
    tcase_add_test(tc, computed_without_asking);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
