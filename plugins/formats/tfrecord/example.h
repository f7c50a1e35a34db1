/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A serialized tf.train.Example, walked without copying and without recursion: features { feature { key: NAME value {
 * bytes_list | float_list | int64_list } } }. Untrusted; unknown fields are skipped. The walk also works on the first
 * bytes of a longer message, as far as they go.
 */
#ifndef DLFW_TFRECORD_EXAMPLE_H
#define DLFW_TFRECORD_EXAMPLE_H

#include <stdbool.h>
#include <stdint.h>

enum example_status {
    EXAMPLE_OK,
    EXAMPLE_END,   /* no further feature */
    EXAMPLE_SHORT, /* the bytes at hand end before the answer */
    EXAMPLE_BAD    /* not an Example; the walk's reason and position say why */
};

/* The numbers of the three kinds in the message; 0: a feature without a value. */
enum { FEATURE_NONE = 0, FEATURE_BYTES = 1, FEATURE_FLOAT = 2, FEATURE_INT64 = 3 };

struct example_walk {
    const uint8_t *data;
    uint64_t avail; /* bytes at hand, at most total */
    uint64_t total; /* of the whole message */
    uint64_t pos;
    uint64_t features_end; /* of the `features` that pos lies in; 0: between them */
    const char *reason;
};

/* One entry of the map. */
struct example_entry {
    const char *name; /* in the message, not NUL-terminated */
    uint64_t name_len;
    uint64_t value, value_end; /* the Feature message, as positions */
};

struct example_values {
    uint32_t kind;
    uint64_t count;            /* of values */
    uint64_t first, first_len; /* the first bytes value, as position and length */
};

void example_begin(struct example_walk *w, const uint8_t *data, uint64_t avail, uint64_t total);
/* The next entry. Its name is at hand; EXAMPLE_SHORT leaves the walk where it cannot go on. */
enum example_status example_next(struct example_walk *w, struct example_entry *ret);
/* What an entry holds; does not move the walk. */
enum example_status example_values(struct example_walk *w, const struct example_entry *entry,
                                   struct example_values *ret);
/* As example_values, but OK as soon as the beginning of the first bytes value is known. */
enum example_status example_first_bytes(struct example_walk *w, const struct example_entry *entry, uint64_t *ret_at,
                                        uint64_t *ret_len);
bool example_is_named(const struct example_entry *entry, const char *name, uint64_t name_len);

#endif
