/* SPDX-License-Identifier: Apache-2.0 */
/* Bad answers: the service's words, what they mean, and the few that are worth another try at once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "s3.h"

#define SKEW_S 240 /* clocks that differ by less are no reason for a refusal */

struct words {
    char root[64];
    char region[64];
};

static void read_words(const struct http_exchange *x, struct cloud_fault *fault, struct words *w)
{
    char unused[64];
    const struct s3_pick picks[] = {
        {"Code", fault->code, sizeof fault->code},
        {"Message", fault->message, sizeof fault->message},
        {"RequestId", fault->request_id, sizeof fault->request_id},
        {"Region", w->region, sizeof w->region},
        {"HostId", unused, sizeof unused},
    };
    dlfw_error none = {.struct_size = sizeof none};

    *w = (struct words){0};
    if (x->reply.len)
        (void)s3_reply_pick(&x->reply, w->root, picks, sizeof picks / sizeof *picks, &none);
    if (!fault->request_id[0])
        (void)http_header_copy(x, "x-amz-request-id", fault->request_id, sizeof fault->request_id);
    if (!w->region[0])
        (void)http_header_copy(x, "x-amz-bucket-region", w->region, sizeof w->region);
    if (fault->code[0])
        (void)s3_code_meaning(fault->code, &fault->status, &fault->flags);
}

void s3_read_fault(const struct http_exchange *x, struct cloud_fault *fault)
{
    struct words w;

    read_words(x, fault, &w);
}

/* The bucket lives elsewhere than where this request was signed for. */
static bool moved(dlfw_backend *be, const struct cloud_call *call, const struct cloud_fault *fault,
                  const struct words *w)
{
    char mark[96];
    char region[S3_REGION_MAX + 1];
    int32_t code = call->x.code;

    if (code != 301 && code != 307 && code != 400 && code != 403)
        return false;
    if (!w->region[0] || !s3_region_valid(w->region) || call->no_credentials)
        return false;
    if (code == 403 && fault->code[0] && strcmp(fault->code, "SignatureDoesNotMatch") != 0)
        return false;
    (void)snprintf(mark, sizeof mark, "/%s/s3/aws4_request", w->region);
    if (strstr(call->x.head.data, mark))
        return false;
    s3_region_get(be, region);
    if (strcmp(region, w->region) == 0 && be->options->anonymous)
        return false;
    if (strcmp(region, w->region) != 0) {
        s3_region_set(be, w->region);
        dlfw_log(be->cloud.host, be->cloud.host_ctx, DLFW_LOG_INFO, "s3: '%s' lives in region '%s', not in '%s'",
                 be->cloud.uri, w->region, region);
    }
    return true;
}

/* Our clock is wrong as the service sees it; its own time stands in the answer. */
static bool clock_corrected(dlfw_backend *be, const struct cloud_call *call, const struct cloud_fault *fault)
{
    bool about_time = strcmp(fault->code, "RequestTimeTooSkewed") == 0 || strcmp(fault->code, "RequestExpired") == 0 ||
                      strcmp(fault->code, "SignatureDoesNotMatch") == 0 || (call->x.code == 403 && !fault->code[0]);
    int64_t now = (int64_t)cloud_now_s();
    int64_t offset = atomic_load(&be->clock_offset_s);
    int64_t theirs;
    char date[64];

    if (!about_time || !http_header_copy(&call->x, "date", date, sizeof date))
        return false;
    theirs = (int64_t)(cloud_time_ns(date, strlen(date)) / 1000000000u);
    if (theirs == 0 || llabs(theirs - (now + offset)) < SKEW_S)
        return false;
    atomic_store(&be->clock_offset_s, theirs - now);
    dlfw_log(be->cloud.host, be->cloud.host_ctx, DLFW_LOG_WARNING,
             "s3: the clock here differs by %lld s from that of '%s': requests carry the service's time",
             (long long)(now - theirs), be->cloud.uri);
    return true;
}

static bool credentials_renewed(dlfw_backend *be, const struct cloud_call *call, const struct cloud_fault *fault)
{
    bool expired = strcmp(fault->code, "ExpiredToken") == 0 || strcmp(fault->code, "InvalidToken") == 0 ||
                   strcmp(fault->code, "TokenRefreshRequired") == 0 || strcmp(fault->code, "InvalidAccessKeyId") == 0;

    /* HEAD has no words: a refused token is a plain 400 */
    expired |= call->x.code == 400 && !fault->code[0] && call->x.flags & HTTP_NO_BODY &&
               strstr(call->x.head.data, "x-amz-security-token:");
    return expired && !be->options->anonymous && !call->no_credentials && s3_identity_refused(be, &call->x.head);
}

static bool says_checksum(const char *message)
{
    for (; *message; message++)
        if (strncasecmp(message, "checksum", 8) == 0)
            return true;
    return false;
}

/* A service that does not know the checksum header gets none; said once. */
static bool checksums_dropped(dlfw_backend *be, const struct cloud_call *call, const struct cloud_fault *fault)
{
    bool refused = call->x.code == 501 || (call->x.code == 400 && says_checksum(fault->message));
    bool writes = strncmp(call->x.head.data, "PUT", 3) == 0 || strncmp(call->x.head.data, "POST", 4) == 0;

    /* a checksum that does not fit is another matter */
    if (!refused || !writes || fault->status == DLFW_E_CORRUPT || !s3_uses_checksums(be) ||
        !strstr(call->x.head.data, "x-amz-checksum-"))
        return false;
    if (!atomic_exchange(&be->checksums_refused, true))
        dlfw_log(be->cloud.host, be->cloud.host_ctx, DLFW_LOG_WARNING,
                 "s3: '%s' refuses CRC-32C checksums, objects are written without them: set checksums: false",
                 be->cloud.uri);
    return true;
}

static bool finish(struct cloud_call *call)
{
    call->step = S3_FINISHED;
    return true;
}

/* Answers that are bad and yet tell what was asked for. */
static bool next_step(struct cloud_call *call, struct cloud_fault *fault)
{
    int32_t code = call->x.code;

    switch (call->req->op) {
    case DLFW_OP_PUT:
    case DLFW_OP_WRITE_BEGIN:
        if (call->step != S3_LOOK || code != 404)
            return false;
        call->step = S3_WRITE; /* no such object: it may be written */
        return true;
    case DLFW_OP_WRITE_COMMIT:
        if (call->step == S3_LOOK && code == 404) {
            call->step = S3_WRITE;
            return true;
        }
        if ((call->step == S3_START || call->step == S3_WRITE) && code == 404 &&
            strcmp(fault->code, "NoSuchBucket") != 0) {
            call->step = S3_CHECK_COMMIT;
            return true;
        }
        if (call->step == S3_DROP_EMPTY && code == 404) {
            call->step = S3_PUT_EMPTY;
            return true;
        }
        if (call->step == S3_CHECK_COMMIT && code == 404)
            (void)snprintf(fault->message, sizeof fault->message, "the upload is gone and there is no object");
        return false;
    case DLFW_OP_WRITE_ABORT:
        return code == 404 && strcmp(fault->code, "NoSuchBucket") != 0 ? finish(call) : false;
    case DLFW_OP_COPY:
        return s3_copy_explain(call, fault);
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return s3_bucket_explain(call, fault);
    default:
        return false;
    }
}

bool s3_explain(struct cloud_call *call, struct cloud_fault *fault)
{
    dlfw_backend *be = (dlfw_backend *)call->cloud;
    struct words w;

    read_words(&call->x, fault, &w);
    if (moved(be, call, fault, &w) || clock_corrected(be, call, fault) || credentials_renewed(be, call, fault) ||
        checksums_dropped(be, call, fault))
        return true;
    return call->batch_count ? false : next_step(call, fault);
}
