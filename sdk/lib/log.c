/* SPDX-License-Identifier: Apache-2.0 */
/* A plugin's way to say something: formatted here, so that a line nobody wants costs one comparison and the host's
 * table needs no variable arguments. */
#include "dlfw/host.h"

#include <stdarg.h>
#include <stdio.h>

void dlfw_log(const dlfw_host *host, void *ctx, uint32_t level, const char *format, ...)
{
    char text[512];
    va_list args;
    int n;

    if (level > *host->log_level)
        return;
    va_start(args, format);
    n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (n >= 0)
        host->log(ctx, level, text, (uint32_t)n < sizeof text ? (uint32_t)n : (uint32_t)sizeof text - 1);
}
