/* SPDX-License-Identifier: Apache-2.0 */
/* The service's errors: its word stands in a header (so HEAD has it too), its sentence in an XML document. Some say how
 * to go on: a token that is not taken any more is fetched anew, a clock that is wrong is corrected, once each. */
#include "azure.h"

#include <stdio.h>
#include <string.h>

#define SKEW_S 240 /* the service accepts 15 minutes */

#define AGAIN ((uint32_t)DLFW_ERR_RETRYABLE)
#define SLOWER ((uint32_t)DLFW_ERR_RETRYABLE | (uint32_t)DLFW_ERR_THROTTLED)

void az_fault_of_word(const char *code, struct cloud_fault *fault)
{
    static const struct {
        const char *code;
        dlfw_status status;
        uint32_t flags;
    } words[] = {
        {"BlobNotFound", DLFW_E_NOT_FOUND, 0},
        {"ContainerNotFound", DLFW_E_NOT_FOUND, 0},
        {"ResourceNotFound", DLFW_E_NOT_FOUND, 0},
        {"BlobAlreadyExists", DLFW_E_EXISTS, 0},
        {"UnauthorizedBlobOverwrite", DLFW_E_EXISTS, 0},
        {"ContainerAlreadyExists", DLFW_E_EXISTS, 0},
        {"ConditionNotMet", DLFW_E_EXISTS, 0},
        {"TargetConditionNotMet", DLFW_E_EXISTS, 0},
        {"AuthenticationFailed", DLFW_E_AUTH, 0},
        {"InvalidAuthenticationInfo", DLFW_E_AUTH, 0},
        {"NoAuthenticationInformation", DLFW_E_AUTH, 0},
        {"AuthorizationFailure", DLFW_E_PERMISSION, 0},
        {"AuthorizationPermissionMismatch", DLFW_E_PERMISSION, 0},
        {"AuthorizationProtocolMismatch", DLFW_E_PERMISSION, 0},
        {"AuthorizationResourceTypeMismatch", DLFW_E_PERMISSION, 0},
        {"AuthorizationServiceMismatch", DLFW_E_PERMISSION, 0},
        {"AuthorizationSourceIPMismatch", DLFW_E_PERMISSION, 0},
        {"InsufficientAccountPermissions", DLFW_E_PERMISSION, 0},
        {"PublicAccessNotPermitted", DLFW_E_PERMISSION, 0},
        {"AccountIsDisabled", DLFW_E_PERMISSION, 0},
        {"BlobImmutableDueToPolicy", DLFW_E_PERMISSION, 0},
        {"ServerBusy", DLFW_E_THROTTLED, SLOWER},
        {"OperationTimedOut", DLFW_E_UNAVAILABLE, AGAIN},
        {"InternalError", DLFW_E_UNAVAILABLE, AGAIN},
        {"ContainerBeingDeleted", DLFW_E_BUSY, AGAIN},
        {"AccountBeingCreated", DLFW_E_BUSY, AGAIN},
        {"LeaseIdMissing", DLFW_E_BUSY, 0},
        {"LeaseAlreadyPresent", DLFW_E_BUSY, 0},
        {"PendingCopyOperation", DLFW_E_BUSY, AGAIN},
        {"SnapshotsPresent", DLFW_E_BUSY, 0},
        {"BlobArchived", DLFW_E_UNAVAILABLE, 0},
        {"BlobBeingRehydrated", DLFW_E_UNAVAILABLE, 0},
        {"Md5Mismatch", DLFW_E_CORRUPT, AGAIN},
        {"InvalidBlobType", DLFW_E_UNSUPPORTED, 0},
        {"FeatureVersionMismatch", DLFW_E_UNSUPPORTED, 0},
        {"InvalidBlockList", DLFW_E_BUSY, 0},
        {"InvalidBlobOrBlock", DLFW_E_BUSY, 0},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i].code, code) != 0)
            continue;
        fault->status = words[i].status;
        fault->flags = words[i].flags;
    }
}

static bool each_element(void *ctx, const char *path, const char *text, size_t len)
{
    struct cloud_fault *fault = ctx;
    size_t line;

    if (strcmp(path, "Error/Code") == 0)
        (void)snprintf(fault->code, sizeof fault->code, "%.*s",
                       (int)(len < sizeof fault->code ? len : sizeof fault->code - 1), text);
    if (strcmp(path, "Error/Message") == 0) {
        line = strcspn(text, "\r\n"); /* request id and time follow */
        (void)snprintf(fault->message, sizeof fault->message, "%.*s",
                       (int)(line < sizeof fault->message ? line : sizeof fault->message - 1), text);
    }
    return true;
}

void az_error_parse(const char *xml, size_t len, struct cloud_fault *fault)
{
    struct cloud_xml walk = {.ctx = fault, .each = each_element};
    dlfw_error none = {.struct_size = sizeof none};

    /* a document that is broken or none at all says nothing; the HTTP status does */
    while (len && (unsigned char)xml[0] <= ' ') {
        xml++;
        len--;
    }
    if (len && xml[0] != '<' && (unsigned char)xml[0] != 0xef)
        return;
    if (len)
        (void)cloud_xml_walk(xml, len, &walk, &none);
}

static void advise(struct cloud_fault *fault)
{
    static const struct {
        const char *code, *advice;
    } advices[] = {
        {"SnapshotsPresent", "the blob has snapshots; delete them first"},
        {"BlobArchived", "the blob is in the archive tier; change its tier first"},
        {"InvalidBlobOrBlock",
         "an unfinished upload of another program holds blocks of this blob; delete the blob, or wait "
         "until the service drops them"},
        {"InvalidBlockList", "another writer committed this blob meanwhile, which dropped the parts of this one"},
        {"LeaseIdMissing", "another program holds a lease on it"},
    };

    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (strcmp(fault->code, advices[i].code) == 0)
            (void)snprintf(fault->message, sizeof fault->message, "%s", advices[i].advice);
}

/* The token as it was sent, for cloud_token_drop. */
static bool renew_token(struct cloud_call *call)
{
    static const char mark[] = "\r\nAuthorization: Bearer ";
    const char *sent = call->x.head.data ? strstr(call->x.head.data, mark) : NULL;
    struct text token = {0};

    if (!sent)
        return false;
    sent += sizeof mark - 1;
    text_add(&token, sent, strcspn(sent, "\r"));
    if (!token.failed)
        cloud_token_drop(&az_backend(call)->token, token.data);
    az_wipe(&token);
    return true;
}

/* True when our clock was far from the service's and is not any more. */
static bool set_clock(struct cloud_call *call)
{
    struct dlfw_backend *be = az_backend(call);
    int64_t skew = atomic_load(&be->skew_s);
    uint64_t theirs;
    int64_t real;
    char date[64];

    if (!http_header_copy(&call->x, "date", date, sizeof date))
        return false;
    theirs = cloud_time_ns(date, strlen(date)) / 1000000000u;
    if (!theirs)
        return false;
    real = (int64_t)theirs - (int64_t)cloud_now_s();
    if (real - skew < SKEW_S && skew - real < SKEW_S)
        return false;
    atomic_store(&be->skew_s, real);
    dlfw_log(
        be->cloud.host, be->cloud.host_ctx, DLFW_LOG_WARNING,
        "the clock of this machine and that of '%s' are %lld s apart; requests are dated by the service's from now on",
        be->cloud.uri, (long long)real);
    return true;
}

static bool try_again(struct cloud_call *call, const struct cloud_fault *fault)
{
    const struct dlfw_backend *be = az_backend(call);
    uint64_t *flags = &call->note[AZ_NOTE_FLAGS];

    if (be->settings.auth == AZ_TOKEN && call->x.code == 401 && !(*flags & AZ_RENEWED)) {
        *flags |= AZ_RENEWED;
        return renew_token(call);
    }
    if (be->settings.auth == AZ_KEY && call->x.code == 403 && strcmp(fault->code, "AuthenticationFailed") == 0 &&
        !(*flags & AZ_CLOCK_SET)) {
        *flags |= AZ_CLOCK_SET;
        return set_clock(call);
    }
    return false;
}

/* Refusals that another step answers better. */
static bool take_detour(struct cloud_call *call, const struct cloud_fault *fault)
{
    uint16_t op = call->req ? call->req->op : 0;

    if (op == DLFW_OP_MAKE_ROOT && call->step == AZ_FIRST) {
        if (strcmp(fault->code, "ContainerAlreadyExists") == 0)
            call->step = AZ_SETTLED;
        else if (fault->status == DLFW_E_PERMISSION) /* who may not make containers may use one that is there */
            call->step = AZ_LOOK;
        else
            return false;
        return true;
    }
    if (op == DLFW_OP_WRITE_COMMIT && call->step == AZ_FIRST && call->upload->commit_tries > 1 &&
        (fault->status == DLFW_E_EXISTS || strcmp(fault->code, "InvalidBlockList") == 0)) {
        call->step = AZ_OWN;
        return true;
    }
    return false;
}

/* Not every service of this protocol takes batches. Each DELETE of a refused one may be tried again, and goes alone
 * then. */
bool az_give_up_batches(struct cloud_call *call, int32_t http_status, const char *code)
{
    struct cloud *c = call->cloud;

    if (http_status != 400 && http_status != 404 && http_status != 405 && http_status != 501 &&
        !(http_status == 500 && !*code))
        return false;
    if (strcmp(code, "ContainerNotFound") == 0)
        return false;
    if (!atomic_exchange(&c->no_batches, true))
        dlfw_log(c->host, c->host_ctx, DLFW_LOG_WARNING,
                 "the service behind '%s' refuses batches of deletes (%d%s%s): blobs are deleted one by one", c->uri,
                 http_status, *code ? " " : "", code);
    return true;
}

bool az_explain(struct cloud_call *call, struct cloud_fault *fault)
{
    char word[sizeof fault->code];

    az_error_parse(call->x.reply.data ? call->x.reply.data : "", call->x.reply.len, fault);
    if (http_header_copy(&call->x, "x-ms-error-code", word, sizeof word))
        memcpy(fault->code, word, sizeof word);
    (void)http_header_copy(&call->x, "x-ms-request-id", fault->request_id, sizeof fault->request_id);
    az_fault_of_word(fault->code, fault);
    advise(fault);
    if (!call->req && az_give_up_batches(call, call->x.code, fault->code))
        fault->flags |= AGAIN;
    return try_again(call, fault) || take_detour(call, fault);
}
