/* SPDX-License-Identifier: Apache-2.0 */
/* After a wakeup the last completion is delivered once more. */
#define FAULT_AFTER_REAP(q, comps, max, n)                                                                             \
    do {                                                                                                               \
        if ((q)->woken && (n) && (n) < (max)) {                                                                        \
            (comps)[n] = (comps)[(n)-1];                                                                               \
            (n)++;                                                                                                     \
            (q)->woken = 0;                                                                                            \
        }                                                                                                              \
    } while (0)
#include "store.h"
