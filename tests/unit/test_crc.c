/* SPDX-License-Identifier: Apache-2.0 */
/* Every CRC path of this CPU against the definition, bit by bit. */
#include "host/crc.h"
#include "host/crc_kernels.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTHS = 2048, BIG = 1 << 20 };

static const struct crc_poly *poly_of(int i)
{
    return i ? crc_poly_castagnoli() : crc_poly_zip();
}

static uint32_t update(int poly, uint32_t crc, const void *data, uint64_t len)
{
    return poly ? crc32c_update(crc, data, len) : crc32_update(crc, data, len);
}

/* The definition: one bit at a time over the raw register. */
static uint32_t bitwise(uint32_t poly, uint32_t reg, const uint8_t *data, uint64_t len)
{
    for (uint64_t i = 0; i < len; i++) {
        reg ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            reg = reg >> 1 ^ (reg & 1 ? poly : 0);
    }
    return reg;
}

static void fill(uint8_t *data, uint64_t len, uint64_t x)
{
    for (uint64_t i = 0; i < len; i++) {
        x = x * 6364136223846793005u + 1442695040888963407u;
        data[i] = (uint8_t)(x >> 56);
    }
}

START_TEST(known_values)
{
    static const struct {
        const char *text;
        uint32_t zip, castagnoli;
    } rows[] = {
        {"", 0, 0},
        {"a", 0xe8b7be43, 0xc1d04330},
        {"123456789", 0xcbf43926, 0xe3069283},
        {"The quick brown fox jumps over the lazy dog", 0x414fa339, 0x22620404},
    };
    uint8_t zeros[32] = {0};

    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_uint_eq(crc32_update(0, rows[i].text, strlen(rows[i].text)), rows[i].zip);
        ck_assert_uint_eq(crc32c_update(0, rows[i].text, strlen(rows[i].text)), rows[i].castagnoli);
    }
    ck_assert_uint_eq(crc32c_update(0, zeros, sizeof zeros), 0x8a9136aa); /* RFC 3720, B.4 */
}
END_TEST

START_TEST(every_length_and_alignment)
{
    static const unsigned offsets[] = {0, 1, 7, 15, 33};
    static uint8_t memory[LENGTHS + 64];
    static uint32_t expected[LENGTHS + 1];
    const struct crc_poly *p = poly_of(_i);

    fill(memory, sizeof memory, 1);
    for (unsigned o = 0; o < sizeof offsets / sizeof *offsets; o++) {
        const uint8_t *data = memory + offsets[o];

        expected[0] = 0xffffffffu;
        for (unsigned n = 0; n < LENGTHS; n++)
            expected[n + 1] = bitwise(p->poly, expected[n], data + n, 1);
        for (const struct crc_path *const *path = crc_paths(); *path; path++)
            for (unsigned n = 0; n <= LENGTHS; n++)
                ck_assert_msg((*path)->run(p, 0xffffffffu, data, n) == expected[n],
                              "path %s, poly %x, offset %u, length %u", (*path)->name, p->poly, offsets[o], n);
    }
}
END_TEST

START_TEST(big_input)
{
    uint8_t *data = malloc(BIG + 3);
    const struct crc_poly *p = poly_of(_i);
    uint32_t expected;

    ck_assert_ptr_nonnull(data);
    fill(data, BIG + 3, 2);
    expected = bitwise(p->poly, 0x12345678, data + 1, BIG + 2);
    for (const struct crc_path *const *path = crc_paths(); *path; path++)
        ck_assert_msg((*path)->run(p, 0x12345678, data + 1, BIG + 2) == expected, "path %s, poly %x", (*path)->name,
                      p->poly);
    ck_assert_uint_eq(update(_i, ~0x12345678u, data + 1, BIG + 2), ~expected);
    free(data);
}
END_TEST

START_TEST(any_split_gives_the_same)
{
    static uint8_t data[20000];
    uint32_t whole;
    uint64_t x = 99;

    fill(data, sizeof data, 3);
    whole = update(_i, 0, data, sizeof data);
    for (int round = 0; round < 100; round++) {
        uint64_t at = 0;
        uint32_t crc = 0;

        while (at < sizeof data) {
            uint64_t n;

            x = x * 6364136223846793005u + 1442695040888963407u;
            n = (x >> 33) % (round % 2 ? 3000 : 100);
            if (n > sizeof data - at)
                n = sizeof data - at;
            crc = update(_i, crc, data + at, n);
            at += n;
        }
        ck_assert_uint_eq(crc, whole);
    }
}
END_TEST

START_TEST(any_flipped_bit_shows)
{
    static uint8_t data[700];
    uint32_t whole;

    fill(data, sizeof data, 4);
    whole = update(_i, 0, data, sizeof data);
    for (unsigned bit = 0; bit < 8 * sizeof data; bit++) {
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        ck_assert_uint_ne(update(_i, 0, data, sizeof data), whole);
        data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
END_TEST

START_TEST(path_is_the_first_of_the_list)
{
    const struct crc_path *const *path = crc_paths();

    ck_assert_str_eq(crc32_path(), path[0]->name);
    while (path[1])
        path++;
    ck_assert_str_eq(path[0]->name, "portable");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("crc");
    TCase *t = tcase_create("crc");
    SRunner *r;
    int failed;

    tcase_set_timeout(t, 60);
    tcase_add_test(t, known_values);
    tcase_add_loop_test(t, every_length_and_alignment, 0, 2);
    tcase_add_loop_test(t, big_input, 0, 2);
    tcase_add_loop_test(t, any_split_gives_the_same, 0, 2);
    tcase_add_loop_test(t, any_flipped_bit_shows, 0, 2);
    tcase_add_test(t, path_is_the_first_of_the_list);
    suite_add_tcase(s, t);
    r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
