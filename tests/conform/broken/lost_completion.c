/* SPDX-License-Identifier: Apache-2.0 */
/* A request that is cancelled after others came back is forgotten: its completion never comes. */
#define FAULT_ON_CANCEL(q, request)                                                                                    \
    do {                                                                                                               \
        uint32_t at = 0;                                                                                               \
                                                                                                                       \
        while (at < (q)->count && (q)->done[at].req != (request))                                                      \
            at++;                                                                                                      \
        if ((q)->reaped && at < (q)->count)                                                                            \
            (q)->done[at] = (q)->done[--(q)->count];                                                                   \
    } while (0)
#include "store.h"
