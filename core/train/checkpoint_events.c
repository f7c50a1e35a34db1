/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A checkpoint is recorded in the epoch it belongs to, which need not be the current one: a save in the background may
 * end in the next. A run that only checkpoints has one epoch without steps, as in DLIO's files.
 */
#include "train/checkpoint_events.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

/* Fills what a hook built against an older table does not know with zeros. */
static dlfw_checkpoint_event whole_event(const dlfw_checkpoint_event *event)
{
    dlfw_checkpoint_event e = {0};
    size_t known = event->struct_size < sizeof e ? event->struct_size : sizeof e;

    memcpy(&e, event, known);
    return e;
}

static struct epoch_record *epoch_of(struct run_record *rec, uint32_t epoch)
{
    struct epoch_record *e;

    for (uint32_t i = rec->epoch_count; i-- > 0;)
        if (rec->epochs[i].epoch == epoch)
            return &rec->epochs[i];
    if (rec->cfg->workflow.train)
        return rec->epoch_count ? &rec->epochs[rec->epoch_count - 1] : NULL;
    rec->epochs = xrealloc(rec->epochs, (rec->epoch_count + 1) * sizeof *rec->epochs);
    e = &rec->epochs[rec->epoch_count++];
    *e = (struct epoch_record){.epoch = epoch, .start_ns = clock_now_ns()};
    clock_timestamp(e->start_text, sizeof e->start_text);
    return e;
}

static struct checkpoint_record *find_open(struct epoch_record *e, bool is_load, uint32_t number)
{
    for (uint32_t i = e->checkpoint_count; i-- > 0;)
        if (e->checkpoints[i].is_load == is_load && e->checkpoints[i].number == number && !e->checkpoints[i].end_ns)
            return &e->checkpoints[i];
    return NULL;
}

/* A checkpoint's place in its epoch: after the block that is over or being computed, and in a run without blocks its
 * number. */
static struct checkpoint_record *open_record(struct epoch_record *e, bool is_load, const dlfw_checkpoint_event *event)
{
    struct checkpoint_record *c;

    e->checkpoints = xrealloc(e->checkpoints, (e->checkpoint_count + 1) * sizeof *e->checkpoints);
    c = &e->checkpoints[e->checkpoint_count++];
    *c = (struct checkpoint_record){.is_load = is_load,
                                    .block = e->block_count ? e->block_count : event->number,
                                    .number = event->number,
                                    .step = event->step};
    snprintf(c->name, sizeof c->name, "%s", event->name ? event->name : "");
    clock_timestamp(c->start_text, sizeof c->start_text);
    return c;
}

static void close_record(struct checkpoint_record *c, const dlfw_checkpoint_event *event)
{
    c->begin_ns = event->begin_ns;
    c->end_ns = event->end_ns > event->begin_ns ? event->end_ns : event->begin_ns + 1;
    c->duration_ns = c->end_ns - c->begin_ns;
    c->bytes = event->bytes;
    c->rank_bytes = event->rank_bytes;
    c->stored_bytes = event->stored_bytes;
    c->model_ns = event->model_ns;
    c->optimizer_ns = event->optimizer_ns;
    c->stall_ns = event->stall_ns < c->duration_ns ? event->stall_ns : c->duration_ns;
    clock_timestamp_at(c->end_ns, c->end_text, sizeof c->end_text);
}

static void take_checkpoint(struct job *job, const dlfw_checkpoint_event *event)
{
    bool is_load = event->what == DLFW_CHECKPOINT_LOAD_BEGIN || event->what == DLFW_CHECKPOINT_LOAD_END;
    bool begins = event->what == DLFW_CHECKPOINT_SAVE_BEGIN || event->what == DLFW_CHECKPOINT_LOAD_BEGIN;
    struct epoch_record *e = epoch_of(&job->record, event->epoch);
    struct checkpoint_record *c;

    if (!e)
        return; /* before the first epoch of a training there is nothing to put it into */
    c = begins ? NULL : find_open(e, is_load, event->number);
    if (!c)
        c = open_record(e, is_load, event);
    if (begins) {
        log_checkpoint_begin(&job->results, e->epoch, c);
        return;
    }
    close_record(c, event);
    log_checkpoint_end(&job->results, e->epoch, c);
}

static void take_model(struct job *job, const dlfw_checkpoint_event *event)
{
    struct checkpoint_model *m = &job->record.model;

    *m = (struct checkpoint_model){.known = true,
                                   .parameters = event->parameters,
                                   .bytes = event->bytes,
                                   .rank_bytes = event->rank_bytes,
                                   .model_bytes = event->model_bytes,
                                   .optimizer_bytes = event->optimizer_bytes,
                                   .subset_ranks = event->subset_ranks,
                                   .subset_of = event->subset_of};
    log_checkpoint_model(&job->results, m);
}

void checkpoint_event_take(struct job *job, const char *hook, const dlfw_checkpoint_event *event)
{
    dlfw_checkpoint_event e = whole_event(event);

    (void)hook;
    switch (e.what) {
    case DLFW_CHECKPOINT_MODEL:
        take_model(job, &e);
        break;
    case DLFW_CHECKPOINT_SAVE_BEGIN:
    case DLFW_CHECKPOINT_SAVE_END:
    case DLFW_CHECKPOINT_LOAD_BEGIN:
    case DLFW_CHECKPOINT_LOAD_END:
        take_checkpoint(job, &e);
        break;
    case DLFW_CHECKPOINT_WRITES_BEGIN:
    case DLFW_CHECKPOINT_WRITES_END:
    case DLFW_CHECKPOINT_READS_BEGIN:
    case DLFW_CHECKPOINT_READS_END:
        log_checkpoint_phase(&job->results, e.what);
        break;
    default:
        break; /* of a later version: not for this report */
    }
}
