/* SPDX-License-Identifier: Apache-2.0 */
/* What the rules say about a run that only writes and reads checkpoints. */
#include <string.h>

#include "rules/judge.h"

#define WANTED_COUNT 10u
#define SUBSET_PROCESSES 8u
#define HOST_MINIMUM 4u
#define MEMORY_FACTOR 3.0
#define GIB 1073741824.0

static bool is_subset(const struct rule_book *book, struct subject *s)
{
    const char *mode = subject_value(book, s, "checkpoint.mode");

    return mode && strcmp(mode, "subset") == 0;
}

static void judge_subset(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    const struct benchmark *b = s->benchmark;
    uint64_t data = subject_number(book, s, "model.parallelism.data"), wanted = b->processes / b->grid;
    bool eight = s->accelerators == SUBSET_PROCESSES, is_8b = strcmp(b->model, "llama3-8b") == 0;

    if (book->version->subset_of_8b_only && !is_8b) {
        finding_add(&s->findings, LEVEL_INVALID, RULE_PROCESSES, arena_format(arena, "subset mode with %s", b->model),
                    "llama3-8b, or all processes", "subset mode is defined for the 8B model only");
        return;
    }
    finding_add(&s->findings, eight ? LEVEL_OK : LEVEL_INVALID, RULE_PROCESSES,
                arena_format(arena, "%lu processes in subset mode", s->accelerators), "8",
                "subset mode is one host with eight accelerators");
    if (data != wanted)
        finding_add(&s->findings, LEVEL_INVALID, RULE_PROCESSES,
                    arena_format(arena, "model.parallelism.data is %lu", data), arena_format(arena, "%lu", wanted),
                    arena_format(arena,
                                 "%u processes / (tensor x pipeline = %u); a larger number makes each share "
                                 "smaller",
                                 b->processes, b->grid));
}

static void judge_processes(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    const struct benchmark *b = s->benchmark;
    const char *wanted = arena_format(arena, "%u", b->processes);
    const char *found = arena_format(arena, "%lu processes", s->accelerators);

    if (is_subset(book, s))
        judge_subset(book, s);
    else if (s->accelerators == b->processes)
        finding_add(&s->findings, LEVEL_OK, RULE_PROCESSES, found, wanted, NULL);
    else if (s->accelerators % b->grid == 0)
        finding_add(&s->findings, LEVEL_OPEN, RULE_PROCESSES, found, wanted,
                    arena_format(arena, "OPEN may take other multiples of tensor x pipeline = %u", b->grid));
    else
        finding_add(&s->findings, LEVEL_INVALID, RULE_PROCESSES, found, wanted,
                    arena_format(arena, "and it is no multiple of tensor x pipeline = %u, which OPEN wants", b->grid));
}

static void judge_per_host(struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    uint64_t per_host = s->accelerators / s->hosts;
    const char *found = arena_format(arena, "%lu processes on %lu hosts", s->accelerators, s->hosts);

    if (per_host < HOST_MINIMUM)
        finding_add(&s->findings, LEVEL_INVALID, RULE_HOSTS, found, "more than 4 on each host", NULL);
    else if (per_host == HOST_MINIMUM)
        finding_add(&s->findings, LEVEL_NOTE, RULE_HOSTS, found, "more than 4 on each host",
                    "another place of the rules says at least 4; ask before you submit");
    else
        finding_add(&s->findings, LEVEL_OK, RULE_HOSTS, found, "more than 4 on each host", NULL);
}

static void judge_memory(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    double have = (double)s->accelerators * book->version->accelerator_gb;
    double need = is_subset(book, s) ? s->benchmark->subset_gib : s->benchmark->checkpoint_gib;

    finding_add(&s->findings, have >= need ? LEVEL_OK : LEVEL_INVALID, RULE_ACCELERATOR_MEMORY,
                arena_format(arena, "%lu x %u GB = %.0f GB", s->accelerators, book->version->accelerator_gb, have),
                arena_format(arena, "at least the checkpoint's %.1f GB", need),
                "counted with the smallest accelerator of these rules");
}

/* Reads must come from the storage: either the data does not fit into memory, or caches were cleared. */
static void judge_cache(const struct rule_book *book, struct subject *s, bool writes, bool reads)
{
    struct arena *arena = &s->findings.arena;
    double per_host = (is_subset(book, s) ? s->benchmark->subset_gib : s->benchmark->checkpoint_gib) * WANTED_COUNT /
                      (double)s->hosts;
    double memory = (double)s->memory_bytes / GIB / (double)s->hosts;

    if (!reads || (s->memory_bytes && per_host > MEMORY_FACTOR * memory))
        return;
    finding_add(&s->findings, LEVEL_NOTE, RULE_CACHE,
                arena_format(arena, "%.1f GiB written per host, %.1f GiB of memory", per_host, memory),
                "more than three times the memory, or cleared caches",
                writes ? "write and read in two runs (num_checkpoints_read=0, then num_checkpoints_write=0) and clear "
                         "the caches in between"
                       : "that they were cleared before this run cannot be seen from here");
}

static void judge_counts(const struct rule_book *book, struct subject *s)
{
    struct arena *arena = &s->findings.arena;
    uint64_t writes = subject_number(book, s, "checkpoint.num_checkpoints_write");
    uint64_t reads = subject_number(book, s, "checkpoint.num_checkpoints_read");
    bool good = (writes == WANTED_COUNT || !writes) && (reads == WANTED_COUNT || !reads) && writes + reads > 0;
    uint32_t bad = book->version->open_changes_counts && writes + reads ? LEVEL_OPEN : LEVEL_INVALID;

    finding_add(&s->findings, good ? LEVEL_OK : bad, RULE_COUNTS,
                arena_format(arena, "%lu written, %lu read", writes, reads),
                "10 and 10, in one run or in a writing and a reading one",
                good                ? NULL
                : bad == LEVEL_OPEN ? "OPEN may change them"
                                    : "no division may change them");
    judge_cache(book, s, writes > 0, reads > 0);
}

void judge_checkpointing(const struct rule_book *book, struct subject *s)
{
    bool fsync = subject_flag(book, s, "checkpoint.fsync");

    finding_add(&s->findings, fsync ? LEVEL_OK : LEVEL_INVALID, RULE_FSYNC,
                fsync ? "checkpoint.fsync is on" : "checkpoint.fsync is off", fsync ? NULL : "on",
                fsync ? NULL : "a checkpoint counts when it is on stable storage");
    if (!s->benchmark || !s->hosts)
        return;
    judge_counts(book, s);
    if (!s->accelerators) {
        finding_add(&s->findings, LEVEL_INVALID, RULE_PROCESSES, "the number of processes is not known",
                    arena_format(&s->findings.arena, "%u", s->benchmark->processes),
                    s->finished ? "summary.json has no num_accelerators" : "give --accelerators");
        return;
    }
    judge_processes(book, s);
    judge_per_host(s);
    judge_memory(book, s);
}
