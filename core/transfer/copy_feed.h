/* SPDX-License-Identifier: Apache-2.0 */
/* Items on their way from who lists to the workers: a ring of fixed length, so that a listing never runs far ahead. */
#ifndef DLFW_CORE_TRANSFER_COPY_FEED_H
#define DLFW_CORE_TRANSFER_COPY_FEED_H

#include <pthread.h>

#include "transfer/copy.h"

#define COPY_FEED_ITEMS 512u

struct copy_feed_item {
    struct copy_item item; /* its keys are these: */
    char *source_key, *target_key;
};

struct copy_feed {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct copy_feed_item items[COPY_FEED_ITEMS];
    uint32_t head, count;
    uint32_t waiting; /* workers that sleep */
    bool closed;
};

enum feed_answer { FEED_ITEM, FEED_EMPTY, FEED_END };

void feed_init(struct copy_feed *f);
void feed_destroy(struct copy_feed *f); /* with what is left in it */
/* False: full, also after timeout_ns. */
bool feed_push(struct copy_feed *f, const struct copy_item *item, uint64_t timeout_ns);
/* Waits at most timeout_ns for an item. */
enum feed_answer feed_take(struct copy_feed *f, struct copy_feed_item *ret, uint64_t timeout_ns);
void feed_close(struct copy_feed *f);
/* Takes what is left, for who counts it; false: nothing. */
bool feed_drop(struct copy_feed *f);
bool feed_is_busy(struct copy_feed *f); /* items wait and no worker does */

#endif
