/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a format plugin without a program around it: a fake host, an object that is bytes in memory, the reader's
 * state machine as dlfw/format.h states it, and a sink that collects. Every range and piece is handed over in an
 * allocation of exactly its size, so that a sanitizer sees reads beyond it; a broken contract ends the process with a
 * message.
 */
#ifndef DLFW_TESTS_FORMAT_DRIVER_H
#define DLFW_TESTS_FORMAT_DRIVER_H

#include "dlfw/format.h"

#include <stdbool.h>

struct format_driver {
    void *file; /* of dlopen; NULL when the plugin is linked in */
    const dlfw_format_ops *ops;
    dlfw_format *fmt;
    dlfw_host host; /* may be changed before the first call that uses it */
    void *options;
};

struct format_setting {
    const char *name;
    const char *value;
};

/* Both end the process when the plugin does not come up. settings: NULL or ended by a NULL name. */
void format_driver_load(struct format_driver *d, const char *path, const struct format_setting *settings);
void format_driver_link(struct format_driver *d, const dlfw_plugin *plugin, const struct format_setting *settings);
void format_driver_close(struct format_driver *d);

/* The fake host's content stream. */
void format_driver_content(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len);

struct format_read_args {
    const void *data; /* the object */
    uint64_t size;
    uint32_t samples; /* dlfw_object.samples */
    bool verify;
    bool whole; /* the host holds the whole object */
    bool no_consume;
    bool no_decode;
    bool only_metadata; /* stop when the units' ranges are known */
    uint64_t piece;     /* bytes per consume call; 0: one per range */
    uint64_t out_limit; /* the host's budget for out_bytes; 0: none */
};

struct format_read {
    dlfw_status status;
    const char *stage; /* "metadata", "unit", "consume" or "decode": where status comes from */
    char message[512];
    uint32_t metadata_rounds; /* DLFW_NEED_IO of the metadata goal */
    dlfw_unit_info unit;      /* of the last unit */
    dlfw_range range;         /* its first */
    uint64_t sample_count;
    uint32_t item_size;
    uint8_t *samples; /* all samples' items, one sample after the other */
    uint64_t samples_len;
    uint8_t *payload; /* what consume() pointed out, in order; content_offset was checked to be without gaps */
    uint64_t payload_len;
};

void format_read(const struct format_driver *d, const struct format_read_args *args, struct format_read *ret);
void format_read_free(struct format_read *r);

struct memory_sink {
    dlfw_sink sink;
    uint8_t *data;
    uint64_t len, cap;
    uint8_t *window;
    uint64_t window_bytes; /* what window() gives; set before use, default 256 KiB */
    uint64_t fail_after;   /* NO_SPACE once that many bytes were taken; 0: never */
    bool discard;          /* keep only the first DLFW_PATCH_LIMIT bytes and what write() brings, in tail */
    uint8_t *tail;
    uint64_t tail_len, tail_cap;
};

void memory_sink_init(struct memory_sink *m);
void memory_sink_free(struct memory_sink *m);

#endif
