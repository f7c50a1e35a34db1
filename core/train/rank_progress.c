/* SPDX-License-Identifier: Apache-2.0 */
#include "train/rank_progress.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/str.h"

#define MEET_NS (NS_PER_S / 4)
#define STEPS_APART_MAX 65536u

dlfw_status rank_progress_open(struct rank_progress *p, struct ranks *ranks, dlfw_error *err)
{
    bool looks = ranks->identity.rank == 0 && ranks->identity.world_size > 1 && progress_is_shown();
    dlfw_status st = ranks_any(ranks, &looks, err);

    *p = (struct rank_progress){.ranks = ranks, .enabled = looks};
    if (looks)
        p->parts = xcalloc(ranks->identity.world_size, sizeof *p->parts);
    return st;
}

void rank_progress_close(struct rank_progress *p)
{
    free(p->parts);
    *p = (struct rank_progress){0};
}

void rank_progress_begin(struct rank_progress *p)
{
    p->next_step = 1;
    p->met_step = 0;
    p->met_ns = clock_now_ns();
}

/* As many steps from now as the last ones say that a quarter of a second has. */
static uint64_t next_meeting(struct rank_progress *p, uint64_t step)
{
    uint64_t now = clock_now_ns(), took = now - p->met_ns, steps = step - p->met_step, apart;

    p->met_ns = now;
    p->met_step = step;
    apart = took ? steps * MEET_NS / took : STEPS_APART_MAX;
    apart = apart > 4 * steps ? 4 * steps : apart; /* the first steps of an epoch may be quick */
    return step + (apart < 1 ? 1 : apart > STEPS_APART_MAX ? STEPS_APART_MAX : apart);
}

static void show(const struct rank_progress *p, struct progress *line)
{
    struct rank_progress_part all = {0};

    for (uint32_t r = 0; r < p->ranks->identity.world_size; r++) {
        const struct rank_progress_part *part = &p->parts[r];

        all.bytes += part->bytes;
        all.compute_ns += part->compute_ns;
        all.wall_ns += part->wall_ns;
        all.errors += part->errors;
        if (part->batch_wait_p99_ns > all.batch_wait_p99_ns)
            all.batch_wait_p99_ns = part->batch_wait_p99_ns;
    }
    atomic_store(&line->bytes, all.bytes);
    atomic_store(&line->bytes_ns, p->met_ns);
    atomic_store(&line->au_permille, all.wall_ns ? all.compute_ns * 1000 / all.wall_ns : 0);
    atomic_store(&line->wait_p99_ns, all.batch_wait_p99_ns);
    atomic_store(&line->trouble, all.errors);
}

dlfw_status rank_progress_meet(struct rank_progress *p, uint64_t step, const struct rank_progress_part *mine,
                               struct progress *line, dlfw_error *err)
{
    struct rank_progress_part part = *mine;
    dlfw_status st;

    if (!p->enabled || step < p->next_step)
        return DLFW_OK;
    part.next = next_meeting(p, step);
    st = ranks_gather(p->ranks, &part, p->parts, sizeof part, err);
    if (st < 0)
        return st;
    p->next_step = p->parts[0].next;
    if (p->ranks->identity.rank == 0)
        show(p, line);
    return DLFW_OK;
}
