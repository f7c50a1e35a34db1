/* SPDX-License-Identifier: Apache-2.0 */
/* Damaged and hostile files: an error that names file and offset, never other values than the file's, never a hang.
 * The library is off: what the parser refuses must not be tried on it. */
#include "unit/hdf5_fixture.h"

static void read_bytes(const uint8_t *data, uint64_t size, bool whole, struct format_read *ret)
{
    static const struct hdf5_setting never[] = {{"library", "never"}, {0}};
    const struct format_read_args args = {
        .data = data, .size = size, .verify = true, .whole = whole, .piece = 50, .out_limit = 1 << 22};
    struct format_driver d;

    ck_assert_int_eq(hdf5_load(&d, never, NULL), DLFW_OK);
    format_read(&d, &args, ret);
    format_driver_close(&d);
}

static const char *const files[] = {"default.h5",     "latest.h5",      "gzip.h5",           "gzip_latest.h5",
                                    "all_filters.h5", "compact.h5",     "tree_edges.h5",     "fixed.h5",
                                    "implicit.h5",    "gzip_single.h5", "missing_latest.h5", "fletcher.h5",
                                    "lzf.h5",         "user_block.h5"};
#define FILES ((int)(sizeof files / sizeof files[0]))

START_TEST(truncation)
{
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(files[_i], &size);

    for (uint64_t n = 0; n < size; n += n < 200 ? 1 : 37) {
        struct format_read r;

        read_bytes(data, n, n % 2, &r);
        ck_assert_msg(r.status < 0, "%s of %lu bytes is read", files[_i], n);
        ck_assert_msg(strstr(r.message, "'train/img_0'") && strstr(r.message, "offset"), "%s", r.message);
        format_read_free(&r);
    }
    free(data);
}
END_TEST

/* Files whose metadata and data all carry checksums: one wrong bit is an error or has no effect. */
START_TEST(no_flip_changes_values)
{
    static const struct {
        const char *file;
        uint64_t end; /* of what is covered; 0: all */
    } cases[] = {{"latest.h5", 2048}, {"all_filters.h5", 0}, {"gzip_latest.h5", 0}, {"fixed.h5", 2048}};
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(cases[_i].file, &size);
    struct format_read good;

    read_bytes(data, size, true, &good);
    ck_assert_int_eq(good.status, DLFW_OK);
    for (uint64_t at = 0; at < (cases[_i].end ? cases[_i].end : size); at++) {
        struct format_read r;

        data[at] ^= (uint8_t)(1u << at % 8);
        read_bytes(data, size, at % 2, &r);
        ck_assert_msg(r.status < 0 ||
                          (r.samples_len == good.samples_len && memcmp(r.samples, good.samples, good.samples_len) == 0),
                      "%s: a flip at %lu goes unnoticed", cases[_i].file, at);
        format_read_free(&r);
        data[at] ^= (uint8_t)(1u << at % 8);
    }
    format_read_free(&good);
    free(data);
}
END_TEST

/* Every byte in turn becomes 0, 255 or another: no crash, no hang, and what fails says so in one line. */
START_TEST(bytes_replaced)
{
    static const uint8_t values[] = {0, 0xff, 0x80, 1};
    uint64_t size = 0;
    uint8_t *data = hdf5_golden(files[_i], &size);
    uint32_t refused = 0;

    for (uint64_t at = 0; at < size && at < 3000; at++) {
        uint8_t before = data[at];
        struct format_read r;

        data[at] = values[at % 4];
        read_bytes(data, size, at % 2, &r);
        refused += r.status < 0;
        format_read_free(&r);
        data[at] = before;
    }
    ck_assert_msg(refused > 50, "%s: %u refused", files[_i], refused);
    free(data);
}
END_TEST

static uint8_t *find(uint8_t *data, uint64_t size, const char *text, size_t len)
{
    uint8_t *found = memmem(data, size, text, len);

    ck_assert(found != NULL);
    return found;
}

static void put_number(uint8_t *p, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static void expect_refused(uint8_t *data, uint64_t size, const char *word)
{
    for (int whole = 0; whole < 2; whole++) {
        struct format_read r;

        read_bytes(data, size, whole, &r);
        ck_assert_msg(r.status < 0 && strstr(r.message, word), "'%s' is not refused with '%s'", r.message, word);
        format_read_free(&r);
    }
}

/* tree.h5: three dimensions, so keys of 40 bytes; a root over leaves. */
START_TEST(trees)
{
    uint64_t size = 0;
    uint8_t *data = hdf5_golden("tree.h5", &size), *root, *leaf, saved[8192];

    root = find(data, size, "TREE\1\1", 6);
    leaf = find(data, size, "TREE\1\0", 6);
    ck_assert_uint_le(size, sizeof saved * 4);
    memcpy(saved, root, 200);
    put_number(root + 24 + 40, (uint64_t)(root - data), 8); /* a node that is its own child */
    expect_refused(data, size, "no node of the B-tree");
    memcpy(root, saved, 200);
    memcpy(root + 24 + 48 + 40, root + 24 + 40, 8); /* one leaf twice */
    expect_refused(data, size, "over each other");
    memcpy(root, saved, 200);
    put_number(root + 6, 0xffff, 2);
    expect_refused(data, size, "offset");
    memcpy(root, saved, 200);
    memcpy(saved, leaf, 200);
    put_number(leaf + 24 + 40, size - 1, 8);
    expect_refused(data, size, "beyond the file");
    memcpy(leaf, saved, 200);
    put_number(leaf + 24 + 16, 1, 8);
    expect_refused(data, size, "inside another");
    memcpy(leaf, saved, 200);
    put_number(leaf + 24, 3, 4);
    expect_refused(data, size, "instead of 9");
    free(data);
}
END_TEST

/* default.h5: an old header with a data space of (4, 3, 5), uint8, contiguous. */
START_TEST(claims)
{
    static const uint8_t space[] = {1, 3, 1, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 3};
    uint64_t size = 0;
    uint8_t *data = hdf5_golden("default.h5", &size), *p = find(data, size, (const char *)space, sizeof space);

    put_number(p + 8, 5, 8);
    put_number(p + 32, 5, 8);
    expect_refused(data, size, "fewer data");
    put_number(p + 8, UINT64_C(1) << 40, 8);
    put_number(p + 32, UINT64_C(1) << 40, 8);
    expect_refused(data, size, "fewer data");
    put_number(p + 16, UINT64_C(1) << 40, 8);
    put_number(p + 40, UINT64_C(1) << 40, 8);
    expect_refused(data, size, "more than any file");
    p[1] = 33;
    expect_refused(data, size, "33 dimensions");
    free(data);
}
END_TEST

/* A header that continues in itself ends. */
START_TEST(continuation_of_itself)
{
    uint64_t size = 0;
    uint8_t *data = hdf5_golden("attributes.h5", &size), *p = data;
    uint32_t found = 0;

    for (p = data; p + 24 < data + size; p += 8)
        if (p[0] == 0x10 && p[1] == 0 && p[2] == 16 && p[3] == 0) { /* a continuation message: to the first block */
            put_number(p + 8, (uint64_t)(p - data), 8);
            put_number(p + 16, 24, 8);
            found++;
        }
    ck_assert_uint_gt(found, 0);
    expect_refused(data, size, "too many pieces");
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hdf5_hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tc, truncation, 0, FILES);
    tcase_add_loop_test(tc, no_flip_changes_values, 0, 4);
    tcase_add_loop_test(tc, bytes_replaced, 0, FILES);
    tcase_add_test(tc, trees);
    tcase_add_test(tc, claims);
    tcase_add_test(tc, continuation_of_itself);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
