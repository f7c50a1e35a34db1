/* SPDX-License-Identifier: Apache-2.0 */
/* What the checkpoint tests share: a host with the product's content and checksums, services in memory, a plan. */
#ifndef DLFW_TEST_CHECKPOINT_FILES_FIXTURE_H
#define DLFW_TEST_CHECKPOINT_FILES_FIXTURE_H

#include "fake_host.h"
#include "fake_services.h"

struct checkpoint_fixture {
    struct fake_host host;
    struct fake_services services;
};

/* Ends the test when it cannot. */
struct checkpoint_fixture *checkpoint_fixture_new(void);
void checkpoint_fixture_free(struct checkpoint_fixture *f);

#endif
