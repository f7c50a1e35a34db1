/* SPDX-License-Identifier: Apache-2.0 */
/* No GET brings more than 1 MiB, and calls that a success. */
#define FAULT_AFTER_GET(req, comp)                                                                                     \
    do {                                                                                                               \
        if ((comp)->bytes > 1048576)                                                                                   \
            (comp)->bytes = 1048576;                                                                                   \
    } while (0)
#include "store.h"
