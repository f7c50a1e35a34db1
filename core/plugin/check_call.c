/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that hold for every call: thread class, status, error text, requests and completions. */
#include "plugin/plugin_check_parts.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_fail(const struct check_shim *shim, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    /* in one piece and unconditionally: log levels and repeat counting must not hide it */
    fprintf(stderr, "dlfw: check: backend '%s': %s\n", shim->name, text);
    abort();
}

static _Atomic uint32_t serial_process_calls;

void check_enter(struct check_backend *be, const char *function)
{
    uint32_t thread_class = be->shim->under->thread_class;
    uint32_t before = atomic_fetch_add(&be->calls, 1);

    if (thread_class == DLFW_THREADS_SERIAL_INSTANCE && before)
        check_fail(be->shim, "host fault: %s while another call runs in the instance, which is SERIAL_INSTANCE",
                   function);
    if (thread_class == DLFW_THREADS_SERIAL_PROCESS && atomic_fetch_add(&serial_process_calls, 1))
        check_fail(be->shim, "host fault: %s while another call runs in the process, and the backend is SERIAL_PROCESS",
                   function);
}

void check_leave(struct check_backend *be)
{
    if (be->shim->under->thread_class == DLFW_THREADS_SERIAL_PROCESS)
        atomic_fetch_sub(&serial_process_calls, 1);
    atomic_fetch_sub(&be->calls, 1);
}

void check_status(const struct check_shim *shim, const char *function, dlfw_status st)
{
    if (st > 0 || st < DLFW_E_INTERNAL)
        check_fail(shim, "%s returned status %d, which is neither 0 nor one of DLFW_E_*", function, st);
}

void check_error(const struct check_shim *shim, const char *function, const dlfw_error *err)
{
    if (!err || !err->message || !err->message_cap)
        return;
    if (err->message_len >= err->message_cap)
        check_fail(shim, "%s left an error text of %u bytes in room for %u", function, err->message_len,
                   err->message_cap);
    if (strnlen(err->message, err->message_cap) != err->message_len)
        check_fail(shim, "%s left an error text whose NUL is not where message_len (%u) says", function,
                   err->message_len);
}

void check_request(const struct check_shim *shim, const dlfw_req *req)
{
    if (req->op >= 64 || !(shim->under->op_mask & DLFW_OP_BIT(req->op)))
        check_fail(shim, "host fault: operation %u, which the backend does not offer", req->op);
    if (req->buf && req->length > req->buf_cap)
        check_fail(shim, "host fault: length %" PRIu64 " is above buf_cap %" PRIu64, req->length, req->buf_cap);
    if (shim->under->req_scratch && (!req->scratch || (uintptr_t)req->scratch % 64))
        check_fail(shim, "host fault: scratch memory is missing or not aligned to 64");
    if (req->reserved_iov || req->reserved_iov_count || req->reserved0)
        check_fail(shim, "host fault: a reserved member of the request is not zero");
}

/* bytes < length is the end of the object, nothing else; what a whole-object GET or a LIST moved is bounded by the
 * buffer. */
static void check_bytes(const struct check_shim *shim, const dlfw_req *req, const dlfw_comp *comp)
{
    bool by_buffer = req->op == DLFW_OP_LIST || (req->op == DLFW_OP_GET && (req->flags & DLFW_REQ_WHOLE));
    uint64_t most = by_buffer ? req->buf_cap : req->length;

    if (comp->bytes > most)
        check_fail(shim, "a completion of operation %u says %" PRIu64 " bytes, at most %" PRIu64 " are possible",
                   req->op, comp->bytes, most);
    if (req->op == DLFW_OP_GET && comp->bytes < req->length && comp->object_size != UINT64_MAX &&
        (comp->bytes ? req->offset + comp->bytes != comp->object_size : req->offset < comp->object_size))
        check_fail(shim,
                   "short read in the middle: %" PRIu64 " of %" PRIu64 " bytes at offset %" PRIu64
                   " of an object of %" PRIu64,
                   comp->bytes, req->length, req->offset, comp->object_size);
    if (req->op == DLFW_OP_LIST && comp->bytes % sizeof(dlfw_list_entry))
        check_fail(shim, "a LIST completion says %" PRIu64 " bytes, which is no whole number of entries", comp->bytes);
}

void check_completion(const struct check_shim *shim, const dlfw_req *before, const dlfw_req *req, const dlfw_comp *comp)
{
    if (req->user != before->user || req->error != before->error || req->buf != before->buf ||
        req->scratch != before->scratch)
        check_fail(shim, "a request of operation %u was changed between submission and completion", before->op);
    check_status(shim, "a completion", comp->status);
    if (comp->status < 0) {
        check_error(shim, "a failed completion", req->error);
        return;
    }
    if (comp->flags & (DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED | DLFW_ERR_FATAL))
        check_fail(shim, "a completion of operation %u has status 0 and yet error flags 0x%x", before->op, comp->flags);
    if ((comp->flags & DLFW_COMP_MORE) && (before->op != DLFW_OP_LIST || !comp->handle))
        check_fail(shim, "a completion of operation %u has DLFW_COMP_MORE without being a LIST page with a cursor",
                   before->op);
    check_bytes(shim, before, comp);
}
