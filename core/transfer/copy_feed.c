/* SPDX-License-Identifier: Apache-2.0 */
#include "transfer/copy_feed.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/str.h"

void feed_init(struct copy_feed *f)
{
    pthread_condattr_t attr;

    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&f->changed, &attr);
    pthread_condattr_destroy(&attr);
}

static void free_item(struct copy_feed_item *item)
{
    free(item->source_key);
    free(item->target_key);
}

/* Under the lock. */
static struct copy_feed_item *pop(struct copy_feed *f)
{
    struct copy_feed_item *item = &f->items[f->head];

    f->head = (f->head + 1) % COPY_FEED_ITEMS;
    f->count--;
    return item;
}

void feed_destroy(struct copy_feed *f)
{
    while (f->count)
        free_item(pop(f));
    pthread_cond_destroy(&f->changed);
    pthread_mutex_destroy(&f->lock);
}

/* Under the lock: sleeps until something changes; false: until_ns has come. */
static bool wait_changed(struct copy_feed *f, uint64_t until_ns)
{
    struct timespec ts = {.tv_sec = (time_t)(until_ns / NS_PER_S), .tv_nsec = (long)(until_ns % NS_PER_S)};

    return pthread_cond_timedwait(&f->changed, &f->lock, &ts) != ETIMEDOUT;
}

bool feed_push(struct copy_feed *f, const struct copy_item *item, uint64_t timeout_ns)
{
    uint64_t until = clock_now_ns() + timeout_ns;
    bool room;

    pthread_mutex_lock(&f->lock);
    while (f->count == COPY_FEED_ITEMS && wait_changed(f, until))
        ;
    room = f->count < COPY_FEED_ITEMS;
    if (room) {
        struct copy_feed_item *slot = &f->items[(f->head + f->count++) % COPY_FEED_ITEMS];

        slot->item = *item;
        slot->source_key = item->source_key ? xstrdup(item->source_key) : NULL;
        slot->target_key = item->target_key ? xstrdup(item->target_key) : NULL;
        if (f->waiting)
            pthread_cond_broadcast(&f->changed);
    }
    pthread_mutex_unlock(&f->lock);
    return room;
}

enum feed_answer feed_take(struct copy_feed *f, struct copy_feed_item *ret, uint64_t timeout_ns)
{
    enum feed_answer answer = FEED_EMPTY;

    pthread_mutex_lock(&f->lock);
    if (!f->count && !f->closed && timeout_ns) {
        f->waiting++;
        wait_changed(f, clock_now_ns() + timeout_ns);
        f->waiting--;
    }
    if (f->count) {
        bool was_full = f->count == COPY_FEED_ITEMS;

        *ret = *pop(f);
        answer = FEED_ITEM;
        if (was_full)
            pthread_cond_broadcast(&f->changed);
    } else if (f->closed) {
        answer = FEED_END;
    }
    pthread_mutex_unlock(&f->lock);
    return answer;
}

void feed_close(struct copy_feed *f)
{
    pthread_mutex_lock(&f->lock);
    f->closed = true;
    pthread_cond_broadcast(&f->changed);
    pthread_mutex_unlock(&f->lock);
}

bool feed_drop(struct copy_feed *f)
{
    bool dropped;

    pthread_mutex_lock(&f->lock);
    dropped = f->count > 0;
    if (dropped)
        free_item(pop(f));
    pthread_mutex_unlock(&f->lock);
    return dropped;
}

bool feed_is_busy(struct copy_feed *f)
{
    bool busy;

    pthread_mutex_lock(&f->lock);
    busy = f->count && !f->waiting;
    pthread_mutex_unlock(&f->lock);
    return busy;
}
