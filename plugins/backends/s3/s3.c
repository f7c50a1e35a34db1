/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `s3`: instances and the tables the host reads. */
#include "s3.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* DLIO's names where DLIO has one. */
static const char *const addressing_choices[] = {"auto", "path", "virtual", NULL};
static const char *const payload_choices[] = {"unsigned", "signed", "streaming", "unsigned_trailer", NULL};

/* clang-format off */
static const dlfw_option option_rows[] = {
    HTTP_OPTION_ROWS(struct s3_options),
    DLFW_OPT_URI(struct s3_options, endpoint_url,
                 .help = "http://host:port of the service; unset: the environment, the profile, Amazon's of the region"),
    DLFW_OPT_STR(struct s3_options, region, .help = "unset: AWS_REGION, AWS_DEFAULT_REGION, the profile's, us-east-1"),
    DLFW_OPT_SECRET(struct s3_options, access_key_id, .help = "goes with secret_access_key; unset: the usual chain"),
    DLFW_OPT_SECRET(struct s3_options, secret_access_key, .help = "goes with access_key_id"),
    DLFW_OPT_SECRET(struct s3_options, session_token, .help = "of temporary credentials"),
    DLFW_OPT_STR(struct s3_options, profile, .help = "of Amazon's shared files; unset: AWS_PROFILE, then 'default'"),
    DLFW_OPT_ENUM(struct s3_options, addressing, .def = "auto", .choices = addressing_choices,
                  .help = "bucket in the path or in the host's name; auto: path at an endpoint of your own"),
    DLFW_OPT_BOOL(struct s3_options, s3_force_path_style, .def = "false", .help = "the same as addressing: path"),
    DLFW_OPT_ENUM(struct s3_options, payload_signing, .def = "unsigned", .choices = payload_choices,
                  .help = "whether the signature covers the bytes of an object too"),
    DLFW_OPT_BOOL(struct s3_options, checksums, .def = "true",
                  .help = "send CRC-32C with objects, compare it when reading whole ones"),
    DLFW_OPT_BOOL(struct s3_options, presigned, .def = "false", .help = "sign GETs in their query instead of a header"),
    DLFW_OPT_U64(struct s3_options, list_page, .def = "0", .max = "1000000",
                  .help = "names of one page (max-keys); 0: the service's choice"),
    DLFW_OPT_U64(struct s3_options, delete_batch, .def = "1000", .min = "1", .max = "1000",
                  .help = "objects deleted by one request; 1: one by one"),
    DLFW_OPT_DURATION(struct s3_options, stale_upload_age, .def = "24h",
                  .help = "unfinished uploads older than this count as left over"),
    DLFW_OPT_BOOL(struct s3_options, request_payer, .def = "false",
                  .help = "agree to pay for requests to somebody else's bucket"),
    DLFW_OPT_STR(struct s3_options, storage_class,
                  .help = "of objects written, such as STANDARD_IA; unset: the bucket's"),
    DLFW_OPT_STR(struct s3_options, server_side_encryption,
                  .help = "of objects written: AES256 or aws:kms; unset: the bucket's"),
    DLFW_OPT_STR(struct s3_options, sse_kms_key_id, .help = "key for server_side_encryption: aws:kms"),
    DLFW_OPT_U64(struct s3_options, s3_max_attempts, .def = "0",
                  .help = "taken from DLIO's files, has no effect: storage.retry.max_attempts decides"),
};
/* clang-format on */

static dlfw_status build(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_GET:
        return s3_get_build(call, err);
    case DLFW_OP_STAT:
        return s3_head_build(call, &call->key, err);
    case DLFW_OP_PUT:
        return s3_put_build(call, err);
    case DLFW_OP_DELETE:
        return s3_delete_build(call, err);
    case DLFW_OP_LIST:
        return s3_list_build(call, err);
    case DLFW_OP_WRITE_BEGIN:
    case DLFW_OP_WRITE_PART:
    case DLFW_OP_WRITE_COMMIT:
    case DLFW_OP_WRITE_ABORT:
        return s3_upload_build(call, err);
    case DLFW_OP_COPY:
        return s3_copy_build(call, err);
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return s3_bucket_build(call, err);
    default:
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "this backend does not know operation %u", call->req->op);
    }
}

static dlfw_status answered(struct cloud_call *call, dlfw_error *err)
{
    switch (call->req->op) {
    case DLFW_OP_STAT:
        return s3_stat_answered(call, err);
    case DLFW_OP_PUT:
        return s3_put_answered(call, err);
    case DLFW_OP_LIST:
        return s3_list_answered(call, err);
    case DLFW_OP_WRITE_BEGIN:
    case DLFW_OP_WRITE_PART:
    case DLFW_OP_WRITE_COMMIT:
    case DLFW_OP_WRITE_ABORT:
        return s3_upload_answered(call, err);
    case DLFW_OP_COPY:
        return s3_copy_answered(call, err);
    case DLFW_OP_MAKE_ROOT:
    case DLFW_OP_REMOVE_ROOT:
        return s3_bucket_answered(call, err);
    default:
        return DLFW_OK;
    }
}

static bool whole_crc32c(const struct cloud_call *call, uint32_t *ret)
{
    return ((const dlfw_backend *)call->cloud)->options->checksums && s3_checksum_of(&call->x, ret);
}

static const struct cloud_service service = {
    .name = "S3",
    .batch_max = 1000,
    .build = build,
    .answered = answered,
    .whole_crc32c = whole_crc32c,
    .explain = s3_explain,
    .build_batch = s3_batch_build,
    .answered_batch = s3_batch_answered,
};

/* Options that go together. */
static dlfw_status check_options(const dlfw_create_args *args, const struct s3_options *o, dlfw_error *err)
{
    const char *headers[] = {o->storage_class, o->server_side_encryption, o->sse_kms_key_id};
    static const char *const names[] = {"storage_class", "server_side_encryption", "sse_kms_key_id"};

    if ((o->access_key_id != NULL) != (o->secret_access_key != NULL))
        return args->host->config_fail(args->host_ctx, o->access_key_id ? "access_key_id" : "secret_access_key",
                                       "access_key_id and secret_access_key are needed together", err);
    if (o->session_token && !o->access_key_id)
        return args->host->config_fail(args->host_ctx, "session_token",
                                       "it goes with access_key_id and secret_access_key", err);
    if (o->anonymous && o->access_key_id)
        return args->host->config_fail(args->host_ctx, "anonymous", "it signs nothing, and access_key_id is set", err);
    if (o->s3_force_path_style && o->addressing == S3_ADDRESS_VIRTUAL)
        return args->host->config_fail(args->host_ctx, "s3_force_path_style", "addressing: virtual says the contrary",
                                       err);
    for (size_t i = 0; i < 3; i++)
        for (const char *at = headers[i]; at && *at; at++)
            if ((unsigned char)*at <= 0x20 || (unsigned char)*at >= 0x7f)
                return args->host->config_fail(args->host_ctx, names[i], "it has blanks or unusual letters", err);
    if (o->s3_max_attempts)
        dlfw_log(args->host, args->host_ctx, DLFW_LOG_WARNING,
                 "s3: s3_max_attempts has no effect, storage.retry.max_attempts decides how often a request is tried");
    return DLFW_OK;
}

static bool ends_in(const char *s, const char *tail)
{
    size_t a = strlen(s), b = strlen(tail);

    return a >= b && strcmp(s + a - b, tail) == 0;
}

static dlfw_status start(dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    struct http_client_args client = HTTP_CLIENT_ARGS(args, be->options);
    struct text uri = {0};
    dlfw_status st;

    client.ca_bundle = be->settings.ca_bundle;
    text_str(&uri, "s3://");
    text_str(&uri, args->root ? args->root : "");
    if (uri.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    be->service = service;
    be->service.batch_max = be->root.bucket[0] ? (uint32_t)be->options->delete_batch : 1;
    be->is_amazon = !be->settings.own_endpoint || ends_in(be->settings.endpoint.host, ".amazonaws.com") ||
                    ends_in(be->settings.endpoint.host, ".amazonaws.com.cn");
    memcpy(be->region, be->settings.region, sizeof be->region);
    (void)snprintf(be->user_agent, sizeof be->user_agent, "dlfw/%s", args->host->version ? args->host->version : "");
    s3_chain_init(&be->chain, args, be->options, &be->profiles, &client, be->settings.region);
    st = cloud_init(&be->cloud, &be->service, args, uri.data, be->root.prefix, &client, err);
    be->cloud.connections = (uint32_t)be->options->connections;
    be->cloud.max_redirects = (uint32_t)be->options->max_redirects;
    be->cloud.verify_writes = be->options->verify_writes != 0;
    text_free(&uri);
    return st;
}

static void s3_destroy(dlfw_backend *be)
{
    if (be->cloud.service) {
        cloud_fini(&be->cloud);
        s3_chain_fini(&be->chain);
    }
    s3_settings_free(&be->settings);
    s3_profiles_free(&be->profiles);
    s3_root_free(&be->root);
    if (be->ring.value.data)
        explicit_bzero(be->ring.value.data, be->ring.value.room);
    text_free(&be->ring.value);
    pthread_mutex_destroy(&be->lock);
    explicit_bzero(be->ring.key, sizeof be->ring.key);
    free(be);
}

static dlfw_status s3_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *err)
{
    dlfw_backend *be = calloc(1, sizeof *be);
    dlfw_status st;

    if (!be)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    be->options = args->options;
    pthread_mutex_init(&be->lock, NULL);
    st = check_options(args, be->options, err);
    if (st == DLFW_OK)
        st = s3_root_parse(args->root ? args->root : "", &be->root, err);
    if (st == DLFW_OK)
        st = s3_profiles_load(&be->profiles, be->options->profile, err);
    if (st == DLFW_OK)
        st = s3_settings_make(&be->settings, args, be->options, &be->root, &be->profiles, err);
    if (st == DLFW_OK && !(args->flags & DLFW_CREATE_CHECK_ONLY))
        st = start(be, args, err);
    if (st < 0) {
        s3_destroy(be);
        return st;
    }
    *ret = be;
    return DLFW_OK;
}

static dlfw_status s3_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    (void)be;
    (void)key;
    (void)key_len;
    (void)err;
    ret->preferred_io = 8u << 20;
    ret->preferred_part = 16u << 20;
    ret->min_part = S3_PART_MIN;
    ret->max_part = S3_PART_MAX;
    ret->max_parts = S3_PARTS_MAX;
    return DLFW_OK;
}

/* One page of names: needs the endpoint, credentials and a bucket that may be read. */
static dlfw_status s3_check(dlfw_backend *be, dlfw_error *err)
{
    uint64_t page[4096];
    dlfw_error inner = {.struct_size = sizeof inner};
    dlfw_req req = {.op = DLFW_OP_LIST, .key = "", .buf = page, .buf_cap = sizeof page, .error = err ? err : &inner};
    dlfw_comp comp = {0};
    dlfw_status st = cloud_perform(&be->cloud, &req, &comp);

    if (st >= 0 && comp.flags & DLFW_COMP_MORE) {
        dlfw_req end = {.op = DLFW_OP_CLOSE, .handle = comp.handle};
        dlfw_comp closed = {0};

        (void)cloud_perform(&be->cloud, &end, &closed);
    }
    /* The bucket is there and has nothing below the prefix yet: generating will fill it. */
    return st == DLFW_E_NOT_FOUND && req.error->http_status == 200 ? DLFW_OK : st;
}

static void s3_stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    cloud_stats(&be->cloud, sink);
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof(dlfw_backend_ops),
    .caps = DLFW_BACKEND_STREAMS,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) |
               DLFW_OP_BIT(DLFW_OP_DELETE) | DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_CLOSE) |
               DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) | DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) |
               DLFW_OP_BIT(DLFW_OP_WRITE_ABORT) | DLFW_OP_BIT(DLFW_OP_MAKE_ROOT) | DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT) |
               DLFW_OP_BIT(DLFW_OP_COPY),
    .create = s3_create,
    .destroy = s3_destroy,
    .limits = s3_limits,
    .check = s3_check,
    .stats = s3_stats,
    .queue_create = cloud_queue_create,
    .queue_destroy = cloud_queue_destroy,
    .submit = cloud_submit,
    .reap = cloud_reap,
    .cancel = cloud_cancel,
    .wakeup = cloud_wakeup,
    .leftovers = s3_leftovers,
    .wait_fd = cloud_wait_fd,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = "s3",
    .summary = "Amazon S3 and services that speak its protocol",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct s3_options),
    .ops = &ops,
};

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "backend=s3\n", .id = "org.dlfw.backend-s3", .license = "Apache-2.0", .summary = "storage in S3",
            .url = "", .ifaces = ifaces);
