/* SPDX-License-Identifier: Apache-2.0 */
/* {rank}_steps.csv: every step as one line for a spreadsheet. Nanoseconds stay exact. */
#include "base/clock.h"
#include "report/result_parts.h"

static void print_seconds(FILE *out, uint64_t ns, char end)
{
    uint64_t whole = ns / NS_PER_S, rest = ns % NS_PER_S;

    fprintf(out, "%lu.%09lu%c", whole, rest, end);
}

static void print_block(FILE *out, uint32_t epoch, const char *block, const struct block_record *b)
{
    for (uint64_t i = 0; i < b->step_count; i++) {
        fprintf(out, "%u,%s,%lu,", epoch, block, i + 1);
        print_seconds(out, b->steps[i].load_ns, ',');
        print_seconds(out, b->steps[i].compute_ns, ',');
        print_seconds(out, b->steps[i].barrier_ns, '\n');
    }
}

void steps_csv_write(const struct run_record *rec, FILE *out)
{
    fputs("epoch,block,step,load_s,compute_s,barrier_s\n", out);
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];
        char block[16];

        for (uint32_t k = 0; k < e->block_count; k++) {
            snprintf(block, sizeof block, "%u", k + 1);
            print_block(out, e->epoch, block, &e->blocks[k]);
        }
        if (e->has_eval)
            print_block(out, e->epoch, "eval", &e->eval);
    }
}
