/* SPDX-License-Identifier: Apache-2.0 */
/* A second symbol of the ABI's name space is visible outside. Linked without plugin.map. */
#include "store.h"

extern DLFW_EXPORT const int dlfw_second;
DLFW_EXPORT const int dlfw_second = 1;
