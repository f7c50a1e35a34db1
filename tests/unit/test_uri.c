/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <stdlib.h>

#include "base/error.h"
#include "io/uri.h"

static const struct {
    const char *text, *scheme, *path, *back; /* back: uri_text */
} good[] = {
    {"data/unet3d", "file", "data/unet3d", "data/unet3d"},
    {"data/unet3d//", "file", "data/unet3d", "data/unet3d"},
    {"/", "file", "/", "file:///"},
    {"///", "file", "/", "file:///"},
    {"/mnt/x/", "file", "/mnt/x", "file:///mnt/x"},
    {"./a:b", "file", "./a:b", "./a:b"},
    {"file:///mnt/x", "file", "/mnt/x", "file:///mnt/x"},
    {"file:///", "file", "/", "file:///"},
    {"file://mnt/x", "file", "mnt/x", "mnt/x"},
    {"FILE:///mnt", "file", "/mnt", "file:///mnt"},
    {"direct:///mnt/x", "direct", "/mnt/x", "direct:///mnt/x"},
    {"s3://bucket/prefix/", "s3", "bucket/prefix", "s3://bucket/prefix"},
    {"S3://Bucket/Prefix", "s3", "Bucket/Prefix", "s3://Bucket/Prefix"},
    {"s3://host:9000/bucket/k", "s3", "host:9000/bucket/k", "s3://host:9000/bucket/k"},
    {"gcs://b/p", "gs", "b/p", "gs://b/p"},
    {"gs://b/p", "gs", "b/p", "gs://b/p"},
    {"azure://a/c", "az", "a/c", "az://a/c"},
    {"null://", "null", "", "null://"},
    {"memory:///", "memory", "/", "memory:///"},
    {"a+b-c.d://x", "a+b-c.d", "x", "a+b-c.d://x"},
    {"1a://x", "file", "1a://x", "1a://x"},
    {"s3:/bucket", "file", "s3:/bucket", "s3:/bucket"},
    {"file://a://b", "file", "a://b", "file://a://b"},
    {"file://://x", "file", "://x", "file://://x"},
};

START_TEST(parses)
{
    struct uri uri = {0}, again = {0};
    char *back;

    ck_assert_msg(uri_parse(good[_i].text, &uri, NULL) == DLFW_OK, "%s", good[_i].text);
    ck_assert_str_eq(uri.scheme, good[_i].scheme);
    ck_assert_str_eq(uri.path, good[_i].path);
    back = uri_text(&uri);
    ck_assert_str_eq(back, good[_i].back);
    ck_assert_int_eq(uri_parse(back, &again, NULL), DLFW_OK);
    ck_assert_str_eq(again.scheme, uri.scheme);
    ck_assert_str_eq(again.path, uri.path);
    uri_free(&uri);
    uri_free(&again);
    free(back);
}
END_TEST

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "a storage location is empty; give a folder or a URI such as 's3://bucket/prefix'"},
    {"file://", "'file://' names no folder"},
    {"://x", "'://x' has no scheme before '://'"},
    {"://", "'://' has no scheme before '://'"},
};

START_TEST(refuses)
{
    struct uri uri = {0};
    struct error_slot err;

    error_slot_init(&err);
    ck_assert_msg(uri_parse(bad[_i].text, &uri, &err.e) == DLFW_E_INVALID, "'%s'", bad[_i].text);
    ck_assert_str_eq(err.text, bad[_i].message);
    ck_assert_ptr_null(uri.scheme);
    uri_free(&uri);
}
END_TEST

static const struct {
    const char *root, *id, *joined;
} joins[] = {
    {"data", "train", "data/train"},
    {"data/", "train", "data/train"},
    {"data//", "train/x", "data/train/x"},
    {"/", "train", "/train"},
    {"data", "", "data"},
    {"data/", "", "data"},
    {"", "train", "train"},
    {"data", "/abs", "/abs"},
    {"data", "s3://b/x", "s3://b/x"},
    {"s3://b", "x", "s3://b/x"},
    {"s3://b/", "x", "s3://b/x"},
    {"s3://", "b", "s3://b"},
    {"file:///", "x", "file:///x"},
    {"s3://b/p//", "c//d", "s3://b/p/c//d"},
};

START_TEST(joins_like_dlio)
{
    char *joined = uri_join(joins[_i].root, joins[_i].id);

    ck_assert_str_eq(joined, joins[_i].joined);
    free(joined);
}
END_TEST

START_TEST(knows_a_scheme)
{
    ck_assert(uri_has_scheme("s3://x"));
    ck_assert(uri_has_scheme("x://"));
    ck_assert(!uri_has_scheme("x:/y"));
    ck_assert(!uri_has_scheme("/x://y"));
    ck_assert(!uri_has_scheme(""));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("uri");
    TCase *tc = tcase_create("uri");
    SRunner *sr;
    int failed;

    tcase_add_loop_test(tc, parses, 0, (int)(sizeof good / sizeof *good));
    tcase_add_loop_test(tc, refuses, 0, (int)(sizeof bad / sizeof *bad));
    tcase_add_loop_test(tc, joins_like_dlio, 0, (int)(sizeof joins / sizeof *joins));
    tcase_add_test(tc, knows_a_scheme);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_run_all(sr, CK_NORMAL);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? 1 : 0;
}
