/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of the hook checkpoint_store share: a model of 3 MiB, a host with the product's content and checksums,
 * services in memory, the calls of a run. */
#ifndef DLFW_TEST_CHECKPOINT_STORE_FIXTURE_H
#define DLFW_TEST_CHECKPOINT_STORE_FIXTURE_H

#include "fake_host.h"
#include "fake_services.h"
#include "store_hook.h"
#include "tools.h"

#define FOLDER "ck"

struct store_fixture {
    struct fake_host host;
    struct fake_services services;
    struct store_options options;
    const dlfw_hook_ops *ops;
    dlfw_hook *hook;
    dlfw_hook_ctx ctx;
    char text[512]; /* of the last failure */
};

/* 400 KiB; written by rank 0 alone, or by every rank (ZeRO 3). */
extern const struct dlfw_node fixture_small_model, fixture_sharded_model;

struct store_fixture *fixture_new(void);
/* Finalizes and destroys the hook, if there is one, and sees that nothing was left open. */
void fixture_free(struct store_fixture *f);
void fixture_host(struct fake_host *host);
void fixture_options(struct store_options *o);

dlfw_status fixture_create(struct store_fixture *f);
/* Creates and initializes; ends the test when that fails. */
void fixture_begin(struct store_fixture *f);
dlfw_status fixture_workload(struct store_fixture *f, int64_t writes, int64_t reads);
/* Ends and destroys the hook; returns what finalize said. */
dlfw_status fixture_end(struct store_fixture *f);

/* A place for the tools. */
dlfw_checkpoint_place fixture_place(struct store_fixture *f);
/* Every checkpoint reads back with all checksums, `latest` names one of them or nothing; returns how many there are. */
uint32_t fixture_verify_all(struct store_fixture *f);
/* No shard, marker or intent without a manifest. */
void fixture_assert_tidy(struct store_fixture *f);
/* Makes intents look like those of a process that is gone. */
void fixture_kill_owners(struct store_fixture *f);

#endif
