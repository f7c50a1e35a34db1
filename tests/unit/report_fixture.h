/* SPDX-License-Identifier: Apache-2.0 */
/* A run made by hand for the tests of core/report: a configuration, a record whose times are exact, a temporary folder.
 */
#ifndef DLFW_TESTS_REPORT_FIXTURE_H
#define DLFW_TESTS_REPORT_FIXTURE_H

#include <stdint.h>

#include "report/results.h"

#define MS 1000000ull

struct fixture {
    struct run_config cfg;
    struct run_record *rec;
    struct error_slot err;
    char folder[64]; /* exists, empty */
};

/* 40 files of one sample, batch 4: 10 steps; 8 evaluation files, batch 2: 4 steps. One rank, training and evaluation.
 */
void fixture_begin(struct fixture *f);
void fixture_end(struct fixture *f);

struct block_record fixture_block(uint64_t steps, uint64_t load_ms, uint64_t compute_ms, uint64_t barrier_ms);
/* An epoch of so many equal blocks that expects the steps they have; every sample was delivered once. */
struct epoch_record *fixture_add_epoch(struct fixture *f, uint32_t blocks, uint64_t steps, uint64_t load_ms,
                                       uint64_t compute_ms);
void fixture_add_eval(struct fixture *f, struct epoch_record *e, uint64_t steps, uint64_t load_ms, uint64_t compute_ms);
void fixture_add_checkpoint(struct epoch_record *e, bool is_load, uint32_t block, uint64_t ms, uint64_t bytes);
uint64_t fixture_hash(uint64_t samples);

/* The text of <folder>/<name>; fails the test when it is not there. Caller frees. */
char *fixture_read(const struct fixture *f, const char *name);
bool fixture_has(const struct fixture *f, const char *name);
uint32_t fixture_files(const struct fixture *f); /* entries of the folder itself, folders not counted */

#endif
