/* SPDX-License-Identifier: Apache-2.0 */
/* Every twentieth instance leaves a block of memory behind. */
#include <stdlib.h>

#define FAULT_ON_CREATE() leak()
static void leak(void);
#include "store.h"

static void leak(void)
{
    static void *volatile lost;
    static int created;

    if (++created % 20 == 0)
        lost = malloc(10);
    (void)lost;
}
