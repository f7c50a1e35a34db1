/* SPDX-License-Identifier: Apache-2.0 */
/* The program's own coordinator of one host as a plugin, so that the kit's cases see one that works. With BROKEN, ranks
 * get what was gathered in the wrong order; with HANGS, nobody leaves a barrier. */
#include <unistd.h>

#include "ranks/coordinator.h"

static dlfw_coordinator_ops ops;

#ifdef BROKEN
#define NAME "broken"
#include <string.h>

static dlfw_status gather_reversed(dlfw_coordinator *c, const void *mine, void *all, uint64_t len, uint64_t deadline_ns,
                                   dlfw_error *reterr)
{
    dlfw_status st = coordinator_shm.gather(c, mine, all, len, deadline_ns, reterr);
    uint64_t last = coordinator_shm.world_size(c) - 1;

    if (st >= 0 && len > 0) {
        memcpy((char *)all + last * len, all, len);
        memcpy(all, mine, len);
    }
    return st;
}
#elif defined(HANGS)
#define NAME "hangs"

static dlfw_status barrier_for_ever(dlfw_coordinator *c, uint64_t deadline_ns, dlfw_error *reterr)
{
    (void)c;
    (void)deadline_ns;
    (void)reterr;
    while (pause() < 0) /* until it is killed */
        ;
    return DLFW_OK;
}
#else
#define NAME "shm_plugin"
#endif

/* The host looks at the table before it calls anything. */
__attribute__((constructor)) static void fill_table(void)
{
    ops = coordinator_shm;
#ifdef BROKEN
    ops.gather = gather_reversed;
#elif defined(HANGS)
    ops.barrier = barrier_for_ever;
#endif
}

static const dlfw_iface iface = {
    .struct_size = (uint32_t)sizeof iface,
    .kind = DLFW_KIND_COORDINATOR,
    .name = NAME,
    .summary = "ranks of one host",
    .ops = &ops,
};
static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "coordinator=" NAME "\n", .id = "org.dlfw.test-coordinator", .license = "Apache-2.0",
            .summary = "ranks of one host", .url = "", .ifaces = ifaces);
