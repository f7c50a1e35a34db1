/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Coverage. A sum of mixed indices does not depend on the order of delivery, and a sample that is missing, doubled or
 * replaced by another changes it. Ranks add up: the sum over all of them equals that of every index once only when
 * their shards are disjoint and leave nothing out. The expected sum is only known without the order when nothing was
 * dropped; elsewhere the count is what is checked.
 */
#include "report/coverage.h"

#include "base/str.h"

/* Above this many samples the sum would take longer than a reader of the report waits. */
#define PROOF_LIMIT (1ull << 28)

static uint64_t hash_of_all(uint64_t samples)
{
    static uint64_t known_samples, known_hash; /* epochs repeat the same question; reports have one thread */

    if (samples != known_samples) {
        known_hash = 0;
        for (uint64_t i = 0; i < samples; i++)
            known_hash += hash_mix(i + 1);
        known_samples = samples;
    }
    return known_hash;
}

static struct coverage coverage_of(const struct run_record *rec, uint64_t samples, uint64_t hash,
                                   uint64_t rank_expected, uint64_t files)
{
    uint64_t expected = rank_expected * (rec->world.reporting ? rec->world.reporting : 1);
    struct coverage c = {.samples = samples, .expected = expected, .hash = hash};
    uint64_t all = files * rec->cfg->dataset.num_samples_per_file;

    c.ok = c.samples == c.expected;
    if (c.ok && expected == all && all <= PROOF_LIMIT) {
        c.is_proven = true;
        c.ok = c.hash == hash_of_all(all);
    }
    return c;
}

struct coverage coverage_train(const struct run_record *rec, const struct epoch_record *e)
{
    struct epoch_sum sum;

    world_epoch(rec, (uint32_t)(e - rec->epochs), &sum);
    return coverage_of(rec, sum.samples, sum.hash, e->expected_steps * rec->cfg->reader.batch_size,
                       rec->cfg->dataset.num_files_train);
}

struct coverage coverage_eval(const struct run_record *rec, const struct epoch_record *e)
{
    struct epoch_sum sum;

    world_epoch(rec, (uint32_t)(e - rec->epochs), &sum);
    return coverage_of(rec, sum.eval_samples, sum.eval_hash, e->eval_expected_steps * rec->cfg->reader.batch_size_eval,
                       rec->cfg->dataset.num_files_eval);
}

bool coverage_is_complete(const struct run_record *rec)
{
    for (uint32_t i = 0; i < rec->epoch_count; i++) {
        const struct epoch_record *e = &rec->epochs[i];

        if (e->block_count && !coverage_train(rec, e).ok)
            return false;
        if (e->has_eval && !coverage_eval(rec, e).ok)
            return false;
    }
    return true;
}
