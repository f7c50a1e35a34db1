/* SPDX-License-Identifier: Apache-2.0 */
/* What URIs of the storage tools name. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "transfer/location.h"

static const struct {
    const char *uri, *root, *key; /* root NULL: names no object */
    bool folder;
} objects[] = {
    {"s3://bucket/x", "s3://bucket", "x", false},
    {"s3://bucket/a/b/x", "s3://bucket/a/b", "x", false},
    {"s3://bucket/a b/x+%20\xc3\xa9", "s3://bucket/a b", "x+%20\xc3\xa9", false},
    {"s3://bucket//x", "s3://bucket", "/x", false}, /* the key begins with '/' */
    {"s3://bucket/a//x", "s3://bucket/a", "/x", false},
    {"s3://bucket/marker/", "s3://bucket", "marker/", true},
    {"s3://bucket/a/../x", "s3://bucket/a/..", "x", false},
    {"s3://bucket", NULL, NULL, true},
    {"s3://bucket/", NULL, NULL, true},
    {"s3://", NULL, NULL, true},
    {"az://account/container/x", "az://account/container", "x", false},
    {"gs://bucket/train/x", "gs://bucket/train", "x", false},
    {"/x", "/", "x", false},
    {"/data/x", "/data", "x", false},
    {"file:///x", "file:///", "x", false},
    {"file:///data/x", "file:///data", "x", false},
    {"x", ".", "x", false},
    {"file://x", "file://.", "x", false},
    {"data/x", "data", "x", false},
    {"data/", ".", "data/", true},
    {"./x", ".", "x", false},
    {"//x", "/", "/x", false},
    {"/", NULL, NULL, true},
    {"///", NULL, NULL, true},
};

START_TEST(test_objects)
{
    struct location loc = {0};
    struct error_slot err;
    dlfw_status st;

    error_slot_init(&err);
    st = location_object(objects[_i].uri, &loc, &err.e);
    ck_assert_msg(location_is_folder(objects[_i].uri) == objects[_i].folder, "'%s'", objects[_i].uri);
    if (!objects[_i].root) {
        ck_assert_int_eq(st, DLFW_E_INVALID);
        ck_assert_ptr_nonnull(strstr(err.text, objects[_i].uri));
        ck_assert_ptr_null(loc.root);
        return;
    }
    ck_assert_int_eq(st, DLFW_OK);
    ck_assert_str_eq(loc.uri, objects[_i].uri);
    ck_assert_str_eq(loc.root, objects[_i].root);
    ck_assert_str_eq(loc.key, objects[_i].key);
    location_free(&loc);
    location_free(&loc);
}
END_TEST

START_TEST(test_folders)
{
    static const char *const uris[] = {"s3://", "s3://bucket", "s3://bucket/a/", "/", "data", "x"};
    struct location loc = {0};

    for (size_t i = 0; i < sizeof uris / sizeof *uris; i++) {
        ck_assert_int_eq(location_folder(uris[i], &loc, NULL), DLFW_OK);
        ck_assert_str_eq(loc.root, uris[i]);
        ck_assert_str_eq(loc.key, "");
        location_free(&loc);
    }
    ck_assert_int_lt(location_folder("", &loc, NULL), 0);
    ck_assert_int_lt(location_object("", &loc, NULL), 0);
    ck_assert_int_lt(location_folder("file://", &loc, NULL), 0);
    ck_assert_int_lt(location_folder("://x", &loc, NULL), 0);
}
END_TEST

static const struct {
    const char *root, *key, *uri;
} joins[] = {
    {"s3://bucket", "x", "s3://bucket/x"},
    {"s3://bucket/", "x", "s3://bucket/x"},
    {"s3://", "bucket/", "s3://bucket/"},
    {"s3://bucket", "/x", "s3://bucket//x"},
    {"/", "x", "/x"},
    {".", "x", "x"},
    {"s3://bucket", "", "s3://bucket"},
};

START_TEST(test_joins)
{
    char *uri = location_join(joins[_i].root, joins[_i].key, strlen(joins[_i].key));

    ck_assert_str_eq(uri, joins[_i].uri);
    free(uri);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("transfer_location");
    TCase *cases = tcase_create("location");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(cases, test_objects, 0, sizeof objects / sizeof *objects);
    tcase_add_test(cases, test_folders);
    tcase_add_loop_test(cases, test_joins, 0, sizeof joins / sizeof *joins);
    suite_add_tcase(suite, cases);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
