/* SPDX-License-Identifier: Apache-2.0 */
/* Every hundredth instance leaves a file descriptor open. */
#define _GNU_SOURCE
#include <fcntl.h>

#define FAULT_ON_CREATE() leak()
static void leak(void);
#include "store.h"

static void leak(void)
{
    static int created;

    if (++created % 100 == 0 && open("/dev/null", O_RDONLY | O_CLOEXEC) < 0)
        abort();
}
