/* SPDX-License-Identifier: Apache-2.0 */
/* load() starts a thread, which the fork of a worker process would lose. */
#define _GNU_SOURCE
#include <unistd.h>

#define FAULT_LOAD start_thread
#include "dlfw/plugin.h"
static dlfw_status start_thread(const dlfw_host *host, dlfw_error *reterr);
#include "store.h"

static void *wait_forever(void *arg)
{
    for (;;)
        pause();
    return arg;
}

static dlfw_status start_thread(const dlfw_host *host, dlfw_error *reterr)
{
    pthread_t thread;

    (void)host;
    if (pthread_create(&thread, NULL, wait_forever, NULL) != 0)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot start a thread");
    return DLFW_OK;
}
