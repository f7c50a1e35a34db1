/* SPDX-License-Identifier: Apache-2.0 */
#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void error_slot_init(struct error_slot *slot)
{
    slot->e = (dlfw_error){.struct_size = sizeof slot->e, .message = slot->text, .message_cap = sizeof slot->text};
    slot->text[0] = '\0';
}

void error_prefix(dlfw_error *err, const char *format, ...)
{
    char old[480];
    va_list args;
    int n, m;

    if (!err || !err->message || !err->message_cap)
        return;
    snprintf(old, sizeof old, "%s", err->message);
    va_start(args, format);
    n = vsnprintf(err->message, err->message_cap, format, args);
    va_end(args);
    if (n < 0 || (uint32_t)n >= err->message_cap) {
        err->message_len = (uint32_t)strlen(err->message);
        return;
    }
    m = snprintf(err->message + n, err->message_cap - (uint32_t)n, ": %s", old);
    err->message_len = (uint32_t)strlen(err->message);
    (void)m;
}

void error_copy(dlfw_error *dst, const dlfw_error *src)
{
    uint32_t len;

    if (!dst || dst == src)
        return;
    dst->status = src->status;
    dst->flags = src->flags;
    dst->sys_errno = src->sys_errno;
    dst->http_status = src->http_status;
    dst->retry_after_ms = src->retry_after_ms;
    dst->vendor_code = src->vendor_code;
    if (!dst->message || !dst->message_cap)
        return;
    len = src->message ? src->message_len : 0;
    if (len >= dst->message_cap)
        len = dst->message_cap - 1;
    if (len)
        memcpy(dst->message, src->message, len);
    dst->message[len] = '\0';
    dst->message_len = len;
}

void error_bug(const char *file, int line, const char *condition)
{
    fprintf(stderr, "dlfw: bug: %s:%d: '%s' is true, which must never be; please report it\n", file, line, condition);
    abort();
}
