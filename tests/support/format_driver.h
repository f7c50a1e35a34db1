/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a format plugin without a program around it: a fake host, an object that is bytes in memory, the reader's
 * state machine as dlfw/format.h states it, and a sink that collects. Every range and piece, of the object and of its
 * side objects, is handed over in an allocation of exactly its size, so that a sanitizer sees reads beyond it; a broken
 * contract ends the process with a message.
 */
#ifndef DLFW_TESTS_FORMAT_DRIVER_H
#define DLFW_TESTS_FORMAT_DRIVER_H

#include "dlfw/format.h"

#include <stdbool.h>

struct format_driver {
    bool
        named_by_content; /* objects are named after their bytes, so that other bytes are another object; when linked */
    void *file;           /* of dlopen; NULL when the plugin is linked in */
    const dlfw_format_ops *ops;
    dlfw_format *fmt;
    dlfw_host host; /* may be changed before the first call that uses it */
    void *options;
    char *lists[8]; /* memory of options that are lists */
    uint32_t list_count;
};

/* An option: numbers and sizes ("64KiB") as text, lists with commas. */
struct format_setting {
    const char *name;
    const char *value;
};

/* Both end the process when the plugin does not come up. settings: NULL or ended by a NULL name. */
void format_driver_load(struct format_driver *d, const char *path, const struct format_setting *settings);
/* The same with the interface of that name, of a plugin that has several. */
void format_driver_load_iface(struct format_driver *d, const char *path, const char *name,
                              const struct format_setting *settings);
void format_driver_link(struct format_driver *d, const dlfw_plugin *plugin, const struct format_setting *settings);
void format_driver_close(struct format_driver *d);

/* The fake host's content stream. */
void format_driver_content(uint64_t seed, uint64_t object, uint64_t offset, void *buf, uint64_t len);

/* A side object in memory. */
struct format_side {
    const void *data;
    uint64_t size; /* FORMAT_SIDE_ABSENT: it is not there */
};
#define FORMAT_SIDE_ABSENT UINT64_MAX

struct format_read_args {
    const void *data; /* the object */
    uint64_t size;
    uint32_t samples; /* dlfw_object.samples */
    bool verify;
    bool whole;       /* the host holds the whole object; ranges of its sides are still asked for */
    bool whole_sides; /* and the sides as well */
    bool no_consume;
    bool no_decode;
    bool only_metadata; /* stop when the units' ranges are known */
    uint64_t piece;     /* bytes per consume call; 0: one per range */
    uint64_t out_limit; /* the host's budget for out_bytes; 0: none */
    const char *name;   /* of the object; NULL: "train/img_0" */
    /* since ABI 1.1 */
    bool old_object;     /* a dlfw_object as a host of ABI 1.0 gives it: what follows is not said */
    bool explore;        /* DLFW_OBJECT_EXPLORE */
    bool verify_content; /* DLFW_OBJECT_VERIFY_CONTENT of (content_seed, content_object) */
    uint64_t content_seed, content_object;
    uint64_t unit_samples;                    /* dlfw_object.unit_samples */
    struct format_side sides[DLFW_MAX_SIDES]; /* in the order of the format's sides() */
    uint32_t side_count;                      /* 0: none is there */
    dlfw_describe *describe;                  /* asked for after all units were consumed; NULL: not */
    struct memory_sink *write_side; /* where write_side() of side number written_side goes, at the end; NULL: not */
    uint32_t written_side;
};

struct format_read {
    dlfw_status status;
    /* "open", "metadata", "unit", "consume", "decode", "describe" or "write_side": where status comes from */
    const char *stage;
    char message[512];
    uint32_t metadata_rounds; /* DLFW_NEED_IO of the metadata goal */
    dlfw_unit_info unit;      /* of the last unit */
    dlfw_range range;         /* its first */
    dlfw_range ranges[64];    /* all of them */
    uint32_t range_count;
    uint64_t unit_count;
    uint64_t sample_count;
    uint32_t item_size;
    uint8_t *samples; /* all samples' items, one sample after the other */
    uint64_t samples_len;
    uint8_t *payload; /* what consume() pointed out, in order; content_offset was checked to be without gaps */
    uint64_t payload_len;
    uint64_t compared; /* bytes that the format compared itself (verify_content) */
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
    struct memory_sink *sides[DLFW_MAX_SIDES]; /* of memory_sink_sides() */
    const dlfw_sink *side_sinks[DLFW_MAX_SIDES];
};

void memory_sink_init(struct memory_sink *m);
void memory_sink_free(struct memory_sink *m);
/* Gives the sink a sink for each side object of the format, to be called before encode(); returns how many. */
uint32_t memory_sink_sides(struct memory_sink *m, const struct format_driver *d);
/* For fuzzers: of a format with side objects, args->data begins with each of them behind its 16-bit length (0: it is
 * absent); what is left is the object. */
void format_read_cut_sides(const struct format_driver *d, struct format_read_args *args);
/* The object and its sides as what is read. */
void memory_sink_to_read(const struct memory_sink *m, struct format_read_args *args);

#endif
