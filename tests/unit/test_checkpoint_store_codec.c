/* SPDX-License-Identifier: Apache-2.0 */
/* Parts of checkpoints, coded and decoded: all widths and odd sizes, what does not shrink, what was damaged. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "crc_join.h"
#include "fake_host.h"
#include "float_frame.h"
#include "host/crc.h"
#include "part_codec.h"
#include "part_probe.h"
#include "planes.h"
#include "zstd_store.h"

#define MIB (1u << 20)

enum kind { RANDOM_BYTES, UNIFORM_FP32, NORMAL_FP32, NORMAL_BF16, NORMAL_FP16, ROUNDED_FP32, ONES, REPEATED, KINDS };

static struct fake_host host;
static uint64_t random_state;

static uint64_t next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state * 2685821657736338717u;
}

static double next_normal(void)
{
    double sum = 0;

    for (int i = 0; i < 12; i++)
        sum += (double)(next_random() >> 11) * 0x1p-53;
    return 0.02 * (sum - 6);
}

static uint32_t bits_of(float f)
{
    uint32_t bits;

    memcpy(&bits, &f, sizeof bits);
    return bits;
}

/* Half precision of numbers below one, without rounding. */
static uint16_t half_of(float f)
{
    uint32_t bits = bits_of(f * 0x1p-112f);

    return (uint16_t)((bits >> 16 & 0x8000) | (bits >> 13 & 0x7fff));
}

static void fill(enum kind kind, uint8_t *to, uint64_t len)
{
    static const uint8_t pattern[] = "one line that comes again and again, ";

    random_state = 88172645463325252u + (uint64_t)kind;
    for (uint64_t i = 0; i < len; i++) {
        uint64_t v = 0;

        if (kind == REPEATED) {
            to[i] = pattern[i % (sizeof pattern - 1)];
            continue;
        }
        switch (kind) {
        case RANDOM_BYTES:
            v = next_random() >> 32;
            break;
        case UNIFORM_FP32:
            v = bits_of((float)(next_random() >> 40) * 0x1p-24f);
            break;
        case NORMAL_FP32:
            v = bits_of((float)next_normal());
            break;
        case ROUNDED_FP32:
            v = bits_of((float)next_normal()) & 0xffff0000u;
            break;
        case NORMAL_BF16:
            v = bits_of((float)next_normal()) >> 16 | (uint64_t)(bits_of((float)next_normal()) >> 16) << 16;
            break;
        case NORMAL_FP16:
            v = (uint64_t)half_of((float)next_normal()) | (uint64_t)half_of((float)next_normal()) << 16;
            break;
        case ONES:
            v = bits_of(1.0f);
            break;
        case REPEATED:
        case KINDS:
            break;
        }
        for (uint32_t k = 0; k < 4 && i + k < len; k++)
            to[i + k] = (uint8_t)(v >> 8 * k);
        i += 3;
    }
}

static struct part_coder *coder_new(void)
{
    struct part_coder *coder = NULL;

    ck_assert_int_eq(part_coder_create(&host.table, 1, &coder, NULL), DLFW_OK);
    return coder;
}

/* Codes and decodes; returns the stored size. */
static uint64_t round_trip(struct part_coder *coder, enum codec codec, uint32_t width, enum kind kind, uint64_t len)
{
    uint64_t bound = part_bound(codec, len), stored = 0;
    uint8_t *raw = malloc(len + 1), *out = malloc(bound + 1), *back = malloc(len + 1);
    char text[200] = "";
    dlfw_error err = FAKE_ERROR(text);
    uint32_t crc;

    fill(kind, raw, len);
    crc = crc32c_update(0, raw, len);
    out[bound] = back[len] = 0xa5;
    ck_assert_msg(part_encode(coder, codec, width, crc, raw, len, out, &stored, &err) == DLFW_OK, "%s", text);
    ck_assert_uint_le(stored, bound);
    ck_assert_uint_eq(out[bound], 0xa5);
    ck_assert_msg(part_decode(coder, codec, out, stored, back, len, &err) == DLFW_OK,
                  "codec %d width %u kind %d len %lu: %s", (int)codec, width, (int)kind, len, text);
    ck_assert_msg(memcmp(raw, back, len) == 0, "codec %d width %u kind %d len %lu", (int)codec, width, (int)kind, len);
    ck_assert_uint_eq(back[len], 0xa5);
    free(back);
    free(out);
    free(raw);
    return stored;
}

START_TEST(every_size_comes_back)
{
    static const uint64_t sizes[] = {0,    1,    2,    3,     7,     8,      31,     32,           33,
                                     63,   127,  255,  1000,  2047,  2048,   2049,   4096,         8191,
                                     8192, 8193, 9001, 16384, 65535, 131072, 131073, 3 * 65536 + 5};
    static const uint32_t widths[] = {1, 2, 4, 8};
    struct part_coder *coder = coder_new();

    for (uint32_t codec = CODEC_NONE; codec <= CODEC_FLOAT; codec++)
        for (uint32_t w = 0; w < 4; w++)
            for (uint32_t kind = 0; kind < KINDS; kind++)
                for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
                    round_trip(coder, codec, widths[w], kind, sizes[i]);
    part_coder_destroy(coder);
}
END_TEST

/* What each codec must make of a megabyte, as a fraction of it. */
static const struct {
    enum codec codec;
    uint32_t width;
    enum kind kind;
    double at_least, at_most;
} ratios[] = {
    {CODEC_ZSTD, 4, RANDOM_BYTES, 1.0, 1.0001},
    {CODEC_ZSTD, 4, UNIFORM_FP32, 0.8, 0.95},
    {CODEC_ZSTD, 4, NORMAL_FP32, 0.8, 0.95},
    {CODEC_ZSTD, 4, ONES, 0, 0.001},
    {CODEC_ZSTD, 4, REPEATED, 0, 0.01},
    {CODEC_FLOAT, 4, RANDOM_BYTES, 1.0, 1.0001},
    {CODEC_FLOAT, 4, UNIFORM_FP32, 0.75, 0.835},
    {CODEC_FLOAT, 4, NORMAL_FP32, 0.75, 0.85},
    {CODEC_FLOAT, 2, NORMAL_BF16, 0.6, 0.7},
    {CODEC_FLOAT, 2, NORMAL_FP16, 0.75, 0.95},
    {CODEC_FLOAT, 4, ROUNDED_FP32, 0.3, 0.37},
    {CODEC_FLOAT, 4, ONES, 0, 0.001},
    {CODEC_FLOAT, 1, RANDOM_BYTES, 1.0, 1.0001},
    {CODEC_FLOAT, 1, REPEATED, 0, 0.01},
    {CODEC_NONE, 4, ONES, 1, 1},
};

START_TEST(sizes_are_as_promised)
{
    struct part_coder *coder = coder_new();
    double ratio = (double)round_trip(coder, ratios[_i].codec, ratios[_i].width, ratios[_i].kind, MIB) / MIB;

    ck_assert_msg(ratio >= ratios[_i].at_least && ratio <= ratios[_i].at_most, "row %d: %f", _i, ratio);
    part_coder_destroy(coder);
}
END_TEST

START_TEST(zstd_parts_are_frames_for_any_decoder)
{
    static const uint64_t sizes[] = {0, 1, 131071, 131072, 131073, 262144, MIB, MIB + 1};
    struct part_coder *coder = coder_new();
    uint8_t *raw = malloc(MIB + 1), *back = malloc(MIB + 1), *out = malloc(part_bound(CODEC_ZSTD, MIB + 1));

    fill(RANDOM_BYTES, raw, MIB + 1);
    for (uint32_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        uint64_t stored = 0;

        ck_assert_uint_eq(ZSTD_decompress(back, MIB + 1, out, zstd_store(raw, sizes[i], out)), sizes[i]);
        ck_assert_int_eq(memcmp(raw, back, sizes[i]), 0);
        ck_assert_int_eq(part_encode(coder, CODEC_ZSTD, 4, 0, raw, sizes[i], out, &stored, NULL), DLFW_OK);
        ck_assert_uint_eq(ZSTD_getFrameContentSize(out, stored), sizes[i]);
        ck_assert_uint_eq(ZSTD_decompress(back, MIB + 1, out, stored), sizes[i]);
        ck_assert_int_eq(memcmp(raw, back, sizes[i]), 0);
    }
    free(out);
    free(back);
    free(raw);
    part_coder_destroy(coder);
}
END_TEST

START_TEST(vector_and_portable_planes_agree)
{
    static const uint32_t widths[] = {2, 4, 8};
    uint8_t raw[8 * 301], back[8 * 301], planes[2][8][301];

    fill(RANDOM_BYTES, raw, sizeof raw);
    for (uint32_t w = 0; w < 3; w++)
        for (uint64_t count = 0; count <= 301; count += 7) {
            uint8_t *at[2][8];
            const uint8_t *from[8];

            for (uint32_t p = 0; p < 8; p++) {
                at[0][p] = planes[0][p];
                at[1][p] = planes[1][p];
                from[p] = planes[0][p];
            }
            for (int portable = 0; portable < 2; portable++) {
                planes_use_portable(portable);
                planes_split(widths[w], raw, count, at[portable]);
            }
            for (uint32_t p = 0; p < widths[w]; p++)
                ck_assert_int_eq(memcmp(planes[0][p], planes[1][p], count), 0);
            for (int portable = 0; portable < 2; portable++) {
                planes_use_portable(portable);
                memset(back, 0, sizeof back);
                planes_merge(widths[w], from, count, back);
                ck_assert_int_eq(memcmp(raw, back, count * widths[w]), 0);
            }
        }
    planes_use_portable(0);
}
END_TEST

START_TEST(top_plane_is_the_exponent)
{
    const float numbers[] = {1.0f, -1.0f, 1.5f, 0.25f};
    uint8_t planes[4][4], *at[4] = {planes[0], planes[1], planes[2], planes[3]};

    planes_split(4, numbers, 4, at);
    ck_assert_uint_eq(planes[3][0], 127);
    ck_assert_uint_eq(planes[3][1], 127);
    ck_assert_uint_eq(planes[3][2], 127);
    ck_assert_uint_eq(planes[3][3], 125);
    ck_assert_uint_eq(planes[0][0], 0);
    ck_assert_uint_eq(planes[0][1], 1); /* the sign */
}
END_TEST

/* Damage is either told by the codec or changes bytes, so that the part's checksum tells it. */
START_TEST(damage_is_found)
{
    const enum codec codec = _i ? CODEC_FLOAT : CODEC_ZSTD;
    const uint64_t len = 3000;
    struct part_coder *coder = coder_new();
    uint8_t raw[3000], back[3000], out[8000];
    uint64_t stored = 0;
    uint32_t told = 0, changed = 0, crc;

    fill(NORMAL_FP32, raw, len);
    crc = crc32c_update(0, raw, len);
    ck_assert_int_eq(part_encode(coder, codec, 4, crc, raw, len, out, &stored, NULL), DLFW_OK);
    for (uint64_t i = 0; i < stored * 8; i++) {
        char text[200] = "";
        dlfw_error err = FAKE_ERROR(text);
        dlfw_status st;

        out[i / 8] ^= (uint8_t)(1u << i % 8);
        st = part_decode(coder, codec, out, stored, back, len, &err);
        out[i / 8] ^= (uint8_t)(1u << i % 8);
        if (st < 0) {
            ck_assert_int_eq(st, DLFW_E_CORRUPT);
            ck_assert_uint_gt(strlen(text), 0);
            told++;
        } else {
            changed += crc32c_update(0, back, len) != crc;
        }
        ck_assert_msg(codec != CODEC_FLOAT || i / 8 >= FLOAT_FRAME_HEADER || st < 0, "bit %lu of the header", i);
    }
    ck_assert_uint_gt(told, 0);
    ck_assert_uint_gt(changed, 0);
    if (codec == CODEC_FLOAT) /* every byte of it means something */
        ck_assert_uint_ge(told + changed, stored * 8 - 64);
    for (uint64_t n = 0; n < stored; n++)
        ck_assert_int_lt(part_decode(coder, codec, out, n, back, len, NULL), 0);
    ck_assert_int_lt(part_decode(coder, codec, out, stored, back, len - 1, NULL), 0);
    part_coder_destroy(coder);
}
END_TEST

/* Headers that are right in themselves but promise too much. */
START_TEST(hostile_frames_are_refused)
{
    static const struct float_frame frames[] = {
        {4, 0, 1000, 999, 0},
        {4, 0, 1000, 1001, 0},
        {4, 0xf, 1000, 1000, 0},
        {4, 0x1f, 1000, 1000, 0},
        {3, 1, 999, 999, 0},
        {0, 0, 1000, 1000, 0},
        {16, 0, 1000, 1000, 0},
        {4, 8, 1000, 750, 0},
        {1, 1, 1000, 3, 0},
        {8, 0x80, 1000, 874, 0},
        {4, 0, UINT32_MAX, UINT32_MAX, 0},
        {2, 1, 1000, UINT32_MAX, 0},
        {2, 3, 1000, 8, 0},
    };
    struct part_coder *coder = coder_new();
    uint8_t data[2048] = {0}, raw[1000];
    char text[200] = "";
    dlfw_error err = FAKE_ERROR(text);

    float_frame_write(&host.table, &frames[_i], data);
    ck_assert_int_eq(part_decode(coder, CODEC_FLOAT, data,
                                 FLOAT_FRAME_HEADER + (uint64_t)frames[_i].payload_bytes % 2000, raw, sizeof raw, &err),
                     DLFW_E_CORRUPT);
    ck_assert_uint_gt(strlen(text), 0);
    part_coder_destroy(coder);
}
END_TEST

START_TEST(joined_checksums_are_those_of_the_whole)
{
    uint8_t data[4000];

    fill(RANDOM_BYTES, data, sizeof data);
    for (uint64_t cut = 0; cut <= sizeof data; cut += 37)
        ck_assert_uint_eq(crc32c_join(crc32c_update(0, data, cut), crc32c_update(0, data + cut, sizeof data - cut),
                                      sizeof data - cut),
                          crc32c_update(0, data, sizeof data));
    ck_assert_uint_eq(crc32c_update(0, "123456789", 9), 0xe3069283u);
    ck_assert_uint_eq(crc32c_join(crc32c_update(0, "1234", 4), crc32c_update(0, "56789", 5), 5), 0xe3069283u);
}
END_TEST

START_TEST(probe_knows_even_from_uneven)
{
    uint8_t sample[PROBE_SAMPLE];

    for (uint64_t seed = 1; seed < 200; seed++) {
        random_state = seed * 0x9e3779b97f4a7c15u;
        for (uint32_t i = 0; i < PROBE_SAMPLE; i++)
            sample[i] = (uint8_t)(next_random() >> 40);
        ck_assert_msg(!probe_is_uneven(sample, PROBE_SAMPLE, PROBE_ANY), "seed %lu", seed);
        for (uint32_t i = 0; i < PROBE_SAMPLE; i += 4)
            sample[i] = 0x3d;
        ck_assert(probe_is_uneven(sample, PROBE_SAMPLE, PROBE_ANY));
        for (uint32_t i = 0; i < PROBE_SAMPLE; i++)
            sample[i] &= 0x1f;
        ck_assert(probe_is_uneven(sample, PROBE_SAMPLE, PROBE_FEW));
    }
    ck_assert_uint_eq(probe_run_begin(PROBE_SAMPLE, PROBE_RUNS - 1) + PROBE_RUN, PROBE_SAMPLE);
    ck_assert_uint_le(probe_run_begin(1000001, PROBE_RUNS - 1) + PROBE_RUN, 1000001);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkpoint_store_codec");
    TCase *t = tcase_create("codec");
    SRunner *runner;
    int failed;

    fake_host_init(&host);
    host.table.crc32c = crc32c_update;
    tcase_set_timeout(t, 60);
    tcase_add_test(t, every_size_comes_back);
    tcase_add_loop_test(t, sizes_are_as_promised, 0, (int)(sizeof ratios / sizeof *ratios));
    tcase_add_test(t, zstd_parts_are_frames_for_any_decoder);
    tcase_add_test(t, vector_and_portable_planes_agree);
    tcase_add_test(t, top_plane_is_the_exponent);
    tcase_add_loop_test(t, damage_is_found, 0, 2);
    tcase_add_loop_test(t, hostile_frames_are_refused, 0, 13);
    tcase_add_test(t, joined_checksums_are_those_of_the_whole);
    tcase_add_test(t, probe_knows_even_from_uneven);
    suite_add_tcase(suite, t);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
