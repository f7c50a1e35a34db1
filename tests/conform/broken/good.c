/* SPDX-License-Identifier: Apache-2.0 */
/* No fault: shows that the other plugins of this folder are refused for their fault and nothing else. */
#include "store.h"
