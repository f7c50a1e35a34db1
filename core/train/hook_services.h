/* SPDX-License-Identifier: Apache-2.0 */
/* What hooks may ask for: streams to and from any storage, barrier, figures. One set per hook instance. */
#ifndef DLFW_CORE_TRAIN_HOOK_SERVICES_H
#define DLFW_CORE_TRAIN_HOOK_SERVICES_H

#include "train/job.h"

struct hook_service_ctx {
    struct job *job;
    const char *hook_name;
};

extern const dlfw_hook_services hook_services; /* ctx of its functions: struct hook_service_ctx * */

#endif
