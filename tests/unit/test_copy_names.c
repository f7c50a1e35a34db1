/* SPDX-License-Identifier: Apache-2.0 */
/* Names: which may become files, where two storages lie, what a table of names keeps; and the bytes of objects that are
 * made up. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "host/content.h"
#include "base/error.h"
#include "transfer/generated.h"
#include "transfer/local_name.h"
#include "transfer/name_table.h"
#include "transfer/place.h"

static struct error_slot err;

START_TEST(local_names)
{
    static const struct {
        const char *name;
        size_t len; /* 0: that of the text */
        const char *problem;
    } cases[] = {
        {"a", 0, NULL},
        {"a/b c/ü", 0, NULL},
        {"..a/b../...", 0, NULL},
        {".hidden", 0, NULL},
        {"", 0, "it is empty"},
        {"/etc/passwd", 0, "it begins with '/'"},
        {"..", 0, "it has a part '..'"},
        {"a/../b", 0, "it has a part '..'"},
        {"a/..", 0, "it has a part '..'"},
        {"./a", 0, "it has a part '.'"},
        {"a/./b", 0, "it has a part '.'"},
        {"a//b", 0, "it has an empty part"},
        {"a/", 0, "it has an empty part"},
        {"a\0b", 3, "it has a NUL byte"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t len = cases[i].len ? cases[i].len : strlen(cases[i].name);
        const char *problem = local_name_problem(cases[i].name, len);

        ck_assert_pstr_eq(problem, cases[i].problem);
    }
}
END_TEST

#define STREAMS DLFW_BACKEND_STREAMS
#define FILES DLFW_BACKEND_LOCAL

static struct place place(const char *root, uint64_t caps)
{
    struct place p = {0};

    error_slot_init(&err);
    ck_assert_msg(place_of(root, caps, &p, &err.e) == DLFW_OK, "%s", err.text);
    return p;
}

START_TEST(places_that_contain_each_other)
{
    static const struct {
        const char *outer, *outer_key, *inner, *inner_key;
        uint64_t caps;
        bool contains;
    } cases[] = {
        {"/nowhere/a", "", "/nowhere/a/b", "", FILES, true},
        {"/nowhere/a", "", "/nowhere/ab", "", FILES, false},
        {"/nowhere/a/", "", "/nowhere/a", "", FILES, true},
        {"/nowhere/a", "b", "/nowhere/a/b", "", FILES, true},
        {"/nowhere/a", "b", "/nowhere/a", "b", FILES, true},
        {"/nowhere/a", "b", "/nowhere/a", "bc", FILES, false},
        {"/", "", "/nowhere", "", FILES, true},
        {"/nowhere/a/b", "", "/nowhere/a", "", FILES, false},
        {"file:///nowhere/a", "", "direct:///nowhere/a", "x", FILES, true},
        {"s3://b/p", "", "s3://b/p/q", "", STREAMS, true},
        {"s3://b/p", "", "s3://b/pq", "", STREAMS, false},
        {"s3://b", "", "gs://b", "", STREAMS, false},
        {"s3://", "", "s3://b", "", STREAMS, true},
        {"memory://a", "", "memory://a/b", "", 0, false},
        {"memory://a", "x", "memory://a", "x/y", 0, true},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place outer = place(cases[i].outer, cases[i].caps), inner = place(cases[i].inner, cases[i].caps);

        ck_assert_msg(place_contains(&outer, cases[i].outer_key, &inner, cases[i].inner_key) == cases[i].contains,
                      "case %zu", i);
        place_free(&outer);
        place_free(&inner);
    }
}
END_TEST

START_TEST(links_are_seen_through)
{
    char dir[] = "/tmp/dlfw-place-XXXXXX", link[64];
    struct place a, b, c;

    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(link, sizeof link, "%s/link", dir);
    ck_assert_int_eq(symlink(dir, link), 0);
    a = place(dir, FILES);
    b = place(link, FILES);
    snprintf(link, sizeof link, "%s/link/new/deep", dir);
    c = place(link, FILES);
    ck_assert_str_eq(a.path, b.path);
    ck_assert(place_contains(&a, "", &c, ""));
    ck_assert(!place_contains(&c, "", &a, ""));
    place_free(&a);
    place_free(&b);
    place_free(&c);
    link[strlen(dir) + 5] = '\0';
    unlink(link);
    rmdir(dir);
}
END_TEST

START_TEST(common_roots)
{
    static const struct {
        const char *a, *b;
        uint64_t caps;
        const char *root, *to_a, *to_b; /* root NULL: none */
    } cases[] = {
        {"/nowhere/a", "/nowhere/b", FILES, "file:///nowhere/", "a/", "b/"},
        {"/nowhere/a", "/nowhere/a", FILES, "file:///nowhere/a", "", ""},
        {"/nowhere/a", "/nowhere/a/b", FILES, "file:///nowhere/a", "", "b/"},
        {"/nowhere/ab", "/nowhere/ac", FILES, "file:///nowhere/", "ab/", "ac/"},
        {"/nowhere/a", "/elsewhere/b", FILES, "file:///", "nowhere/a/", "elsewhere/b/"},
        {"/nowhere/a", "direct:///nowhere/b", FILES, NULL, NULL, NULL},
        {"s3://b/p", "s3://b/q/r", STREAMS, "s3://b/", "p/", "q/r/"},
        {"s3://b", "s3://b/q", STREAMS, "s3://b", "", "q/"},
        {"s3://b/p", "s3://c/p", STREAMS, NULL, NULL, NULL},
        {"s3://bc/p", "s3://b/p", STREAMS, NULL, NULL, NULL},
        {"memory://a", "memory://a", 0, "memory://a", "", ""},
        {"memory://a", "memory://a/b", 0, NULL, NULL, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct place a = place(cases[i].a, cases[i].caps), b = place(cases[i].b, cases[i].caps);
        char *to_a = NULL, *to_b = NULL, *root = place_common(&a, &b, &to_a, &to_b);

        ck_assert_pstr_eq(root, cases[i].root);
        ck_assert_pstr_eq(to_a, cases[i].to_a);
        ck_assert_pstr_eq(to_b, cases[i].to_b);
        free(root);
        free(to_a);
        free(to_b);
        place_free(&a);
        place_free(&b);
    }
}
END_TEST

static void name_of(char name[32], uint32_t i)
{
    snprintf(name, 32, "train/%u", i);
}

/* All names are found with what was said of them, in one part or another, and no others. */
START_TEST(names_in_parts)
{
    enum { NAMES = 4000 };
    struct name_table *t = name_table_create(_i ? 20000 : 4 << 20);
    uint32_t found = 0, part = 0;
    char name[32];

    for (; part < name_table_parts(t); part++) {
        name_table_begin(t, part);
        for (uint32_t i = 0; i < NAMES; i++) {
            name_of(name, i);
            name_table_add(t, name, strlen(name), i, 2 * i);
        }
        for (uint32_t i = 0; i < 2 * NAMES; i++) {
            const struct name_entry *e;

            name_of(name, i);
            if (!name_table_covers(t, name, strlen(name)))
                continue;
            e = name_table_find(t, name, strlen(name));
            ck_assert_int_eq(e != NULL, i < NAMES);
            if (!e)
                continue;
            ck_assert_uint_eq(e->size, i);
            ck_assert_uint_eq(e->mtime_ns, 2 * i);
            ck_assert(!e->seen);
            found++;
        }
    }
    ck_assert_uint_eq(found, NAMES);
    ck_assert_int_eq(part > 1, _i);
    name_table_destroy(t);
}
END_TEST

static struct generated prepared(uint64_t size, uint64_t count, uint64_t dedup, double compress)
{
    struct generated g = {
        .key_template = "o{}", .seed = 5, .size = size, .count = count, .dedup = dedup, .compress = compress};

    error_slot_init(&err);
    ck_assert_msg(generated_prepare(&g, &err.e) == DLFW_OK, "%s", err.text);
    return g;
}

START_TEST(generated_keys)
{
    static const struct {
        const char *text;
        const char *key; /* NULL: refused */
    } cases[] = {{"object_{}_of_{}.dat", "object_7_of_10.dat"},
                 {"a/{}", "a/7"},
                 {"{}{}", "710"},
                 {"one", NULL},
                 {"{}{}{}", NULL},
                 {"", NULL}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct generated g = {.key_template = cases[i].text, .size = 1, .count = 10, .dedup = 1, .compress = 1};
        dlfw_status st = generated_prepare(&g, NULL);
        char *key;

        ck_assert_int_eq(st == DLFW_OK, cases[i].key != NULL);
        if (!cases[i].key)
            continue;
        key = generated_key(&g, 7);
        ck_assert_str_eq(key, cases[i].key);
        free(key);
    }
}
END_TEST

/* Without ratios the bytes are the content of the key, and any range is what the whole has there. */
START_TEST(generated_ranges)
{
    static const struct {
        uint64_t size, dedup;
        double compress;
    } cases[] = {{300000, 1, 1}, {300000, 3, 1}, {262144, 2, 4}, {100001, 5, 2.5}};
    static const uint64_t cuts[] = {0, 1, 4095, 4096, 70000, 70001, 100001};
    uint8_t *whole = xmalloc(300000), *part = xmalloc(300000);

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct generated g = prepared(cases[i].size, 6, cases[i].dedup, cases[i].compress);

        generated_fill(&g, 4, 0, whole, g.size);
        if (g.dedup == 1)
            ck_assert_uint_eq(content_check(5, content_object("o4", 2), 0, whole, g.size), g.size);
        for (size_t k = 0; k + 1 < sizeof cuts / sizeof *cuts; k++) {
            generated_fill(&g, 4, cuts[k], part, cuts[k + 1] - cuts[k]);
            ck_assert_int_eq(memcmp(part, whole + cuts[k], cuts[k + 1] - cuts[k]), 0);
        }
    }
    free(whole);
    free(part);
}
END_TEST

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

/* Different blocks of block bytes among all objects, told apart by a hash of their bytes. */
static uint64_t unique_blocks(const struct generated *g, uint64_t block, uint64_t *ret_total)
{
    uint64_t per = g->size / block, total = per * g->count, unique = 0;
    uint64_t *hashes = xcalloc(total, sizeof *hashes);
    uint8_t *data = xmalloc(g->size);

    for (uint64_t i = 0; i < g->count; i++) {
        generated_fill(g, i, 0, data, g->size);
        for (uint64_t b = 0; b < per; b++)
            hashes[i * per + b] = content_object((const char *)data + b * block, block);
    }
    qsort(hashes, total, sizeof *hashes, by_number);
    for (uint64_t i = 0; i < total; i++)
        unique += !i || hashes[i] != hashes[i - 1];
    free(hashes);
    free(data);
    *ret_total = total;
    return unique;
}

/* Exactly one of r blocks is unique, at every size of blocks from 4 KiB to what fits, whatever the compression. */
START_TEST(dedup_is_exact)
{
    static const struct {
        uint64_t size, count, dedup, largest;
    } cases[] = {{1 << 20, 4, 2, 1 << 20},
                 {1 << 18, 4, 1, 1 << 18},
                 {3 << 16, 6, 3, 1 << 16},
                 {1 << 19, 1, 4, 1 << 17},
                 {4096, 100, 10, 4096}};

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int compress = 1; compress <= 20; compress += 19) {
            struct generated g = prepared(cases[i].size, cases[i].count, cases[i].dedup, compress);

            for (uint64_t block = 4096; block <= cases[i].largest; block *= 4) {
                uint64_t total, unique = unique_blocks(&g, block, &total);

                ck_assert_uint_eq(unique * cases[i].dedup, total);
            }
        }
    }
}
END_TEST

/* The same share of zeros in every 4 KiB. */
START_TEST(compression_is_even)
{
    static const uint8_t zeros[4096];
    struct generated g = prepared(1 << 20, 1, 1, 4);
    uint8_t *data = xmalloc(g.size);

    generated_fill(&g, 0, 0, data, g.size);
    ck_assert_uint_eq(g.random_bytes, 1020);
    for (uint64_t at = 0; at < g.size; at += 4096)
        ck_assert_int_eq(memcmp(data + at + g.random_bytes, zeros, 4096 - g.random_bytes), 0);
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("copy_names");
    TCase *tc = tcase_create("names");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tc);
    tcase_add_test(tc, local_names);
    tcase_add_test(tc, places_that_contain_each_other);
    tcase_add_test(tc, links_are_seen_through);
    tcase_add_test(tc, common_roots);
    tcase_add_loop_test(tc, names_in_parts, 0, 2);
    tcase_add_test(tc, generated_keys);
    tcase_add_test(tc, generated_ranges);
    tcase_add_test(tc, dedup_is_exact);
    tcase_add_test(tc, compression_is_even);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
