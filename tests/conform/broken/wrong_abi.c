/* SPDX-License-Identifier: Apache-2.0 */
/* Built for a major version of the ABI that this host does not have. */
#include "dlfw/base.h"
#undef DLFW_ABI_MAJOR
#define DLFW_ABI_MAJOR 2
#include "store.h"
