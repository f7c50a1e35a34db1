/* SPDX-License-Identifier: Apache-2.0 */
/* A GET into a buffer of an odd size writes one byte behind it. */
#define FAULT_AFTER_GET(req, comp)                                                                                     \
    do {                                                                                                               \
        if ((req)->buf_cap % 4096 && (comp)->bytes == (req)->buf_cap)                                                  \
            ((char *)(req)->buf)[(req)->buf_cap] = 0;                                                                  \
    } while (0)
#include "store.h"
