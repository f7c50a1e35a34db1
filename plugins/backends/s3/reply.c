/* SPDX-License-Identifier: Apache-2.0 */
/* Small answers in XML, numbers, checksums, and the meaning of the service's words. */
#include <stdio.h>
#include <string.h>

#include "s3.h"

struct picking {
    const struct s3_pick *picks;
    uint32_t count;
    char *root;
};

static bool begin(void *ctx, const char *path)
{
    struct picking *p = ctx;

    if (!p->root[0])
        (void)snprintf(p->root, 64, "%s", path);
    return true;
}

static bool take(void *ctx, const char *path, const char *text, size_t len)
{
    const struct picking *p = ctx;
    const char *slash = strchr(path, '/');

    for (uint32_t i = 0; slash && i < p->count; i++) {
        const struct s3_pick *pick = &p->picks[i];

        if (strcmp(slash + 1, pick->element) != 0)
            continue;
        if (len >= pick->cap)
            len = pick->cap - 1;
        memcpy(pick->to, text, len);
        pick->to[len] = '\0';
    }
    return true;
}

dlfw_status s3_reply_pick(const struct text *reply, char root[64], const struct s3_pick *picks, uint32_t count,
                          dlfw_error *err)
{
    struct picking p = {.picks = picks, .count = count, .root = root};
    const struct cloud_xml xml = {.ctx = &p, .begin = begin, .each = take};
    size_t blanks = 0;
    dlfw_status st;

    while (blanks < reply->len && strchr(" \t\r\n", reply->data[blanks])) /* sent while a long operation goes on */
        blanks++;

    root[0] = '\0';
    for (uint32_t i = 0; i < count; i++)
        picks[i].to[0] = '\0';
    st = cloud_xml_walk(reply->len ? reply->data + blanks : "", reply->len - blanks, &xml, err);
    if (st < 0) { /* half an answer is none */
        root[0] = '\0';
        for (uint32_t i = 0; i < count; i++)
            picks[i].to[0] = '\0';
    }
    return st;
}

/* Services send 200 before they know how a long operation ends. */
static dlfw_status fail_late(const struct cloud_call *call, dlfw_error *err)
{
    struct cloud_fault fault = {.status = DLFW_E_IO};

    s3_read_fault(&call->x, &fault);
    dlfw_fail(err, fault.status, "%d, then %s%s%s%s%s%s", call->x.code, fault.code[0] ? fault.code : "an error",
              fault.message[0] ? ": " : "", fault.message, fault.request_id[0] ? " (request id '" : "",
              fault.request_id, fault.request_id[0] ? "')" : "");
    if (err)
        err->flags = fault.flags;
    return fault.status;
}

dlfw_status s3_reply_expect(const struct cloud_call *call, const char *root, const struct s3_pick *picks,
                            uint32_t count, dlfw_error *err)
{
    char name[64];
    dlfw_status st = s3_reply_pick(&call->x.reply, name, picks, count, err);

    if (st == DLFW_E_NO_MEMORY)
        return st;
    if (strcmp(name, "Error") == 0)
        return fail_late(call, err);
    if (st == DLFW_OK && strncmp(name, root, strlen(root)) == 0)
        return DLFW_OK;
    dlfw_fail(err, DLFW_E_CORRUPT, "%d, but the answer is no '%s'", call->x.code, root);
    if (err)
        err->flags = DLFW_ERR_RETRYABLE;
    return DLFW_E_CORRUPT;
}

bool s3_code_meaning(const char *code, dlfw_status *status, uint32_t *flags)
{
    enum { RETRY = DLFW_ERR_RETRYABLE, THROTTLE = DLFW_ERR_RETRYABLE | DLFW_ERR_THROTTLED };
    static const struct {
        const char *code;
        dlfw_status status;
        uint32_t flags;
    } words[] = {
        {"NoSuchKey", DLFW_E_NOT_FOUND, 0},
        {"NoSuchBucket", DLFW_E_NOT_FOUND, 0},
        {"NoSuchUpload", DLFW_E_NOT_FOUND, 0},
        {"NotFound", DLFW_E_NOT_FOUND, 0},
        {"AccessDenied", DLFW_E_PERMISSION, 0},
        {"AllAccessDisabled", DLFW_E_PERMISSION, 0},
        {"AccountProblem", DLFW_E_PERMISSION, 0},
        {"InvalidObjectState", DLFW_E_PERMISSION, 0}, /* archived: restore it first */
        {"InvalidAccessKeyId", DLFW_E_AUTH, 0},
        {"SignatureDoesNotMatch", DLFW_E_AUTH, 0},
        {"ExpiredToken", DLFW_E_AUTH, 0},
        {"InvalidToken", DLFW_E_AUTH, 0},
        {"TokenRefreshRequired", DLFW_E_AUTH, 0},
        {"InvalidSecurity", DLFW_E_AUTH, 0},
        {"MissingSecurityHeader", DLFW_E_AUTH, 0},
        {"AuthorizationHeaderMalformed", DLFW_E_AUTH, 0},
        {"RequestTimeTooSkewed", DLFW_E_AUTH, 0},
        {"RequestExpired", DLFW_E_AUTH, 0},
        {"NotSignedUp", DLFW_E_AUTH, 0},
        {"SlowDown", DLFW_E_THROTTLED, THROTTLE},
        {"ServiceUnavailable", DLFW_E_THROTTLED, THROTTLE},
        {"RequestLimitExceeded", DLFW_E_THROTTLED, THROTTLE},
        {"TooManyRequests", DLFW_E_THROTTLED, THROTTLE},
        {"Throttling", DLFW_E_THROTTLED, THROTTLE},
        {"ThrottlingException", DLFW_E_THROTTLED, THROTTLE},
        {"BandwidthLimitExceeded", DLFW_E_THROTTLED, THROTTLE},
        {"InternalError", DLFW_E_UNAVAILABLE, RETRY},
        {"RequestTimeout", DLFW_E_TIMEOUT, RETRY},
        {"OperationAborted", DLFW_E_BUSY, RETRY},
        {"BadDigest", DLFW_E_CORRUPT, RETRY},
        {"InvalidDigest", DLFW_E_CORRUPT, RETRY},
        {"XAmzContentSHA256Mismatch", DLFW_E_CORRUPT, RETRY},
        {"XAmzContentChecksumMismatch", DLFW_E_CORRUPT, RETRY},
        {"IncompleteBody", DLFW_E_IO, RETRY},
        {"BucketAlreadyExists", DLFW_E_EXISTS, 0},
        {"BucketAlreadyOwnedByYou", DLFW_E_EXISTS, 0},
        {"BucketNotEmpty", DLFW_E_BUSY, 0},
        {"PreconditionFailed", DLFW_E_EXISTS, 0},
        {"ConditionalRequestConflict", DLFW_E_EXISTS, RETRY}, /* who asks again learns which */
        {"QuotaExceeded", DLFW_E_NO_SPACE, 0},
        {"InsufficientCapacity", DLFW_E_NO_SPACE, 0},
        {"XMinioStorageFull", DLFW_E_NO_SPACE, 0},
        {"TooManyBuckets", DLFW_E_NO_SPACE, 0},
        {"NotImplemented", DLFW_E_UNSUPPORTED, 0},
        {"MethodNotAllowed", DLFW_E_UNSUPPORTED, 0},
        {"EntityTooLarge", DLFW_E_INVALID, 0},
        {"EntityTooSmall", DLFW_E_INVALID, 0},
        {"InvalidPart", DLFW_E_INVALID, 0},
        {"InvalidPartOrder", DLFW_E_INVALID, 0},
        {"KeyTooLongError", DLFW_E_INVALID, 0},
        {"InvalidBucketName", DLFW_E_INVALID, 0},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].code, code) != 0)
            continue;
        *status = words[i].status;
        *flags = words[i].flags;
        return true;
    }
    return false;
}

bool s3_number(const char *text, size_t len, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0 || len > 19)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (uint64_t)(text[i] - '0');
    }
    *ret = value;
    return true;
}

bool s3_checksum_of(const struct http_exchange *x, uint32_t *ret)
{
    struct text bytes = {0};
    char type[32];
    size_t len = 0;
    const char *text = http_header(x, "x-amz-checksum-crc32c", &len);
    bool ok;

    if (!text || len != 8 ||
        (http_header_copy(x, "x-amz-checksum-type", type, sizeof type) && strcmp(type, "COMPOSITE") == 0))
        return false;
    ok = cloud_base64_decode(&bytes, text, len) && bytes.len == 4;
    if (ok)
        *ret = (uint32_t)(uint8_t)bytes.data[0] << 24 | (uint32_t)(uint8_t)bytes.data[1] << 16 |
               (uint32_t)(uint8_t)bytes.data[2] << 8 | (uint32_t)(uint8_t)bytes.data[3];
    text_free(&bytes);
    return ok;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

size_t s3_url_decode(char *text, size_t len)
{
    size_t to = 0;

    for (size_t i = 0; i < len; i++) {
        int high = text[i] == '%' && i + 2 < len ? hex_value(text[i + 1]) : -1;
        int low = high >= 0 ? hex_value(text[i + 2]) : -1;

        if (low >= 0) {
            text[to++] = (char)(high << 4 | low);
            i += 2;
        } else {
            text[to++] = text[i] == '+' ? ' ' : text[i];
        }
    }
    text[to] = '\0';
    return to;
}
