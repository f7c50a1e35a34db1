/* SPDX-License-Identifier: Apache-2.0 */
/* One file being read: the state between claim and delivery. A thread has several in flight; all of it belongs to that
 * thread. */
#ifndef DLFW_CORE_LOADER_VISIT_H
#define DLFW_CORE_LOADER_VISIT_H

#include "loader/loader_parts.h"

enum visit_state {
    VISIT_BEGIN,      /* decide: whole object or handle */
    VISIT_WHOLE,      /* one GET for everything is in flight */
    VISIT_OPENING,    /* OPEN or STAT is in flight */
    VISIT_SIDES,      /* the sizes of the side objects are being asked for */
    VISIT_METADATA,   /* the format's metadata ranges are being read */
    VISIT_READING,    /* the unit's ranges are being read and consumed */
    VISIT_DELIVERING, /* samples wait for their slots */
    VISIT_CLOSING,    /* CLOSE is in flight */
    VISIT_DONE
};

/* One storage operation and its place in a visit. */
struct piece {
    struct io_op op;
    struct buffer buffer; /* streamed pieces and metadata; empty when the bytes go to the visit's memory */
    struct visit *visit;
    struct piece *next; /* free list, or the visit's queue in file order */
    bool done;
    uint32_t range; /* index of the range it belongs to */
    uint32_t side;  /* 0: the object, n: its side object n - 1 */
};

struct visit {
    struct reader_thread *thread;
    struct visit *next; /* active list in order of claim, or free list */
    enum visit_state state;

    uint64_t first_position;
    uint32_t count; /* positions */
    uint64_t file;
    uint64_t first_wanted, last_wanted; /* samples of the file */
    uint64_t expected_size;             /* UINT64_MAX: not known */
    uint64_t reserved;                  /* bytes of the budget that no unit has taken yet */
    uint64_t claim_ns;
    char key[KEY_CAP];
    uint32_t key_len;
    char (*side_keys)[KEY_CAP]; /* one per side object; allocated once */
    uint64_t sizes_of_sides[DLFW_MAX_SIDES];
    uint32_t next_side; /* whose size is to be asked for */

    void *handle;
    uint64_t object_size;
    dlfw_object object;
    dlfw_reader *reader; /* reader_size bytes, allocated once */
    bool reader_open;
    bool reads_metadata; /* for the other visits of the file, which wait */
    bool verify_content;
    uint64_t unit, units;
    uint64_t unit_first_sample, unit_samples;
    uint64_t made_samples; /* per unit, where no format says it */
    uint64_t unit_wanted;  /* of its samples */
    uint64_t looked_end;   /* the units up to this sample were looked at */
    uint64_t loaded_end;   /* wanted samples below this can be delivered */
    uint64_t bytes_moved;  /* since the last delivery */

    dlfw_range ranges[MAX_RANGES]; /* wanted now */
    uint32_t range_count;
    uint32_t next_range;  /* to be submitted */
    uint64_t next_offset; /* as ranges count, inside next_range */
    dlfw_span have[MAX_SPANS];
    uint32_t have_count;
    uint64_t place[MAX_RANGES];             /* where each range starts in memory->in */
    struct piece *first_piece, *last_piece; /* in flight or done, file order */
    uint32_t pieces_out;

    struct unit_memory *memory;  /* of the current unit; NULL when streamed */
    struct unit_memory *base;    /* of the whole object */
    struct unit_memory **loaded; /* decoded units with undelivered samples, ascending */
    uint32_t loaded_count, loaded_cap;
    struct buffer metadata[MAX_SPANS];
    uint32_t metadata_count;
    bool whole; /* the whole object lies in memory or in one piece */
    struct piece *whole_piece;

    uint32_t next_delivery; /* index into positions */
};

#endif
