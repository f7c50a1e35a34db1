/* SPDX-License-Identifier: Apache-2.0 */
/* Who owns what in a run record: the record owns its arrays and whatever else its header calls owned. */
#include "report/run_record.h"

#include <stdlib.h>

static void epoch_free(struct epoch_record *e)
{
    for (uint32_t i = 0; i < e->block_count; i++)
        free(e->blocks[i].steps);
    free(e->blocks);
    free(e->eval.steps);
    free(e->checkpoints);
}

void run_record_free(struct run_record *rec)
{
    for (uint32_t i = 0; i < rec->epoch_count; i++)
        epoch_free(&rec->epochs[i]);
    free(rec->epochs);
    free(rec->hooks);
    free(rec->figures);
    free(rec->storage_uri);
    free(rec->storage_scheme);
    free(rec->checkpoint_uri);
    for (uint32_t i = 0; i < rec->endpoint_count; i++)
        free(rec->endpoints[i].name);
    free(rec->endpoints);
    world_free(&rec->world);
    rec->endpoints = NULL;
    rec->endpoint_count = 0;
    rec->epochs = NULL;
    rec->epoch_count = 0;
    rec->hooks = NULL;
    rec->hook_count = 0;
    rec->figures = NULL;
    rec->figure_count = 0;
    rec->storage_uri = NULL;
    rec->storage_scheme = NULL;
    rec->checkpoint_uri = NULL;
}
