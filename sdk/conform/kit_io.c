/* SPDX-License-Identifier: Apache-2.0 */
/* The books of requests in flight. See kit_io.h. */
#include "kit_io.h"

#include <string.h>

#define LOST_AFTER_S 10u /* a server on a busy machine may take seconds */
#define QUIET_NS 20000000u
#define BATCH 64u
#define USER_MARK 0x636f6e666f726d00u /* a request's cookie, so that a backend that touches it is noticed */

struct kit_io *kit_io_open(struct kit *kit, dlfw_backend *be, uint32_t depth)
{
    struct kit_io *io = kit_alloc(kit, sizeof *io);
    dlfw_queue_args args = {.struct_size = (uint32_t)sizeof args, .depth = depth, .cpu = -1};
    char text[256];
    dlfw_error err = FAKE_ERROR(text);
    dlfw_status st;

    *io = (struct kit_io){.kit = kit, .ops = &kit->iface->ops.backend, .be = be, .depth = depth, .way = "perform"};
    io->slots = kit_alloc(kit, depth * sizeof *io->slots);
    for (uint32_t i = 0; i < depth; i++)
        io->slots[i].scratch = kit_alloc(kit, io->ops->req_scratch);
    if (!kit->use_queue)
        return io;
    io->way = "queue";
    st = io->ops->queue_create(be, &args, &io->queue, &err);
    if (st == DLFW_E_UNSUPPORTED && io->ops->perform) {
        kit_note(kit, "queue_create refuses with UNSUPPORTED (%s); only perform is judged", text);
        if (kit->test->flags & KIT_QUEUE)
            kit_skip(kit, "the backend has no queue here: %s", text);
        io->way = "perform";
        io->queue = NULL;
        return io;
    }
    kit_check_error(kit, st, &err, "queue_create");
    KIT_CHECK(kit, st >= 0, "queue_create fails: %s", text);
    KIT_CHECK(kit, io->queue, "queue_create succeeded without a queue");
    return io;
}

bool kit_can(const struct kit_io *io, uint16_t op)
{
    return (io->ops->op_mask & DLFW_OP_BIT(op)) != 0;
}

bool kit_has_data(const struct kit_io *io)
{
    return !(io->ops->caps & DLFW_BACKEND_NO_DATA);
}

struct kit_slot *kit_slot(struct kit_io *io, uint16_t op, const char *key, size_t key_len)
{
    for (uint32_t i = 0; i < io->depth; i++) {
        struct kit_slot *slot = &io->slots[i];

        if (slot->state != SLOT_FREE)
            continue;
        slot->state = SLOT_READY;
        slot->error = (dlfw_error)FAKE_ERROR(slot->text);
        memset(slot->text, 0, sizeof slot->text);
        if (io->ops->req_scratch)
            memset(slot->scratch, 0xEE, io->ops->req_scratch); /* scratch has no promised contents */
        slot->req = (dlfw_req){.op = op,
                               .key = key,
                               .key_len = (uint32_t)key_len,
                               .error = &slot->error,
                               .scratch = slot->scratch,
                               .user = USER_MARK + i};
        return slot;
    }
    kit_fail(io->kit, "dlfw-conform itself ran out of slots");
}

void kit_slot_free(struct kit_slot *slot)
{
    slot->state = SLOT_FREE;
}

static void check_completion(struct kit_io *io, struct kit_slot *slot)
{
    struct kit *kit = io->kit;
    const dlfw_comp *comp = &slot->comp;
    const dlfw_req *req = &slot->req;
    uint64_t room = req->flags & DLFW_REQ_WHOLE ? req->buf_cap : req->length;

    KIT_CHECK(kit, req->user == USER_MARK + (uint64_t)(slot - io->slots),
              "request op %u: the host's cookie 'user' was changed", req->op);
    KIT_CHECK(kit, comp->status <= 0, "request op %u: completion with status %d", req->op, comp->status);
    kit_check_error(kit, comp->status, &slot->error, "completion");
    if (comp->status == 0 && req->op == DLFW_OP_GET)
        KIT_CHECK(kit, comp->bytes <= room, "GET of %llu bytes completed with %llu", (unsigned long long)room,
                  (unsigned long long)comp->bytes);
}

static void book(struct kit_io *io, const dlfw_comp *comp)
{
    struct kit *kit = io->kit;
    struct kit_slot *slot = NULL;

    for (uint32_t i = 0; i < io->depth; i++)
        if (comp->req == &io->slots[i].req)
            slot = &io->slots[i];
    KIT_CHECK(kit, slot, "a completion came for a request that this queue was never given");
    KIT_CHECK(kit, slot->state == SLOT_FLIGHT, "request %u (op %u) was completed twice", (unsigned)(slot - io->slots),
              slot->req.op);
    slot->comp = *comp;
    slot->state = SLOT_DONE;
    io->inflight--;
    check_completion(io, slot);
}

uint32_t kit_reap(struct kit_io *io, uint32_t min, uint64_t timeout_ns)
{
    dlfw_comp comps[BATCH];
    int32_t n;

    memset(comps, 0, sizeof comps);
    for (uint32_t i = 0; i < BATCH; i++)
        comps[i].object_size = UINT64_MAX;
    n = io->ops->reap(io->queue, comps, BATCH, min, timeout_ns);
    KIT_CHECK(io->kit, n >= 0, "reap says that the queue is dead: %s", dlfw_status_name(n));
    KIT_CHECK(io->kit, n <= (int32_t)BATCH, "reap returned %d completions where %u fit", n, BATCH);
    for (int32_t i = 0; i < n; i++)
        book(io, &comps[i]);
    return (uint32_t)n;
}

static void perform(struct kit_io *io, struct kit_slot *slot)
{
    slot->state = SLOT_FLIGHT;
    slot->comp = (dlfw_comp){.req = &slot->req, .object_size = UINT64_MAX};
    io->ops->perform(io->be, &slot->req, &slot->comp);
    KIT_CHECK(io->kit, slot->comp.req == &slot->req, "perform changed comp.req");
    slot->state = SLOT_DONE;
    check_completion(io, slot);
}

void kit_start(struct kit_io *io, struct kit_slot *const *slots, uint32_t n)
{
    uint64_t give_up = kit_now_ns() + LOST_AFTER_S * UINT64_C(1000000000);
    dlfw_req *reqs[BATCH];
    uint32_t done = 0;

    if (!io->queue) {
        for (uint32_t i = 0; i < n; i++)
            perform(io, slots[i]);
        return;
    }
    while (done < n) {
        uint32_t batch = n - done < BATCH ? n - done : BATCH;
        int32_t taken;

        for (uint32_t i = 0; i < batch; i++) {
            reqs[i] = &slots[done + i]->req;
            slots[done + i]->state = SLOT_FLIGHT;
        }
        taken = io->ops->submit(io->queue, reqs, batch);
        KIT_CHECK(io->kit, taken >= 0, "submit says that the queue is dead: %s", dlfw_status_name(taken));
        KIT_CHECK(io->kit, (uint32_t)taken <= batch, "submit took %d of %u requests", taken, batch);
        for (uint32_t i = (uint32_t)taken; i < batch; i++)
            slots[done + i]->state = SLOT_READY;
        io->inflight += (uint32_t)taken;
        done += (uint32_t)taken;
        if (done < n) {
            KIT_CHECK(io->kit, kit_now_ns() < give_up, "submit takes no more requests below the depth of %u",
                      io->depth);
            kit_reap(io, 0, 1000000);
        }
    }
}

dlfw_status kit_wait(struct kit_io *io, struct kit_slot *slot)
{
    uint64_t give_up = kit_now_ns() + LOST_AFTER_S * UINT64_C(1000000000);

    while (slot->state == SLOT_FLIGHT) {
        uint64_t now = kit_now_ns();

        KIT_CHECK(io->kit, now < give_up, "request %u (op %u) was lost: no completion within %u s",
                  (unsigned)(slot - io->slots), slot->req.op, LOST_AFTER_S);
        kit_reap(io, 1, give_up - now);
    }
    return slot->comp.status;
}

dlfw_status kit_call(struct kit_io *io, struct kit_slot *slot)
{
    kit_start(io, &slot, 1);
    return kit_wait(io, slot);
}

void kit_io_close(struct kit_io *io)
{
    if (!io->queue)
        return;
    for (uint32_t i = 0; i < io->depth; i++)
        if (io->slots[i].state == SLOT_FLIGHT)
            kit_wait(io, &io->slots[i]);
    kit_reap(io, 0, 0);
    kit_reap(io, 0, QUIET_NS); /* a completion too many may come late; book() refuses it */
    io->ops->queue_destroy(io->queue);
    io->queue = NULL;
}
