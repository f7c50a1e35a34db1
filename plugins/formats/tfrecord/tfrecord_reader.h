/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one open object: where its records lie, as far as that is known, and the machine that its bytes pass
 * through. Bytes may come in any split; of a record's data nothing is kept.
 */
#ifndef DLFW_TFRECORD_READER_H
#define DLFW_TFRECORD_READER_H

#include "tfrecord.h"

#include "content_block.h"
#include "record_frame.h"
#include "record_table.h"

#define HEAD_CAP 512u /* of a record's data, in which the sample must begin for its content to be compared */

enum tfrecord_where {
    WHERE_UNKNOWN, /* before METADATA */
    WHERE_UNIFORM, /* records are equally long; each header is checked against that when it is read */
    WHERE_TABLE,   /* table says it */
    WHERE_STREAM   /* one unit, the whole object; its bytes tell when they come */
};

/* Between two pieces: somewhere in a record. */
struct record_walk {
    uint64_t next;              /* offset of the next byte */
    uint64_t record;            /* that it belongs to */
    uint64_t start;             /* offset of that record */
    uint64_t done;              /* its bytes so far, frame included */
    uint64_t length;            /* of its data, once the header is done */
    uint32_t crc;               /* of its data so far */
    uint8_t edge[FRAME_HEADER]; /* header or footer that pieces cut */
    bool header_known;
    uint8_t header[FRAME_HEADER]; /* the last one whose checksum was right */
    /* DLFW_OBJECT_VERIFY_CONTENT: the sample's place in the data, once it is known */
    bool sample_known;
    uint32_t head_len;
    uint64_t sample_at, sample_len;
    uint8_t head[HEAD_CAP];
};

/* Where a sample of the unit lies in the object; or, when pieces cut its record, where that record's data lie. */
struct sample_place {
    uint64_t at;
    uint64_t len; /* PLACE_OF_DATA is set in the second case */
};
#define PLACE_OF_DATA ((uint64_t)1 << 63)

/* All of a record's data but its sample. */
struct sample_mould {
    uint64_t data_len; /* UINT64_MAX: none */
    uint64_t at, len;  /* of the sample */
    uint8_t before[96], behind[96];
};

/* What is told about an explored object. */
struct record_facts {
    uint64_t payload, smallest, largest; /* bytes of data */
    uint8_t *first;                      /* the first record's data, or its beginning */
    uint64_t first_len, first_total;
};

struct dlfw_reader {
    dlfw_format *fmt;
    const dlfw_host *host;
    const dlfw_object *object;
    bool verify, verify_content, explore;
    uint64_t unit_samples; /* 0: not given */

    enum tfrecord_where where;
    uint64_t framed_bytes;            /* WHERE_UNIFORM */
    uint64_t records;                 /* WHERE_UNIFORM, WHERE_TABLE */
    uint64_t unit_records;            /* of every unit but the last */
    const struct record_table *table; /* NULL: not known (yet) */
    bool table_is_cached;
    bool table_is_index;
    struct record_table *building; /* during a scan, and during the unit of WHERE_STREAM */
    uint32_t scan_rounds;

    uint64_t unit; /* that walk is in; UINT64_MAX: none */
    uint64_t unit_end;
    struct record_walk walk;
    struct sample_place *places; /* of the unit's samples so far */
    uint64_t place_count, place_cap;
    struct sample_mould mould;
    struct content_block content; /* DLFW_OBJECT_VERIFY_CONTENT */
    struct record_facts facts;
};

/* A unit's records and bytes. */
struct unit_extent {
    uint64_t first, count; /* count 0 of WHERE_STREAM: not known */
    uint64_t begin, end;
};

/* tfrecord_layout.c */
dlfw_status layout_find(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want, uint32_t want_cap,
                        uint32_t *n_want, dlfw_error *err);
uint64_t layout_unit_count(const dlfw_reader *r);
dlfw_status layout_unit(const dlfw_reader *r, uint64_t unit, struct unit_extent *ret, dlfw_error *err);
/* What the layout says of a record, frame included; 0: nothing. */
uint64_t layout_framed(const dlfw_reader *r, uint64_t record);
bool layout_may_stream(const dlfw_reader *r);
void layout_stream(dlfw_reader *r);
/* r->building is complete: it becomes the table, for this reader or (cached) for all. */
dlfw_status layout_built(dlfw_reader *r, bool cached, dlfw_error *err);
/* An empty r->building. */
dlfw_status layout_build(dlfw_reader *r, dlfw_error *err);

/* tfrecord_scan.c: METADATA by walking the headers. */
dlfw_status scan_step(dlfw_reader *r, const dlfw_span *have, uint32_t n_have, dlfw_range *want, uint32_t want_cap,
                      uint32_t *n_want, dlfw_error *err);

/* record_walk.c */
/* "'OBJECT': record N: WHAT (at offset M)" */
dlfw_status record_fail(const dlfw_reader *r, dlfw_status status, uint64_t record, uint64_t offset, dlfw_error *err,
                        const char *format, ...) __attribute__((format(printf, 6, 7)));
/* A record's header, at least FRAME_BYTES before the object's end: checksum, length against object and layout. */
dlfw_status record_header(dlfw_reader *r, uint64_t record, uint64_t start, const uint8_t *header, uint64_t *ret_length,
                          dlfw_error *err);
/* There is room for a record's frame from start on; start < size. */
dlfw_status record_room(const dlfw_reader *r, uint64_t record, uint64_t start, dlfw_error *err);
void record_walk_begin(dlfw_reader *r, uint64_t record, uint64_t start);
/* The next bytes. *compared grows by those of generated content that were right. */
dlfw_status record_walk_take(dlfw_reader *r, const uint8_t *data, uint64_t len, uint64_t *compared, dlfw_error *err);

/* record_sample.c: the sample in a record's data, as position and length. */
dlfw_status record_sample(dlfw_reader *r, uint64_t record, uint64_t start, const uint8_t *data, uint64_t len,
                          uint64_t *ret_at, uint64_t *ret_len, dlfw_error *err);

#endif
