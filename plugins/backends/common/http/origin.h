/* SPDX-License-Identifier: Apache-2.0 */
/* What an origin's host may look like. */
#ifndef DLFW_PLUGIN_HTTP_ORIGIN_H
#define DLFW_PLUGIN_HTTP_ORIGIN_H

#include "http.h"

bool origin_host_valid(const char *host);

#endif
