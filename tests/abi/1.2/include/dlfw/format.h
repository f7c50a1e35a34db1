/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw/format.h - data formats: bytes in, samples out, no I/O.
 *
 * Reading. The host opens a reader on an object (name and size, no bytes), then drives it:
 *   step(METADATA) until DLFW_OK       the reader names ranges (DLFW_NEED_IO) until it knows its units
 *   per unit: step(unit) until DLFW_OK the ranges that hold the unit, in one go where possible
 *             consume(unit, piece)     each piece of those ranges, ascending, right after it was read (still hot
 *                                      in the cache): checksums are verified here
 *             decode(unit, have)       all pieces are there: views of the samples
 * The unit is the smallest thing that can be decoded alone: a file for NPZ, a row group for Parquet, a run of
 * records for TFRecord. Nothing is called per sample. When the host already holds the whole object (small files) the
 * same calls are made with that one span and no DLFW_NEED_IO comes back.
 * A host that only measures may drop each piece after consume() and skip decode() ("stream"); so consume() must verify
 * all that can be verified.
 *
 * Side objects (1.1). A format may keep some of its bytes in objects of their own: an index of records, tables of
 * offsets. sides() names them; encode() writes them through sink->sides; ranges and spans of them carry the number of
 * the side object in the top byte of the offset (DLFW_SIDE_OFFSET), 0 being the object itself.
 *
 * Generating. encode() writes one whole object through a sink: samples * dims items of dtype, whose bytes are the
 * content stream (seed, object) from host->content_fill, counted over the payload in file order, so that any range can be
 * verified later.
 */
#ifndef DLFW_FORMAT_H
#define DLFW_FORMAT_H

#include "dlfw/plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dlfw_format dlfw_format; /* the plugin's; one per instance */
typedef struct dlfw_reader dlfw_reader; /* the plugin's state of one open object, in memory the host gives */

/* Frozen: bytes [offset, offset + length) of the object. */
typedef struct dlfw_range {
    uint64_t offset;
    uint64_t length;
} dlfw_range;

/* Frozen: the same with the bytes. */
typedef struct dlfw_span {
    const void *data; /* borrowed during the call; until the views are released for spans given to decode() */
    uint64_t offset;
    uint64_t length;
} dlfw_span;

/* Frozen: one sample. bytes / item_size items that lie item_stride apart (item_stride == item_size: contiguous). */
typedef struct dlfw_view {
    const void *data;
    uint64_t bytes;
    uint64_t item_stride;
    uint32_t item_size;
    uint32_t flags; /* zero */
} dlfw_view;

/* Frozen: where a piece holds generated content: data[0 .. length) is the content stream from content_offset on. */
typedef struct dlfw_payload {
    const void *data;
    uint64_t content_offset;
    uint64_t length; /* 0: the piece holds no payload, or payload that is not stored as it was generated */
} dlfw_payload;     /* data NULL, length n: the format itself compared n bytes (DLFW_OBJECT_VERIFY_CONTENT) */

/* Where side object n (0, 1, ...) of an object begins in the offsets of ranges and spans. */
#define DLFW_SIDE_SHIFT 56
#define DLFW_SIDE_OFFSET(n) (((uint64_t)(n) + 1) << DLFW_SIDE_SHIFT)
#define DLFW_MAX_SIDES 4u

/* dlfw_side.flags */
enum {
    DLFW_SIDE_READ = 1u << 0,    /* the reader uses it: the host finds out its size before reader_open */
    DLFW_SIDE_REQUIRED = 1u << 1 /* an object without it cannot be read; with DLFW_SIDE_READ */
};

/* A side object of every object of an instance. Constant for the life of the instance. */
typedef struct dlfw_side {
    uint32_t struct_size;
    uint32_t flags;      /* DLFW_SIDE_* */
    const char *folder;  /* NULL: beside the object; "index": <data folder>/index/<key of the object below it> */
    const char *suffix;  /* appended to the object's name: ".idx" */
    const char *summary; /* one line for people */
} dlfw_side;

/* dlfw_object.flags */
enum {
    DLFW_OBJECT_VERIFY = 1u << 0, /* verify the checksums that the format carries */
    /* The object was generated and its content is to be compared. A format whose payload lies in many places (records)
     * or is not stored as it was generated compares it itself, with content_seed and content_object. Since 1.1 */
    DLFW_OBJECT_VERIFY_CONTENT = 1u << 1,
    /* The object is looked at by people (`dlfw inspect`, `dlfw index`): nothing is known of it beforehand. Since 1.1 */
    DLFW_OBJECT_EXPLORE = 1u << 2
};

/* The object a reader is opened on; valid until reader_close. */
typedef struct dlfw_object {
    uint32_t struct_size;
    uint32_t flags;
    const char *name; /* for messages; not NUL-terminated */
    uint32_t name_len;
    uint32_t samples; /* that the run file says one object holds; 0: not known */
    uint64_t size;
    /* since 1.1 */
    uint64_t unit_samples;       /* samples of a unit as unit_samples() said; 0: the format's choice */
    uint64_t content_seed;       /* with DLFW_OBJECT_VERIFY_CONTENT */
    uint64_t content_object;
    const uint64_t *side_sizes;  /* side_count sizes in the order of sides(); UINT64_MAX: it is not there */
    uint32_t side_count;
    uint32_t reserved0;
} dlfw_object;

typedef struct dlfw_unit_info {
    uint32_t struct_size;
    uint32_t flags;
    uint64_t first_sample; /* index in the object */
    uint64_t samples;
    uint64_t stored_bytes; /* of the ranges that hold it */
    uint64_t out_bytes;    /* decode() writes that many bytes into out; 0: views point into the spans */
} dlfw_unit_info;

/* step()'s goal besides a unit number */
#define DLFW_GOAL_METADATA UINT64_MAX

/* Element types; names are numpy's. X(name, number, bytes, numpy name, numpy descr) */
#define DLFW_DTYPE_LIST(X)             \
    X(UINT8, 1, 1, "uint8", "|u1")     \
    X(INT8, 2, 1, "int8", "|i1")       \
    X(UINT16, 3, 2, "uint16", "<u2")   \
    X(INT16, 4, 2, "int16", "<i2")     \
    X(UINT32, 5, 4, "uint32", "<u4")   \
    X(INT32, 6, 4, "int32", "<i4")     \
    X(UINT64, 7, 8, "uint64", "<u8")   \
    X(INT64, 8, 8, "int64", "<i8")     \
    X(FLOAT16, 9, 2, "float16", "<f2") \
    X(FLOAT32, 10, 4, "float32", "<f4") \
    X(FLOAT64, 11, 8, "float64", "<f8") \
    X(BOOL, 12, 1, "bool", "|b1")
#define DLFW_DTYPE_ENUM(name, number, bytes, text, descr) DLFW_DTYPE_##name = (number),
enum { DLFW_DTYPE_LIST(DLFW_DTYPE_ENUM) DLFW_DTYPE_NONE = 0 };

/* What encode() and file_size() are asked for. */
typedef struct dlfw_encode_spec {
    uint32_t struct_size;
    uint32_t dtype;       /* DLFW_DTYPE_* */
    const uint64_t *dims; /* of one sample */
    uint32_t ndim;        /* 1 .. 32 */
    uint32_t reserved0;
    uint64_t samples;     /* in this object, >= 1 */
    uint64_t seed;        /* of the content stream */
    uint64_t object;      /* of the content stream */
} dlfw_encode_spec;

/*
 * Where encode() puts the object, in ascending order. Functions return DLFW_OK or the failure to pass on.
 * Valid during encode(). [the thread that calls encode]
 */
typedef struct dlfw_sink {
    uint32_t struct_size;
    uint32_t reserved0;
    void *ctx;
    /* Memory for the next bytes, so that they are generated in place: *ret_len >= 1, often 256 KiB or more. Contents
     * are undefined. advance(n) appends its first n bytes. */
    dlfw_status (*window)(void *ctx, void **ret, uint64_t *ret_len, dlfw_error *reterr);
    dlfw_status (*advance)(void *ctx, uint64_t n, dlfw_error *reterr);
    /* Appends a copy. */
    dlfw_status (*write)(void *ctx, const void *data, uint64_t len, dlfw_error *reterr);
    /* Overwrites bytes already appended; only within the first DLFW_PATCH_LIMIT bytes of the object, which the host
     * keeps back until the end (a header with a checksum or a length that is known last). */
    dlfw_status (*patch)(void *ctx, uint64_t offset, const void *data, uint64_t len, dlfw_error *reterr);
    /* since 1.1: sinks of the side objects in the order of sides(), or NULL: they are not wanted. side_count of them */
    const struct dlfw_sink *const *sides;
    uint32_t side_count;
    uint32_t reserved1;
} dlfw_sink;

/*
 * Where describe() says what an object holds, as a tree: begin("array", "x.npy"), its facts, end(). Names are the
 * format's own words in lower case ("shape", "dtype", "layout", "codec", "rows"). All text is copied; it need not be
 * UTF-8, the host escapes it. Valid during the call. Since 1.1
 */
typedef struct dlfw_describe {
    uint32_t struct_size;
    uint32_t reserved0;
    void *ctx;
    void (*begin)(void *ctx, const char *kind, const char *name);
    void (*text)(void *ctx, const char *key, const char *value);
    void (*number)(void *ctx, const char *key, uint64_t value);
    void (*end)(void *ctx);
} dlfw_describe;

#define DLFW_PATCH_LIMIT 4096u

/* dlfw_format_ops.caps */
enum {
    /* One sample can be read alone at the cost of its own bytes: the loader may shuffle over samples instead of
     * over units. */
    DLFW_FORMAT_SAMPLE_RANGES = 1u << 0,
    /* Calls take a lock inside the library (serial HDF5): the report says that threads do not help. */
    DLFW_FORMAT_SERIAL_INSIDE = 1u << 1
};

typedef struct dlfw_format_ops {
    uint32_t struct_size;
    uint32_t thread_class; /* DLFW_THREADS_*; PER_QUEUE: a reader is used by one thread at a time, encode by many */
    uint64_t caps;         /* DLFW_FORMAT_* */
    const char *extension; /* of object names, without the dot: "npz" */
    uint32_t reader_size;  /* bytes of dlfw_reader, which the host allocates 64-aligned and zeroes before reader_open */
    uint32_t reserved0;

    dlfw_status (*create)(const dlfw_create_args *args, dlfw_format **ret, dlfw_error *reterr); /* [main] */
    void (*destroy)(dlfw_format *fmt);                                                          /* [main] */

    /* Reading. [queue] object stays valid until reader_close. After a failed reader_open no close follows. */
    dlfw_status (*reader_open)(dlfw_format *fmt, dlfw_reader *reader, const dlfw_object *object, dlfw_error *reterr);
    void (*reader_close)(dlfw_reader *reader);
    /*
     * goal: DLFW_GOAL_METADATA or a unit. have[0..n_have): every span read for this goal so far, ascending. Returns
     * DLFW_OK when the goal needs no (more) bytes, DLFW_NEED_IO with want[0..*n_want) filled (ascending, disjoint,
     * inside the object, *n_want <= want_cap, want_cap >= 64), or an error that names object and offset.
     * For a unit there is one call, with n_have == 0 (or the whole object): NEED_IO lists all its ranges at once.
     */
    dlfw_status (*step)(dlfw_reader *reader, uint64_t goal, const dlfw_span *have, uint32_t n_have, dlfw_range *want,
                        uint32_t want_cap, uint32_t *n_want, dlfw_error *reterr);
    uint64_t (*unit_count)(dlfw_reader *reader); /* after METADATA */
    /* Units hold ascending samples without gaps: the first sample of a unit follows the last one of the unit before. */
    dlfw_status (*unit_info)(dlfw_reader *reader, uint64_t unit, dlfw_unit_info *ret, dlfw_error *reterr);
    /* One piece of the unit's ranges; ascending, without gaps inside a range; the last byte of the last range comes last.
     * *ret is zeroed. NULL: nothing to check before decode. */
    dlfw_status (*consume)(dlfw_reader *reader, uint64_t unit, const dlfw_span *piece, dlfw_payload *ret, dlfw_error *reterr);
    /* have[]: the unit's ranges, complete, one span each. out: out_bytes bytes, 64-aligned, or NULL. Fills
     * views[0 .. samples) of the unit. */
    dlfw_status (*decode)(dlfw_reader *reader, uint64_t unit, const dlfw_span *have, uint32_t n_have, void *out,
                          dlfw_view *views, uint32_t view_cap, dlfw_error *reterr);

    /* Generating; NULL both: the format is read-only. [any] */
    /* Exact bytes of the object that encode() will write, UINT64_MAX when only encoding tells (compression). */
    dlfw_status (*file_size)(dlfw_format *fmt, const dlfw_encode_spec *spec, uint64_t *ret, dlfw_error *reterr);
    dlfw_status (*encode)(dlfw_format *fmt, const dlfw_encode_spec *spec, const dlfw_sink *sink, dlfw_error *reterr);

    /* Since 1.1; each may be NULL. */
    /* The side objects by this instance's options: *ret of the returned length (at most DLFW_MAX_SIDES), valid as long as the
     * instance. [any] */
    uint32_t (*sides)(dlfw_format *fmt, const dlfw_side *const **ret);
    /*
     * How many samples a unit of the objects described by spec holds, known before any is opened; every unit of an
     * object but the last holds that many. The loader keeps them together in its order and passes the number on as
     * dlfw_object.unit_samples. shuffled: samples are wanted in random order. 0, or NULL: the whole object, or 1 with
     * DLFW_FORMAT_SAMPLE_RANGES. [any]
     */
    uint64_t (*unit_samples)(dlfw_format *fmt, const dlfw_encode_spec *spec, uint32_t shuffled);
    /* What the object holds, as far as it is known: after METADATA, and better after all units were consumed. [queue] */
    dlfw_status (*describe)(dlfw_reader *reader, const dlfw_describe *out, dlfw_error *reterr);
    /* Writes side object number side anew from the object, whose units were all consumed. [queue] */
    dlfw_status (*write_side)(dlfw_reader *reader, uint32_t side, const dlfw_sink *sink, dlfw_error *reterr);
} dlfw_format_ops;

#ifdef __cplusplus
}
#endif
#endif
