/* SPDX-License-Identifier: Apache-2.0 */
/* speed.*: figures for the author, judged by nobody. */
#include <string.h>

#include "kit_io.h"

#define BUDGET_NS 300000000u

static double ns_per_get(struct kit_io *io, const struct kit_object *object, uint32_t batch, unsigned char *buf)
{
    uint64_t begin = kit_now_ns(), count = 0;
    struct kit_slot *slots[64];

    while (kit_now_ns() - begin < BUDGET_NS) {
        for (uint32_t i = 0; i < batch; i++) {
            slots[i] = kit_slot(io, DLFW_OP_GET, object->key, strlen(object->key));
            slots[i]->req.buf = buf + 4096 * (size_t)i;
            slots[i]->req.buf_cap = slots[i]->req.length = 4096;
        }
        kit_start(io, slots, batch);
        for (uint32_t i = 0; i < batch; i++) {
            KIT_CHECK(io->kit, kit_wait(io, slots[i]) >= 0, "a GET fails: %s", slots[i]->text);
            kit_slot_free(slots[i]);
        }
        count += batch;
    }
    return (double)(kit_now_ns() - begin) / (double)count;
}

static void per_request(struct kit *kit)
{
    dlfw_backend *be = kit_backend(kit);
    struct kit_io *io = kit_io_open(kit, be, 32);
    struct kit_object object = kit_object(io, "speed", 4096);
    unsigned char *buf = kit_alloc(kit, 32 * 4096);

    kit_note(kit, "%s: %.0f ns per GET of 4 KiB one by one, %.0f ns in batches of 32 (the kit's own work included)",
             io->way, ns_per_get(io, &object, 1, buf), ns_per_get(io, &object, 32, buf));
    kit_io_close(io);
    kit_destroy_any(kit, be);
}

const struct kit_case kit_cases_speed[] = {
    {"speed.request", DLFW_KIND_BACKEND, KIT_WAYS, per_request},
    {0},
};
