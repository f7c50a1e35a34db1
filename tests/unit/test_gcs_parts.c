/* SPDX-License-Identifier: Apache-2.0 */
/* The parts of the backend gs that need no service: names, JSON that strangers send, hashes, ranges, sums of CRCs. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gcs/crc_join.h"
#include "gcs/place.h"
#include "gcs/resource.h"
#include "host/crc.h"

#define TEXT(t) ((t)->data ? (t)->data : "")

static char message[512];

static dlfw_error fresh_error(void)
{
    message[0] = '\0';
    return (dlfw_error){.struct_size = sizeof(dlfw_error), .message = message, .message_cap = sizeof message};
}

START_TEST(crc_of_two_pieces)
{
    static uint8_t data[70000];
    static const size_t cuts[] = {0, 1, 2, 3, 7, 8, 255, 256, 4096, 65535, 65536, 69999, 70000};
    uint32_t whole;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7 + i / 251);
    whole = crc32c_update(0, data, sizeof data);
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        uint32_t first = crc32c_update(0, data, cuts[i]);
        uint32_t second = crc32c_update(0, data + cuts[i], sizeof data - cuts[i]);

        ck_assert_uint_eq(gcs_crc32c_join(first, second, sizeof data - cuts[i]), whole);
    }
    /* a length that no memory has: zeros appended in two ways */
    ck_assert_uint_eq(gcs_crc32c_join(gcs_crc32c_join(1, 0, 1ull << 40), 0, 1ull << 41),
                      gcs_crc32c_join(1, 0, 3ull << 40));
}
END_TEST

START_TEST(roots)
{
    static const struct {
        const char *root, *bucket, *prefix;
    } rows[] = {
        {"", "", ""},
        {"b", "b", ""},
        {"b/", "b", ""},
        {"b/data", "b", "data/"},
        {"b/data/", "b", "data/"},
        {"b/data/unet3d///", "b", "data/unet3d/"},
        {"my_bucket.example.com/x y", "my_bucket.example.com", "x y/"},
    };
    static const char *const bad[] = {"/x", "b c", "b%41", "b\r\nHost: x", "..", ".b", "b?x/y"};
    dlfw_error err = fresh_error();
    char *bucket, *prefix;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(gcs_root_parse(rows[i].root, &bucket, &prefix, &err), DLFW_OK);
        ck_assert_str_eq(bucket, rows[i].bucket);
        ck_assert_str_eq(prefix, rows[i].prefix);
        free(bucket);
        free(prefix);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(gcs_root_parse(bad[i], &bucket, &prefix, &err), DLFW_E_INVALID);
}
END_TEST

START_TEST(places_and_paths)
{
    static const struct {
        const char *bucket, *key, *path;
    } rows[] = {
        {"b", "a/b c+d%", "/storage/v1/b/b/o/a%2Fb%20c%2Bd%25"},
        {"b", "/lead/../x", "/storage/v1/b/b/o/%2Flead%2F..%2Fx"},
        {"b", "\xc3\xa4#?&=", "/storage/v1/b/b/o/%C3%A4%23%3F%26%3D"},
        {"", "bucket/a/b", "/storage/v1/b/bucket/o/a%2Fb"},
    };
    struct gcs_place place;
    struct text path = {0};
    dlfw_error err = fresh_error();

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_int_eq(gcs_place_of(rows[i].bucket, rows[i].key, strlen(rows[i].key), &place, &err), DLFW_OK);
        ck_assert_int_eq(gcs_object_check(&place, &err), DLFW_OK);
        text_clear(&path);
        gcs_add_object(&path, &place);
        ck_assert_str_eq(TEXT(&path), rows[i].path);
    }
    text_free(&path);
    ck_assert_int_eq(gcs_place_of("", "no bucket/x", 11, &place, &err), DLFW_E_INVALID);
    ck_assert_int_eq(gcs_place_of("", "", 0, &place, &err), DLFW_E_INVALID);
}
END_TEST

START_TEST(names_that_no_object_has)
{
    static const struct {
        const char *name;
        size_t len;
    } rows[] = {
        {"", 0},
        {".", 1},
        {"..", 2},
        {"a\nb", 3},
        {"a\rb", 3},
        {"bad\xff", 4},
        {"cut\xc3", 4},
        {"\xc0\x80", 2},
        {"\xe0\x80\x80", 3},
        {"\xed\xa0\x80", 3},
        {"\x80", 1},
        {"\xf8\x88\x80", 3},
        {"\xf4\x90\x80\x80", 4},
    };
    static char long_name[1025];
    dlfw_error err = fresh_error();
    struct gcs_place place = {.bucket = "b", .bucket_len = 1};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        place.object = rows[i].name;
        place.object_len = rows[i].len;
        ck_assert_msg(gcs_object_check(&place, &err) == DLFW_E_INVALID, "row %zu passes", i);
    }
    memset(long_name, 'k', sizeof long_name);
    place.object = long_name;
    place.object_len = 1024;
    ck_assert_int_eq(gcs_object_check(&place, &err), DLFW_OK);
    place.object_len = 1025;
    ck_assert_int_eq(gcs_object_check(&place, &err), DLFW_E_INVALID);
}
END_TEST

START_TEST(json_text_comes_back)
{
    static const char name[] = "a\"b\\c/\x01\x1f\t\xe2\x82\xac'";
    struct text json = {0};
    json_t *value;

    gcs_add_json(&json, name, sizeof name - 1);
    value = json_loadb(json.data, json.len, JSON_DECODE_ANY, NULL);
    ck_assert_ptr_nonnull(value);
    ck_assert_str_eq(json_string_value(value), name);
    json_decref(value);
    text_free(&json);
}
END_TEST

static void read_object(const char *json, struct gcs_object *ret, json_t **doc)
{
    dlfw_error err = fresh_error();

    *doc = gcs_json_parse(json, strlen(json), &err);
    ck_assert_ptr_nonnull(*doc);
    gcs_object_read(*doc, ret);
}

START_TEST(object_resource)
{
    struct gcs_object o;
    struct text lines = {0};
    json_t *doc;

    read_object(
        "{\"name\":\"x\",\"size\":\"5368709121\",\"updated\":\"2026-11-21T12:34:56.789Z\",\"crc32c\":\"4waSgw==\","
        "\"md5Hash\":\"JfnnlDI7RTiF9RgfG2JNCw==\",\"etag\":\"CJ==\",\"contentType\":\"text/plain\","
        "\"storageClass\":\"NEARLINE\",\"generation\":\"1700000000000001\","
        "\"metadata\":{\"owner\":\"me\",\"lines\":\"a\\nb\",\"number\":3}}",
        &o, &doc);
    ck_assert(o.has_size && o.has_crc32c && o.has_md5);
    ck_assert_uint_eq(o.size, 5368709121ull);
    ck_assert_uint_eq(o.crc32c, 0xe3069283u); /* of "123456789" */
    ck_assert_uint_eq(o.md5[0], 0x25);
    ck_assert_uint_eq(o.mtime_ns, 1795264496789000000ull);
    ck_assert_str_eq(o.storage_class, "NEARLINE");
    ck_assert_str_eq(o.generation, "1700000000000001");
    ck_assert_ptr_null(o.content_encoding);
    gcs_metadata_lines(o.metadata, &lines);
    ck_assert_str_eq(TEXT(&lines), "owner: me\n");
    text_free(&lines);
    json_decref(doc);
    /* wrong types and wrong values are not there */
    read_object("{\"size\":-1,\"updated\":7,\"crc32c\":\"4waSg\",\"md5Hash\":\"4waSgw==\",\"etag\":[],"
                "\"generation\":\"1&x=2\",\"metadata\":[]}",
                &o, &doc);
    ck_assert(!o.has_size && !o.has_crc32c && !o.has_md5);
    ck_assert_uint_eq(o.mtime_ns, 0);
    ck_assert_ptr_null(o.etag);
    ck_assert_ptr_null(o.generation);
    json_decref(doc);
    read_object("{\"size\":12}", &o, &doc);
    ck_assert_uint_eq(o.size, 12);
    json_decref(doc);
}
END_TEST

static void list_free_texts(struct cloud_list *list)
{
    text_free(&list->prefix);
    text_free(&list->token);
    text_free(&list->text);
    free(list->names);
}

static dlfw_status read_list(const char *json, const char *prefix, const char *bucket, struct cloud_list *list)
{
    dlfw_error err = fresh_error();
    struct text scratch = {0};
    json_t *doc = gcs_json_parse(json, strlen(json), &err);
    dlfw_status st = DLFW_E_CORRUPT;

    *list = (struct cloud_list){.kind = CLOUD_LIST};
    text_str(&list->prefix, prefix);
    if (doc)
        st = gcs_list_read(doc, bucket, bucket ? strlen(bucket) : 0, &scratch, list, &err);
    json_decref(doc);
    text_free(&scratch);
    return st;
}

START_TEST(listing)
{
    struct cloud_list list;

    ck_assert_int_eq(
        read_list("{\"nextPageToken\":\"t=1\",\"prefixes\":[\"d/x/\"],\"items\":[{\"name\":\"d/a\",\"size\":"
                  "\"7\",\"updated\":\"1970-01-01T00:00:01Z\"}]}",
                  "d/", NULL, &list),
        DLFW_OK);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_uint_eq(list.names[0].size, UINT64_MAX);
    ck_assert_uint_eq(list.names[1].size, 7);
    ck_assert_uint_eq(list.names[1].mtime_ns, 1000000000u);
    ck_assert_str_eq(TEXT(&list.text), "d/x/d/a");
    ck_assert_str_eq(TEXT(&list.token), "t=1");
    ck_assert(!list.last);
    list_free_texts(&list);
    /* of one bucket among others */
    ck_assert_int_eq(read_list("{\"items\":[{\"name\":\"a\",\"size\":\"0\"}]}", "bucket/", "bucket", &list), DLFW_OK);
    ck_assert_str_eq(TEXT(&list.text), "bucket/a");
    ck_assert(list.last);
    list_free_texts(&list);
    ck_assert_int_eq(read_list("{}", "", NULL, &list), DLFW_OK);
    ck_assert_uint_eq(list.count, 0);
    ck_assert(list.last);
    list_free_texts(&list);
}
END_TEST

START_TEST(hostile_listings)
{
    static const char *const rows[] = {
        "",
        "[]",
        "nonsense",
        "{\"items\":[{\"name\":\"a\",\"size\":\"0\"}]",
        "{\"items\":[1]}",
        "{\"items\":[{\"size\":\"0\"}]}",
        "{\"items\":[{\"name\":\"a\"}]}",
        "{\"items\":[{\"name\":3,\"size\":\"0\"}]}",
        "{\"items\":[{\"name\":\"a\",\"size\":\"99999999999999999999999\"}]}",
        "{\"items\":[{\"name\":\"a\",\"size\":\"18446744073709551615\"}]}",
        "{\"items\":[{\"name\":\"a\",\"size\":-5}]}",
        "{\"items\":[{\"name\":\"a\\u0000b\",\"size\":\"0\"}]}",
        "{\"prefixes\":[{}]}",
    };
    struct cloud_list list;
    size_t depth = 100000;
    char *deep = malloc(depth + 1);

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(read_list(rows[i], "", NULL, &list) == DLFW_E_CORRUPT, "row %zu passes", i);
        ck_assert(message[0]);
        list_free_texts(&list);
    }
    memset(deep, '[', depth);
    deep[depth] = '\0';
    ck_assert_int_eq(read_list(deep, "", NULL, &list), DLFW_E_CORRUPT);
    list_free_texts(&list);
    free(deep);
    /* fields of another type than documented are no list at all */
    ck_assert_int_eq(read_list("{\"items\":7}", "", NULL, &list), DLFW_E_CORRUPT);
    list_free_texts(&list);
    ck_assert_int_eq(read_list("{\"prefixes\":{}}", "", NULL, &list), DLFW_E_CORRUPT);
    list_free_texts(&list);
}
END_TEST

START_TEST(hashes_in_headers)
{
    static const struct {
        const char *value;
        bool found;
    } rows[] = {
        {"crc32c=4waSgw==", true},
        {"crc32c=4waSgw==,md5=JfnnlDI7RTiF9RgfG2JNCw==", true},
        {"md5=x, crc32c=4waSgw==", true},
        {"", false},
        {"md5=JfnnlDI7RTiF9RgfG2JNCw==", false},
        {"crc32c=", false},
        {"crc32c=4waSgwAA", false},
        {"crc32c=None,md5=None", false},
        {",,,", false},
    };
    struct text text = {0};

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint32_t crc = 0;

        ck_assert_msg(gcs_hash_header(rows[i].value, strlen(rows[i].value), &crc) == rows[i].found, "row %zu", i);
        ck_assert(!rows[i].found || crc == 0xe3069283u);
    }
    gcs_add_crc32c(&text, 0xe3069283u);
    ck_assert_str_eq(TEXT(&text), "4waSgw==");
    text_free(&text);
}
END_TEST

START_TEST(ranges_of_uploads)
{
    static const struct {
        const char *value;
        bool good;
        uint64_t kept;
    } rows[] = {
        {"", true, 0},
        {"bytes=0-0", true, 1},
        {"bytes=0-524287", true, 524288},
        {"bytes=0-9007199254740991", true, 9007199254740992ull},
        {"bytes=1-5", false, 0},
        {"bytes=0-", false, 0},
        {"bytes=0-5/6", false, 0},
        {"bytes 0-5", false, 0},
        {"0-5", false, 0},
        {"bytes=0--5", false, 0},
        {"bytes=0-99999999999999999999", false, 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        uint64_t kept = 77;

        ck_assert_msg(gcs_range_parse(rows[i].value, strlen(rows[i].value), &kept) == rows[i].good, "'%s'",
                      rows[i].value);
        if (rows[i].good)
            ck_assert_uint_eq(kept, rows[i].kept);
    }
}
END_TEST

START_TEST(faults)
{
    static const struct {
        const char *body, *reason, *message;
    } rows[] = {
        {"{\"error\":{\"code\":403,\"message\":\"slow down\",\"errors\":[{\"reason\":\"rateLimitExceeded\"}]}}",
         "rateLimitExceeded", "slow down"},
        {"{\"error\":\"invalid_grant\",\"error_description\":\"bad clock\"}", "invalid_grant", "bad clock"},
        {"{\"error\":{\"message\":\"two\\nlines\",\"errors\":[]}}", "", "two lines"},
        {"{\"error\":{\"message\":3,\"errors\":{}}}", "", ""},
        {"No such object: b/k\r\n", "", "No such object: b/k"},
        {"<html>gateway</html>", "", ""},
        {"{ broken", "", ""},
        {"", "", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cloud_fault fault = {0};
        char reason[64];

        gcs_fault_read(rows[i].body, strlen(rows[i].body), &fault, reason);
        ck_assert_str_eq(reason, rows[i].reason);
        ck_assert_str_eq(fault.code, rows[i].reason);
        if (i != 6) /* what cannot be read is repeated as it is */
            ck_assert_str_eq(fault.message, rows[i].message);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gcs_parts");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_test(tc, crc_of_two_pieces);
    tcase_add_test(tc, roots);
    tcase_add_test(tc, places_and_paths);
    tcase_add_test(tc, names_that_no_object_has);
    tcase_add_test(tc, json_text_comes_back);
    tcase_add_test(tc, object_resource);
    tcase_add_test(tc, listing);
    tcase_add_test(tc, hostile_listings);
    tcase_add_test(tc, hashes_in_headers);
    tcase_add_test(tc, ranges_of_uploads);
    tcase_add_test(tc, faults);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
