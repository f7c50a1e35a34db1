/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The checking layer (`dlfw run --check`, on in all tests): a shim that looks like the plugin to the host and like the
 * host to the plugin, and stops the program with one line when either breaks the ABI: thread class, queue state,
 * exactly one completion, canaries behind the buffer, bytes <= length, status range, error text length.
 */
#ifndef DLFW_CORE_PLUGIN_PLUGIN_CHECK_H
#define DLFW_CORE_PLUGIN_PLUGIN_CHECK_H

#include "dlfw/backend.h"

/* An ops table that checks and passes on to under, which must outlive it. Lives until the process ends. A backend
 * instance created through it is the shim's; under's instance is inside. */
const dlfw_backend_ops *plugin_check_backend(const dlfw_backend_ops *under, const char *name);

#endif
