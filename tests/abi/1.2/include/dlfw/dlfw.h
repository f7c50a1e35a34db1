/* SPDX-License-Identifier: Apache-2.0 */
/* dlfw/dlfw.h - every stable header of the plugin ABI. */
#ifndef DLFW_DLFW_H
#define DLFW_DLFW_H

#include "dlfw/backend.h"
#include "dlfw/format.h"
#include "dlfw/hook.h"

#endif
