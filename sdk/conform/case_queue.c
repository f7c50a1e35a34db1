/* SPDX-License-Identifier: Apache-2.0 */
/* queue.*: every accepted request comes back exactly once, whatever happens to it, and waiting ends when it should. */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "kit_io.h"

#define DEPTH 32u
#define ROUNDS 150
#define PATIENCE_NS 50000000u

struct bench {
    struct kit_io *io;
    struct kit_object object;
    unsigned char *buffers; /* 4096 each */
};

static struct bench open_bench(struct kit *kit)
{
    struct bench b = {.io = kit_io_open(kit, kit_backend(kit), DEPTH)};

    b.object = kit_object(b.io, "queue", 64 * 4096);
    b.buffers = kit_alloc(kit, DEPTH * 4096);
    return b;
}

static void close_bench(struct bench *b)
{
    dlfw_backend *be = b->io->be;
    struct kit *kit = b->io->kit;

    kit_io_close(b->io);
    kit_destroy_any(kit, be);
}

static struct kit_slot *prepare_get(struct bench *b)
{
    struct kit_slot *slot = kit_slot(b->io, DLFW_OP_GET, b->object.key, strlen(b->object.key));

    slot->req.buf = b->buffers + 4096 * (size_t)(slot - b->io->slots);
    slot->req.buf_cap = slot->req.length = 4096;
    slot->req.offset = 4096 * kit_below(b->io->kit, b->object.size / 4096);
    return slot;
}

static void start_gets(struct bench *b, struct kit_slot **slots, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        slots[i] = prepare_get(b);
    kit_start(b->io, slots, n);
}

/* cancelled: the request may have come back as CANCELLED. */
static void finish_gets(struct bench *b, struct kit_slot **slots, uint32_t n, bool cancelled)
{
    struct kit *kit = b->io->kit;

    for (uint32_t i = 0; i < n; i++) {
        dlfw_status st = kit_wait(b->io, slots[i]);
        const dlfw_req *req = &slots[i]->req;

        KIT_CHECK(kit, st == DLFW_OK || (cancelled && st == DLFW_E_CANCELLED), "a request fails: %s", slots[i]->text);
        if (st == DLFW_OK && b->object.data)
            KIT_CHECK(kit, slots[i]->comp.bytes == 4096 && memcmp(req->buf, b->object.data + req->offset, 4096) == 0,
                      "a request of a full queue brought wrong bytes");
        kit_slot_free(slots[i]);
    }
}

static void full(struct kit *kit)
{
    struct bench b = open_bench(kit);
    struct kit_slot *slots[DEPTH];

    for (int round = 0; round < ROUNDS; round++) {
        uint32_t n = round % 3 ? DEPTH : 1 + (uint32_t)kit_below(kit, DEPTH);

        start_gets(&b, slots, n);
        finish_gets(&b, slots, n, false);
    }
    close_bench(&b);
}

static void random_cancel(struct kit *kit)
{
    struct bench b = open_bench(kit);
    struct kit_slot *slots[DEPTH];

    if (!b.io->ops->cancel)
        kit_skip(kit, "the backend has no cancel");
    for (int round = 0; round < ROUNDS; round++) {
        start_gets(&b, slots, DEPTH);
        for (uint32_t i = 0; i < DEPTH; i++) {
            struct kit_slot *victim = slots[kit_below(kit, DEPTH)];

            if (victim->state == SLOT_FLIGHT)
                b.io->ops->cancel(b.io->queue, &victim->req);
            if (kit_below(kit, 4) == 0)
                kit_reap(b.io, 0, 0);
        }
        finish_gets(&b, slots, DEPTH, true);
    }
    close_bench(&b);
}

/* min is capped by what is in flight, so neither an empty queue nor one request can make reap wait for its timeout. */
static void reap_timeouts(struct kit *kit)
{
    struct bench b = open_bench(kit);
    struct kit_slot *slot[1];
    uint64_t begin = kit_now_ns(), waited;

    KIT_CHECK(kit, kit_reap(b.io, 0, 0) == 0, "an empty queue gives a completion");
    KIT_CHECK(kit, kit_reap(b.io, 1, 20000000) == 0, "an empty queue gives a completion");
    waited = kit_now_ns() - begin;
    KIT_CHECK(kit, waited < 20000000 + PATIENCE_NS, "reap with a timeout of 20 ms takes %llu ms",
              (unsigned long long)(waited / 1000000));
    KIT_CHECK(kit, kit_reap(b.io, 1, UINT64_MAX) == 0, "an empty queue gives a completion");
    start_gets(&b, slot, 1);
    begin = kit_now_ns();
    while (slot[0]->state == SLOT_FLIGHT && kit_now_ns() - begin < 2000000000)
        kit_reap(b.io, 2, 2000000000);
    waited = kit_now_ns() - begin;
    KIT_CHECK(kit, waited < 1500000000, "reap waits for a second completion with one request in flight");
    finish_gets(&b, slot, 1, false);
    close_bench(&b);
}

struct waker {
    const dlfw_backend_ops *ops;
    dlfw_queue *queue;
    _Atomic bool stop;
};

static void *wake_often(void *arg)
{
    struct waker *w = arg;

    while (!atomic_load(&w->stop)) {
        w->ops->wakeup(w->queue);
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
    }
    return NULL;
}

static void wakeup(struct kit *kit)
{
    struct bench b = open_bench(kit);
    struct waker waker = {.ops = b.io->ops, .queue = b.io->queue};
    uint64_t end = kit_now_ns() + 200000000;
    struct kit_slot *slots[DEPTH];
    pthread_t thread;

    if (!b.io->ops->wakeup)
        kit_skip(kit, "the backend has no wakeup");
    if (pthread_create(&thread, NULL, wake_often, &waker) != 0)
        kit_skip(kit, "cannot start a thread");
    while (kit_now_ns() < end) {
        start_gets(&b, slots, 4);
        finish_gets(&b, slots, 4, false);
    }
    atomic_store(&waker.stop, true);
    pthread_join(thread, NULL);
    close_bench(&b);
}

/* The end of a run: everything is cancelled, drained, and the queue goes; the instance lives on. */
static void drain(struct kit *kit)
{
    struct bench b = open_bench(kit);

    for (int round = 0; round < 20; round++) {
        struct kit_slot *slots[DEPTH];

        start_gets(&b, slots, DEPTH);
        for (uint32_t i = 0; i < DEPTH && b.io->ops->cancel; i++)
            if (slots[i]->state == SLOT_FLIGHT)
                b.io->ops->cancel(b.io->queue, &slots[i]->req);
        finish_gets(&b, slots, DEPTH, true);
        kit_io_close(b.io);
        b.io = kit_io_open(kit, b.io->be, DEPTH);
    }
    close_bench(&b);
}

/* Completions arrive in the queue that accepted the request; book() refuses the others. */
static void two_queues(struct kit *kit)
{
    struct bench a = open_bench(kit), b = a;

    b.io = kit_io_open(kit, a.io->be, DEPTH);
    b.buffers = kit_alloc(kit, DEPTH * 4096);
    for (int round = 0; round < 30; round++) {
        struct kit_slot *mine[DEPTH], *others[DEPTH];

        start_gets(&a, mine, DEPTH);
        start_gets(&b, others, DEPTH);
        finish_gets(&b, others, DEPTH, false);
        finish_gets(&a, mine, DEPTH, false);
    }
    kit_io_close(b.io);
    close_bench(&a);
}

const struct kit_case kit_cases_queue[] = {
    {"queue.full", DLFW_KIND_BACKEND, KIT_QUEUE, full},
    {"queue.cancel", DLFW_KIND_BACKEND, KIT_QUEUE, random_cancel},
    {"queue.timeouts", DLFW_KIND_BACKEND, KIT_QUEUE, reap_timeouts},
    {"queue.wakeup", DLFW_KIND_BACKEND, KIT_QUEUE, wakeup},
    {"queue.drain", DLFW_KIND_BACKEND, KIT_QUEUE, drain},
    {"queue.two_queues", DLFW_KIND_BACKEND, KIT_QUEUE, two_queues},
    {0},
};
