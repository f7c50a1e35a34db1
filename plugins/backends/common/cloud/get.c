/* SPDX-License-Identifier: Apache-2.0 */
/* GET: what was asked for and nothing else. Servers that ignore a range, or answer another one, must not get wrong
 * bytes through. */
#include <stdio.h>

#include "parts.h"

static void headed(struct http_exchange *x)
{
    struct cloud_call *call = (struct cloud_call *)x;
    const dlfw_req *req = call->req;
    unsigned long long first, last, total;
    char text[96] = "";
    bool told;

    call->range_first = call->range_total = UINT64_MAX;
    if (x->code < 200 || x->code > 299 || (req->flags & DLFW_REQ_WHOLE))
        return;
    told = http_header_copy(x, "content-range", text, sizeof text); /* some send a part with code 200 */
    if (x->code == 206 || told) {
        if (sscanf(text, "bytes %llu-%llu/%llu", &first, &last, &total) == 3)
            call->range_total = total;
        else if (sscanf(text, "bytes %llu-%llu/*", &first, &last) != 2)
            return;
        call->range_first = first;
        if (first < req->offset)
            x->sink_skip = req->offset - first;
    } else {
        /* all of the object: slow, but right */
        call->range_first = 0;
        call->range_total = x->content_length;
        x->sink_skip = req->offset;
        if (req->offset && !atomic_exchange(&call->cloud->ignores_ranges, true))
            dlfw_log(call->cloud->host, call->cloud->host_ctx, DLFW_LOG_WARNING,
                     "the service behind '%s' ignores ranges and sends whole objects: reading parts of them is slow",
                     call->cloud->uri);
    }
    x->sink_limit = req->length ? req->length : 1;
}

void cloud_build_get(struct cloud_call *call, struct text *head)
{
    const dlfw_req *req = call->req;

    call->x.headed = headed;
    call->x.sink = req->buf;
    if (req->flags & DLFW_REQ_WHOLE) {
        call->x.sink_cap = req->buf_cap;
        return;
    }
    call->x.sink_cap = req->length;
    if (req->length == 0) {
        call->x.sink = &call->none;
        call->x.sink_cap = 1;
    }
    text_str(head, "Range: bytes=");
    text_u64(head, req->offset);
    text_char(head, '-');
    text_u64(head, req->offset + (req->length ? req->length - 1 : 0));
    text_str(head, "\r\n");
}

/* The object's end, when the answer tells; UINT64_MAX: it does not. */
static uint64_t expected_bytes(const struct cloud_call *call)
{
    uint64_t left;

    if (call->range_total == UINT64_MAX)
        return UINT64_MAX;
    left = call->range_total > call->req->offset ? call->range_total - call->req->offset : 0;
    return left < call->req->length ? left : call->req->length;
}

static void check_range(struct cloud_call *call)
{
    const dlfw_req *req = call->req;
    uint64_t bytes = call->x.bytes;
    uint64_t expected = expected_bytes(call);

    if (call->range_first == UINT64_MAX)
        call_fail(call, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, "the answer does not say which range it holds");
    else if (call->range_first > req->offset)
        call_fail(call, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE, "asked for bytes from %llu on, got them from %llu on",
                  (unsigned long long)req->offset, (unsigned long long)call->range_first);
    else if (bytes != (expected == UINT64_MAX ? req->length : expected))
        call_fail(call, DLFW_E_IO, DLFW_ERR_RETRYABLE, "the service sent %llu of %llu bytes", (unsigned long long)bytes,
                  (unsigned long long)(expected == UINT64_MAX ? req->length : expected));
    else
        call_end(call, DLFW_OK);
}

/* All of the object was read: is it what the service stored? False: it is not, and the call has ended. */
static bool checksum_holds(struct cloud_call *call)
{
    const struct cloud_service *service = call->cloud->service;
    dlfw_error err = call_error(call);
    dlfw_status status = DLFW_OK;
    uint32_t told = 0;

    if (service->whole_crc32c && service->whole_crc32c(call, &told)) {
        uint32_t real = call->cloud->host->crc32c(0, call->req->buf, call->x.bytes);

        if (real != told) {
            call_fail(call, DLFW_E_CORRUPT, DLFW_ERR_RETRYABLE,
                      "the bytes have CRC-32C %08x, the service says %08x: they were damaged on their way or in store",
                      real, told);
            return false;
        }
    }
    if (service->whole_check)
        status = service->whole_check(call, &err);
    if (status < 0)
        call_fail(call, status, err.flags, "%s", call->error);
    return status >= 0;
}

void get_check(struct cloud_call *call)
{
    const dlfw_req *req = call->req;
    bool whole = (req->flags & DLFW_REQ_WHOLE) != 0;

    if (!whole && req->length == 0)
        call->x.bytes = 0;
    call->comp.bytes = call->x.bytes;
    call->comp.object_size = whole ? call->x.bytes : call->range_total;
    if (req->offset == 0 && call->x.bytes == call->comp.object_size && !checksum_holds(call))
        return;
    if (whole)
        call_end(call, DLFW_OK);
    else
        check_range(call);
}
