/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slots are used round and round: [taken, sent) are on their way, [taken, started) of them have found a worker. One
 * lock; it is held for a few instructions per part, and parts take hundreds of microseconds.
 */
#define _GNU_SOURCE
#include "part_ring.h"

#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 4096u

struct part_ring {
    struct part_ring_args args;
    pthread_mutex_t lock;
    pthread_cond_t work_there, work_done;
    struct part_slot *slots;
    bool *done; /* of a slot: its worker has finished */
    uint8_t *memory, *users;
    uint64_t taken, started, sent;
    bool is_ending;
    uint32_t threads; /* running */
    pthread_t *ids;
    struct part_coder **coders;
    uint32_t next_coder;
};

static void do_work(struct part_ring *r, struct part_coder *coder, struct part_slot *slot)
{
    dlfw_error err = {.struct_size = sizeof err, .message = slot->why, .message_cap = sizeof slot->why};

    slot->why[0] = '\0';
    slot->status = r->args.work(r->args.ctx, coder, slot, &err);
}

static void *worker(void *arg)
{
    struct part_ring *r = arg;
    struct part_coder *coder;

    pthread_mutex_lock(&r->lock);
    coder = r->coders[r->next_coder++];
    while (true) {
        uint64_t i;

        while (r->started == r->sent && !r->is_ending)
            pthread_cond_wait(&r->work_there, &r->lock);
        if (r->is_ending)
            break;
        i = r->started++ % r->args.slots;
        pthread_mutex_unlock(&r->lock);
        do_work(r, coder, &r->slots[i]);
        pthread_mutex_lock(&r->lock);
        r->done[i] = true;
        pthread_cond_signal(&r->work_done);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

static uint64_t whole_pages(uint64_t bytes)
{
    return (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
}

static dlfw_status allocate(struct part_ring *r, dlfw_error *reterr)
{
    const struct part_ring_args *a = &r->args;
    uint64_t raw = whole_pages(a->raw_bytes), stored = whole_pages(a->stored_bytes);
    uint64_t bytes = a->slots * (raw + stored);

    r->slots = calloc(a->slots, sizeof *r->slots);
    r->done = calloc(a->slots, sizeof *r->done);
    r->users = calloc(a->slots, a->user_bytes ? a->user_bytes : 1);
    r->ids = calloc(a->threads, sizeof *r->ids);
    r->coders = calloc(a->threads, sizeof *r->coders);
    r->memory = aligned_alloc(PAGE_BYTES, bytes ? bytes : PAGE_BYTES);
    if (!r->slots || !r->done || !r->users || !r->ids || !r->coders || !r->memory)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate %" PRIu64 " bytes for parts", bytes);
    for (uint32_t i = 0; i < a->slots; i++) {
        r->slots[i].raw = r->memory + i * (raw + stored);
        r->slots[i].stored = r->slots[i].raw + raw;
        r->slots[i].user = r->users + i * a->user_bytes;
    }
    return DLFW_OK;
}

/* Signals are the business of the host's threads. */
static dlfw_status start(struct part_ring *r, dlfw_error *reterr)
{
    dlfw_status st = DLFW_OK;
    sigset_t all, before;

    for (uint32_t i = 0; i < r->args.threads && st >= 0; i++)
        st = part_coder_create(r->args.host, r->args.level, &r->coders[i], reterr);
    if (st < 0)
        return st;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (r->threads < r->args.threads && st >= 0) {
        int failed = pthread_create(&r->ids[r->threads], NULL, worker, r);

        if (failed)
            st = dlfw_fail_errno(reterr, failed, "cannot start thread %" PRIu32 " of %" PRIu32, r->threads + 1,
                                 r->args.threads);
        else
            r->threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return st;
}

dlfw_status part_ring_create(const struct part_ring_args *args, struct part_ring **ret, dlfw_error *reterr)
{
    struct part_ring *r = calloc(1, sizeof *r);
    dlfw_status st;

    if (!r)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot allocate a ring of parts");
    r->args = *args;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->work_there, NULL);
    pthread_cond_init(&r->work_done, NULL);
    st = allocate(r, reterr);
    if (st >= 0)
        st = start(r, reterr);
    if (st < 0) {
        part_ring_destroy(r);
        return st;
    }
    *ret = r;
    return DLFW_OK;
}

void part_ring_destroy(struct part_ring *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->is_ending = true;
    pthread_cond_broadcast(&r->work_there);
    pthread_mutex_unlock(&r->lock);
    for (uint32_t i = 0; i < r->threads; i++)
        pthread_join(r->ids[i], NULL);
    for (uint32_t i = 0; r->coders && i < r->args.threads; i++)
        part_coder_destroy(r->coders[i]);
    pthread_cond_destroy(&r->work_done);
    pthread_cond_destroy(&r->work_there);
    pthread_mutex_destroy(&r->lock);
    free(r->memory);
    free(r->coders);
    free(r->ids);
    free(r->users);
    free(r->done);
    free(r->slots);
    free(r);
}

struct part_slot *part_ring_next(struct part_ring *r)
{
    struct part_slot *slot = &r->slots[r->sent % r->args.slots];
    bool is_free;

    pthread_mutex_lock(&r->lock);
    is_free = r->sent - r->taken < r->args.slots;
    pthread_mutex_unlock(&r->lock);
    return is_free ? slot : NULL;
}

void part_ring_send(struct part_ring *r)
{
    pthread_mutex_lock(&r->lock);
    r->slots[r->sent % r->args.slots].number = r->sent;
    r->done[r->sent % r->args.slots] = false;
    r->sent++;
    pthread_cond_signal(&r->work_there);
    pthread_mutex_unlock(&r->lock);
}

dlfw_status part_ring_take(struct part_ring *r, struct part_slot **ret, dlfw_error *reterr)
{
    struct part_slot *slot = NULL;

    pthread_mutex_lock(&r->lock);
    if (r->taken < r->sent) {
        uint64_t i = r->taken % r->args.slots;

        while (!r->done[i])
            pthread_cond_wait(&r->work_done, &r->lock);
        slot = &r->slots[i];
        r->taken++;
    }
    pthread_mutex_unlock(&r->lock);
    *ret = slot;
    return slot && slot->status < 0 ? dlfw_fail(reterr, slot->status, "%s", slot->why) : DLFW_OK;
}

uint32_t part_ring_slots(uint64_t memory_budget, uint32_t threads, uint64_t raw_bytes, uint64_t stored_bytes)
{
    uint64_t fit = memory_budget / (whole_pages(raw_bytes) + whole_pages(stored_bytes)), most = 2 * threads + 1;

    return (uint32_t)(fit < most ? fit : most);
}
