/* SPDX-License-Identifier: Apache-2.0 */
/* Filling a dlfw_error: the one way in which plugins and core say what failed. */
#define _POSIX_C_SOURCE 200809L
#include "dlfw/base.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define STATUS_TEXT_CASE(name, number, text)                                                                           \
    case number:                                                                                                       \
        return text;
#define STATUS_NAME_CASE(name, number, text)                                                                           \
    case number:                                                                                                       \
        return #name;

const char *dlfw_status_text(dlfw_status status)
{
    switch (status) {
        DLFW_STATUS_LIST(STATUS_TEXT_CASE)
    default:
        return status < 0 ? "unknown error" : "success";
    }
}

const char *dlfw_status_name(dlfw_status status)
{
    switch (status) {
        DLFW_STATUS_LIST(STATUS_NAME_CASE)
    case DLFW_NEED_IO:
        return "NEED_IO";
    case DLFW_STOP:
        return "STOP";
    case DLFW_END:
        return "END";
    default:
        return status < 0 ? "UNKNOWN" : "OK";
    }
}

static void reset(dlfw_error *err, dlfw_status status)
{
    err->status = status;
    err->flags = 0;
    err->sys_errno = 0;
    err->http_status = 0;
    err->retry_after_ms = 0;
    err->vendor_code = 0;
    err->message_len = 0;
    if (err->message && err->message_cap)
        err->message[0] = '\0';
}

/* Appends to the message, keeping it NUL-terminated within message_cap. */
static void append(dlfw_error *err, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void append(dlfw_error *err, const char *format, va_list args)
{
    uint32_t room;
    int n;

    if (!err->message || err->message_cap <= err->message_len + 1)
        return;
    room = err->message_cap - err->message_len;
    n = vsnprintf(err->message + err->message_len, room, format, args);
    if (n <= 0)
        return;
    n = (uint32_t)n < room ? n : (int)room - 1;
    for (char *c = err->message + err->message_len; n-- > 0; c++, err->message_len++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) /* a message is one line, whatever an object's name holds */
            *c = '?';
}

static void append_text(dlfw_error *err, const char *text)
{
    size_t len = strlen(text);
    uint32_t room;

    if (!err->message || err->message_cap <= err->message_len + 1)
        return;
    room = err->message_cap - err->message_len - 1;
    if (len > room)
        len = room;
    memcpy(err->message + err->message_len, text, len);
    err->message_len += (uint32_t)len;
    err->message[err->message_len] = '\0';
}

dlfw_status dlfw_fail(dlfw_error *err, dlfw_status status, const char *format, ...)
{
    va_list args;

    if (!err)
        return status;
    reset(err, status);
    va_start(args, format);
    append(err, format, args);
    va_end(args);
    return status;
}

dlfw_status dlfw_fail_errno(dlfw_error *err, int sys_errno, const char *format, ...)
{
    dlfw_status status = dlfw_status_from_errno(sys_errno);
    char text[128];
    va_list args;

    if (!err)
        return status;
    reset(err, status);
    err->sys_errno = sys_errno;
    if (sys_errno == EAGAIN || sys_errno == ETIMEDOUT || sys_errno == ECONNRESET)
        err->flags = DLFW_ERR_RETRYABLE;
    va_start(args, format);
    append(err, format, args);
    va_end(args);
    if (strerror_r(sys_errno, text, sizeof text) != 0)
        snprintf(text, sizeof text, "errno %d", sys_errno);
    append_text(err, ": ");
    append_text(err, text);
    return status;
}

dlfw_status dlfw_status_from_errno(int sys_errno)
{
    switch (sys_errno) {
    case ENOENT:
    case ENOTDIR:
        return DLFW_E_NOT_FOUND;
    case EEXIST:
        return DLFW_E_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return DLFW_E_PERMISSION;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return DLFW_E_NO_SPACE;
    case ENOMEM:
        return DLFW_E_NO_MEMORY;
    case ETIMEDOUT:
        return DLFW_E_TIMEOUT;
    case ECANCELED:
        return DLFW_E_CANCELLED;
    case EINVAL:
    case EISDIR:
    case ENAMETOOLONG:
        return DLFW_E_INVALID;
    case EOPNOTSUPP:
    case ENOSYS:
        return DLFW_E_UNSUPPORTED;
    case EBUSY:
    case EAGAIN:
        return DLFW_E_BUSY;
    default:
        return DLFW_E_IO;
    }
}
