/* SPDX-License-Identifier: Apache-2.0 */
/* TFRecord files for the tests, built independently of the plugin. Single-threaded; one file at a time. */
#ifndef TEST_TFRECORD_BUILD_H
#define TEST_TFRECORD_BUILD_H

#include "support/format_driver.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define TFRECORD PLUGIN_DIR "/dlfw-format-tfrecord.so"
#define OFFERED(...) ((const struct format_setting[]){__VA_ARGS__, {NULL, NULL}})

struct file {
    uint8_t *data;
    uint64_t len, cap;
};

static inline uint32_t bitwise_crc32c(const uint8_t *data, uint64_t len)
{
    uint32_t crc = UINT32_MAX;

    for (uint64_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

static inline void file_add(struct file *f, const void *data, uint64_t len)
{
    if (f->len + len > f->cap) {
        f->cap = (f->len + len) * 2;
        f->data = realloc(f->data, f->cap);
        ck_assert_ptr_nonnull(f->data);
    }
    if (len)
        memcpy(f->data + f->len, data, len);
    f->len += len;
}

static inline void file_free(struct file *f)
{
    free(f->data);
    *f = (struct file){0};
}

static inline void put_number(uint8_t *p, uint64_t value, uint32_t bytes)
{
    for (uint32_t i = 0; i < bytes; i++)
        p[i] = (uint8_t)(value >> 8 * i);
}

static inline uint32_t masked_crc(const uint8_t *data, uint64_t len)
{
    uint32_t crc = bitwise_crc32c(data, len);

    return ((crc >> 15) | (crc << 17)) + 0xa282ead8u;
}

/* A header whose checksum is right, whatever the length. */
static inline void add_header(struct file *f, uint64_t length)
{
    uint8_t header[12];

    put_number(header, length, 8);
    put_number(header + 8, masked_crc(header, 8), 4);
    file_add(f, header, sizeof header);
}

static inline void add_record(struct file *f, const void *data, uint64_t len)
{
    uint8_t footer[4];

    add_header(f, len);
    file_add(f, data, len);
    put_number(footer, masked_crc(data, len), 4);
    file_add(f, footer, sizeof footer);
}

/* A record of len bytes of generated content of (seed 1, object 2) from offset on, for payload: raw. */
static inline void add_content_record(struct file *f, uint64_t offset, uint64_t len)
{
    uint8_t *data = malloc(len ? len : 1);

    ck_assert_ptr_nonnull(data);
    format_driver_content(1, 2, offset, data, len);
    add_record(f, data, len);
    free(data);
}

/* What an index of the file's records says, in the order of lengths (framed), ended by 0. */
static inline void add_index(struct file *f, const uint64_t *framed, bool binary)
{
    uint64_t offset = 0;

    for (; *framed; offset += *framed++) {
        uint8_t entry[16];
        char line[64];

        put_number(entry, offset, 8);
        put_number(entry + 8, *framed, 8);
        if (binary)
            file_add(f, entry, sizeof entry);
        else
            file_add(f, line, (uint64_t)snprintf(line, sizeof line, "%lu %lu\n", offset, *framed));
    }
}

static inline void check_fails(const struct format_read *r, dlfw_status status, const char *stage, const char *word)
{
    ck_assert_msg(r->status == status && strcmp(r->stage, stage) == 0 && strstr(r->message, word),
                  "status %d in %s, expected %d in %s with '%s': %s", r->status, r->stage, status, stage, word,
                  r->message);
}

static inline void check_reads(const struct format_read *r)
{
    ck_assert_msg(r->status == DLFW_OK, "%s: %s", r->stage, r->message);
}

#endif
