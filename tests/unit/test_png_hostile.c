/* SPDX-License-Identifier: Apache-2.0 */
/* PNG files as accidents and attackers make them: every failure is one line with name and offset, and nothing crashes,
 * hangs or takes memory that the file does not stand for. */
#include "support/format_driver.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define PLUGIN PLUGIN_DIR "/dlfw-format-png.so"
#define FILE_CAP (1u << 20)

static const char *const files[] = {"gray.png", "rgb.png",         "palette16.png", "interlaced_rgb.png",
                                    "text.png", "many_chunks.png", "rgba16.png"};
#define FILE_COUNT ((int)(sizeof files / sizeof files[0]))

static uint8_t *load_file(const char *name, uint64_t *size)
{
    char path[512];
    uint8_t *data = malloc(FILE_CAP);
    FILE *f;

    snprintf(path, sizeof path, GOLDEN_DIR "/%s", name);
    f = fopen(path, "rb");
    ck_assert_msg(f && data, "%s", path);
    *size = fread(data, 1, FILE_CAP, f);
    fclose(f);
    return data;
}

static void read_bytes(const struct format_driver *d, const uint8_t *data, uint64_t size, bool whole, uint64_t piece,
                       struct format_read *ret)
{
    const struct format_read_args args = {
        .data = data, .size = size, .samples = 1, .verify = true, .whole = whole, .piece = piece};

    format_read(d, &args, ret);
    if (ret->status < 0)
        ck_assert_msg(strstr(ret->message, "'train/img_0'") && strstr(ret->message, "offset"), "%s", ret->message);
}

START_TEST(truncated_anywhere)
{
    static const struct format_setting as_bytes[] = {{"decode", "bytes"}, {NULL, NULL}};
    struct format_driver d;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = load_file(files[_i % FILE_COUNT], &size);

    format_driver_load(&d, PLUGIN, _i < FILE_COUNT ? NULL : as_bytes);
    for (uint64_t n = 0; n < size; n++) {
        read_bytes(&d, data, n, n % 2, n % 3 ? 0 : 61, &r);
        ck_assert_msg(r.status == DLFW_E_CORRUPT, "%lu of %lu bytes: %s", n, size, dlfw_status_name(r.status));
        format_read_free(&r);
    }
    format_driver_close(&d);
    free(data);
}
END_TEST

/* Every bit of the file is under a CRC, but those between chunks that say what a chunk is. */
START_TEST(flipped_anywhere)
{
    struct format_driver d;
    struct format_read r;
    uint64_t size = 0;
    uint8_t *data = load_file(files[_i], &size);

    format_driver_load(&d, PLUGIN, NULL);
    for (uint64_t at = 0; at < size; at++) {
        data[at] ^= (uint8_t)(1u << at % 8);
        read_bytes(&d, data, size, at % 2, at % 3 ? 0 : 61, &r);
        ck_assert_msg(r.status < 0, "%s: byte %lu", files[_i], at);
        format_read_free(&r);
        data[at] ^= (uint8_t)(1u << at % 8);
    }
    format_driver_close(&d);
    free(data);
}
END_TEST

/* Without CRCs the inflater and libspng see every damage. */
START_TEST(flipped_and_not_verified)
{
    struct format_driver d;
    uint64_t size = 0;
    uint8_t *data = load_file(files[_i], &size);

    format_driver_load(&d, PLUGIN, NULL);
    for (uint64_t at = 0; at < size; at++)
        for (uint32_t how = 0; how < 3; how++) {
            const uint8_t was = data[at];
            struct format_read r;

            data[at] = (uint8_t)(how == 0 ? 0xffu : how == 1 ? 0u : was ^ 1u << at % 8);
            format_read(&d, &(struct format_read_args){.data = data, .size = size, .samples = 1, .whole = true}, &r);
            format_read_free(&r);
            data[at] = was;
        }
    format_driver_close(&d);
    free(data);
}
END_TEST

static uint8_t *put32(uint8_t *p, uint32_t v)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *p++ = (uint8_t)(v >> shift);
    return p;
}

static uint8_t *put_chunk(uint8_t *p, const char *type, const void *data, uint32_t len)
{
    uint8_t *start = put32(p, len);

    memcpy(start, type, 4);
    memcpy(start + 4, data, len);
    return put32(start + 4 + len, (uint32_t)crc32_z(0, start, len + 4));
}

struct part {
    const char *type, *data;
    uint32_t len;
};

#define HEADER                                                                                                         \
    {                                                                                                                  \
        "IHDR", "\0\0\0\2\0\0\0\2\10\0\0\0\0", 13                                                                      \
    }
#define COLOR                                                                                                          \
    {                                                                                                                  \
        "IHDR", "\0\0\0\2\0\0\0\2\10\3\0\0\0", 13                                                                      \
    }
#define DATA                                                                                                           \
    {                                                                                                                  \
        "IDAT", "x\x01\x01\x06\0\xf9\xff\0\1\2\0\3\4\0\x1f\0\x0b", 17                                                  \
    }
#define END                                                                                                            \
    {                                                                                                                  \
        "IEND", "", 0                                                                                                  \
    }

START_TEST(broken_structure)
{
    static const struct {
        const char *word; /* NULL: good */
        struct part parts[6];
    } cases[] = {
        {NULL, {HEADER, DATA, END}},
        {NULL, {HEADER, {"abCd", "?", 1}, DATA, {"abCd", "??", 2}, END}},
        {"before the header", {DATA, END}},
        {"before the header", {END}},
        {"second header", {HEADER, HEADER, DATA, END}},
        {"has not 13 bytes", {{"IHDR", "\0\0\0\2\0\0\0\2\10\0\0\0\0\0", 14}, DATA, END}},
        {"width or height", {{"IHDR", "\0\0\0\0\0\0\0\2\10\0\0\0\0", 13}, DATA, END}},
        {"width or height", {{"IHDR", "\x80\0\0\1\0\0\0\2\10\0\0\0\0", 13}, DATA, END}},
        {"color type", {{"IHDR", "\0\0\0\2\0\0\0\2\10\1\0\0\0", 13}, DATA, END}},
        {"color type", {{"IHDR", "\0\0\0\2\0\0\0\2\20\3\0\0\0", 13}, DATA, END}},
        {"interlace", {{"IHDR", "\0\0\0\2\0\0\0\2\10\0\0\0\2", 13}, DATA, END}},
        {"interlace", {{"IHDR", "\0\0\0\2\0\0\0\2\10\0\1\0\0", 13}, DATA, END}},
        {"without image data", {HEADER, END}},
        {"after other chunks", {HEADER, DATA, {"abCd", "", 0}, DATA, END}},
        {"before the palette", {COLOR, DATA, END}},
        {"palette", {COLOR, {"PLTE", "ab", 2}, DATA, END}},
        {"palette", {COLOR, {"PLTE", "abc", 3}, {"PLTE", "abc", 3}, DATA, END}},
        {"palette", {HEADER, DATA, {"PLTE", "abc", 3}, END}},
        {"unknown type", {HEADER, {"AbCd", "", 0}, DATA, END}},
        {"four letters", {HEADER, {"a cd", "", 0}, DATA, END}},
        {"end with data", {HEADER, DATA, {"IEND", "x", 1}}},
        {"end of the image is missing", {HEADER, DATA}},
        {"libspng", {HEADER, {"IDAT", "x\x01\x03\0", 4}, END}},
    };
    struct format_driver d;

    format_driver_load(&d, PLUGIN, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int whole = 0; whole < 2; whole++) {
            uint8_t data[512], *p = data + 8;
            struct format_read r;

            memcpy(data, "\x89PNG\r\n\x1a\n", 8);
            for (const struct part *part = cases[i].parts; part->type; part++)
                p = put_chunk(p, part->type, part->data, part->len);
            read_bytes(&d, data, (uint64_t)(p - data), whole, 1, &r);
            if (cases[i].word)
                ck_assert_msg(r.status < 0 && (strstr(r.message, cases[i].word) || strstr(r.message, "truncated")),
                              "case %zu: '%s' lacks '%s'", i, r.message, cases[i].word);
            else
                ck_assert_msg(r.status == DLFW_OK, "case %zu: %s", i, r.message);
            format_read_free(&r);
        }
    format_driver_close(&d);
}
END_TEST

#define BOMB_MIB 100 /* over what libspng may keep of text */

/* Text of 100 KiB that inflates to 100 MiB costs little: nobody wants it. */
START_TEST(text_bomb)
{
    static const struct part parts[] = {HEADER, DATA, END};
    uint8_t *zeros = calloc(1, 1 << 20), *data = malloc(4 << 20), *text = malloc(2 << 20), *p = data + 8;
    uLongf len = 2 << 20;
    struct format_driver d;
    struct format_read r;
    z_stream z = {0};

    ck_assert_int_eq(deflateInit(&z, 9), Z_OK);
    memcpy(text, "Comment\0\0", 9);
    z.next_out = text + 9;
    z.avail_out = (uInt)len - 9;
    for (int i = 0; i < BOMB_MIB; i++) {
        z.next_in = zeros;
        z.avail_in = 1 << 20;
        ck_assert_int_eq(deflate(&z, i == BOMB_MIB - 1 ? Z_FINISH : Z_NO_FLUSH),
                         i == BOMB_MIB - 1 ? Z_STREAM_END : Z_OK);
    }
    deflateEnd(&z);
    memcpy(data, "\x89PNG\r\n\x1a\n", 8);
    p = put_chunk(p, parts[0].type, parts[0].data, parts[0].len);
    p = put_chunk(p, "zTXt", text, (uint32_t)z.total_out + 9);
    p = put_chunk(p, parts[1].type, parts[1].data, parts[1].len);
    p = put_chunk(p, parts[2].type, parts[2].data, parts[2].len);
    format_driver_load(&d, PLUGIN, NULL);
    read_bytes(&d, data, (uint64_t)(p - data), true, 0, &r);
    ck_assert_msg(r.status == DLFW_OK || r.status == DLFW_E_UNSUPPORTED, "%s", r.message);
    format_read_free(&r);
    format_driver_close(&d);
    free(zeros);
    free(text);
    free(data);
}
END_TEST

START_TEST(max_pixels)
{
    static const struct {
        const char *limit;
        dlfw_status status;
    } cases[] = {{"2866", DLFW_E_UNSUPPORTED}, {"2867", DLFW_OK}};
    uint64_t size = 0;
    uint8_t *data = load_file("gray.png", &size); /* 61 x 47 */

    for (size_t i = 0; i < 2; i++) {
        const struct format_setting settings[] = {{"max_pixels", cases[i].limit}, {NULL, NULL}};
        struct format_driver d;
        struct format_read r;

        format_driver_load(&d, PLUGIN, settings);
        read_bytes(&d, data, size, true, 0, &r);
        ck_assert_int_eq(r.status, cases[i].status);
        ck_assert(r.status == DLFW_OK || strstr(r.message, "dataset.png.max_pixels: 2866"));
        format_read_free(&r);
        format_driver_close(&d);
    }
    free(data);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("png_hostile");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, truncated_anywhere, 0, 2 * FILE_COUNT);
    tcase_add_loop_test(tc, flipped_anywhere, 0, FILE_COUNT);
    tcase_add_loop_test(tc, flipped_and_not_verified, 0, FILE_COUNT);
    tcase_add_test(tc, broken_structure);
    tcase_add_test(tc, text_bomb);
    tcase_add_test(tc, max_pixels);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
