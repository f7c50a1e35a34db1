/* SPDX-License-Identifier: Apache-2.0 */
/* The plugin with the backend `az`: instances, limits, figures and the tables the host reads. */
#include "azure.h"

#include <stdlib.h>
#include <string.h>

static const char *const path_style_choices[] = {"auto", "always", "never", NULL};
static const char *const checksum_choices[] = {"none", "md5", NULL};

static const dlfw_option option_rows[] = {
    HTTP_OPTION_ROWS(struct az_options),
    DLFW_OPT_URI(struct az_options, endpoint_url,
                 .help =
                     "http(s)://host[:port][/path] of the service instead of https://ACCOUNT.blob.core.windows.net"),
    DLFW_OPT_ENUM(struct az_options, path_style, .def = "auto", .choices = path_style_choices,
                  .help = "account as first part of the path: auto does so for addresses and hosts without a domain"),
    DLFW_OPT_SECRET(struct az_options, account_key, .help = "key of the account, base64"),
    DLFW_OPT_SECRET(struct az_options, sas_token, .help = "shared access signature: the query of a signed URL"),
    DLFW_OPT_SECRET(struct az_options, connection_string,
                    .help = "AccountName=...;AccountKey=...;BlobEndpoint=... and its like"),
    DLFW_OPT_STR(struct az_options, tenant_id, .help = "directory of the application, with client_secret"),
    DLFW_OPT_STR(struct az_options, client_id,
                 .help = "application with client_secret, or one managed identity of several"),
    DLFW_OPT_SECRET(struct az_options, client_secret,
                    .help = "secret of the application that tenant_id and client_id name"),
    DLFW_OPT_BOOL(struct az_options, use_managed_identity, .def = "false",
                  .help = "tokens from the machine's managed identity"),
    DLFW_OPT_ENUM(struct az_options, checksums, .def = "none", .choices = checksum_choices,
                  .help =
                      "md5: each upload carries its MD5, each whole read is compared with the blob's; costs CPU time"),
};

static const struct cloud_service service = {
    .name = "Azure Blob Storage",
    .batch_max = AZ_BATCH_MAX,
    .build = az_build,
    .answered = az_answered,
    .whole_check = az_whole_check,
    .explain = az_explain,
    .build_batch = az_build_batch,
    .answered_batch = az_answered_batch,
};

static void az_destroy(dlfw_backend *be)
{
    cloud_fini(&be->cloud);
    http_client_destroy(be->direct);
    cloud_token_fini(&be->token);
    az_settings_free(&be->settings);
    text_free(&be->base);
    text_free(&be->fixed);
    free(be);
}

static dlfw_status find_service(dlfw_backend *be, const struct az_options *options, dlfw_error *err)
{
    char host[300];
    dlfw_status st = az_endpoint_parse(be->settings.endpoint.data, be->settings.account.data,
                                       (enum az_path_style)options->path_style, &be->origin, &be->base, err);

    if (st < 0)
        return st == DLFW_E_INVALID ? DLFW_E_CONFIG : st;
    if (be->settings.auth == AZ_TOKEN && !az_origin_is_safe(&be->origin))
        return dlfw_fail(err, DLFW_E_CONFIG, "bearer tokens go over https only; the endpoint '%s' is plain http",
                         be->origin.host);
    http_origin_host(&be->origin, host, sizeof host);
    text_printf(&be->fixed, "Host: %s\r\nUser-Agent: dlfw/%s\r\n", host, be->source.host->version);
    return be->fixed.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance") : DLFW_OK;
}

/* The metadata service of a machine is never behind a proxy. */
static dlfw_status prepare_identity(dlfw_backend *be, const struct http_client_args *args, dlfw_error *err)
{
    struct http_client_args direct = *args;

    be->source.client = be->cloud.client;
    if (be->settings.identity != AZ_IDENTITY_MANAGED)
        return DLFW_OK;
    direct.proxy = "";
    be->source.client = NULL;
    return http_client_create(&direct, &be->direct, err);
}

static dlfw_status start(dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    const struct az_options *options = args->options;
    struct http_client_args client = HTTP_CLIENT_ARGS(args, options);
    struct text uri = {0};
    dlfw_status st;

    text_str(&uri, "az://");
    text_str(&uri, args->root);
    while (uri.len > 5 && uri.data[uri.len - 1] == '/')
        uri.data[--uri.len] = '\0';
    if (uri.failed)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    st = cloud_init(&be->cloud, &service, args, uri.data, be->settings.prefix.len ? be->settings.prefix.data : "",
                    &client, err);
    text_free(&uri);
    be->cloud.connections = (uint32_t)options->connections;
    be->cloud.max_redirects = (uint32_t)options->max_redirects;
    be->cloud.verify_writes = options->verify_writes != 0;
    be->md5 = options->checksums == AZ_CHECKSUMS_MD5;
    if (st == DLFW_OK)
        st = find_service(be, options, err);
    if (st == DLFW_OK)
        st = prepare_identity(be, &client, err);
    if (st == DLFW_OK && be->direct)
        be->source.client = be->direct;
    return st;
}

static dlfw_status az_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *reterr)
{
    struct az_settings settings;
    dlfw_backend *be;
    dlfw_status st = az_settings_resolve(args, &settings, reterr);

    if (st < 0)
        return st;
    be = calloc(1, sizeof *be);
    if (!be) {
        az_settings_free(&settings);
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "no memory for an instance");
    }
    be->settings = settings;
    be->source = (struct az_identity_source){.host = args->host, .host_ctx = args->host_ctx, .settings = &be->settings};
    cloud_token_init(&be->token);
    st = start(be, args, reterr);
    if (st < 0) {
        az_destroy(be);
        return st;
    }
    *ret = be;
    return DLFW_OK;
}

static dlfw_status az_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *reterr)
{
    (void)be;
    (void)key;
    (void)key_len;
    (void)reterr;
    ret->mem_align = 1;
    ret->read_offset_align = 1;
    ret->read_length_align = 1;
    ret->write_offset_align = 1;
    ret->write_length_align = 1;
    ret->preferred_io = 8ull << 20;
    ret->preferred_part = 16ull << 20;
    ret->max_part = AZ_BLOCK_MAX;
    ret->max_parts = AZ_BLOCKS_MAX;
    return DLFW_OK;
}

/* One page of names proves the address, the credentials and the right to read. A container or a prefix that is not
 * there yet is no mistake: MAKE_ROOT creates it. */
static dlfw_status az_check(dlfw_backend *be, dlfw_error *reterr)
{
    uint64_t page[1024];
    dlfw_req req = {.op = DLFW_OP_LIST, .buf = page, .buf_cap = sizeof page, .length = sizeof page, .error = reterr};
    dlfw_comp comp = {.req = &req, .object_size = UINT64_MAX};
    dlfw_status st = cloud_perform(&be->cloud, &req, &comp);
    dlfw_req close = {.op = DLFW_OP_CLOSE, .error = reterr};

    if (st >= 0 && (comp.flags & DLFW_COMP_MORE)) {
        close.handle = comp.handle;
        st = cloud_perform(&be->cloud, &close, &comp);
    }
    return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
}

static void az_stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    cloud_stats(&be->cloud, sink);
}

#define ALL_OPS                                                                                                        \
    (DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) | DLFW_OP_BIT(DLFW_OP_DELETE) |   \
     DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_CLOSE) | DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) |                       \
     DLFW_OP_BIT(DLFW_OP_WRITE_PART) | DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) | DLFW_OP_BIT(DLFW_OP_WRITE_ABORT) |          \
     DLFW_OP_BIT(DLFW_OP_MAKE_ROOT) | DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT) | DLFW_OP_BIT(DLFW_OP_COPY))

static const dlfw_backend_ops ops = {
    .struct_size = sizeof(dlfw_backend_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .caps = DLFW_BACKEND_STREAMS,
    .op_mask = ALL_OPS,
    .create = az_create,
    .destroy = az_destroy,
    .limits = az_limits,
    .check = az_check,
    .stats = az_stats,
    .queue_create = cloud_queue_create,
    .queue_destroy = cloud_queue_destroy,
    .submit = cloud_submit,
    .reap = cloud_reap,
    .cancel = cloud_cancel,
    .wakeup = cloud_wakeup,
    .wait_fd = cloud_wait_fd,
};

static const dlfw_iface iface = {
    .struct_size = sizeof(dlfw_iface),
    .kind = DLFW_KIND_BACKEND,
    .name = "az",
    .summary = "Azure Blob Storage",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct az_options),
    .ops = &ops,
};

/* What the libraries below keep for the process is made now, so that the first instance costs what every instance
 * costs. */
static dlfw_status az_load(const dlfw_host *host, dlfw_error *reterr)
{
    const struct http_client_args args = {.host = host, .verify_tls = true};
    struct http_client *client = NULL;
    dlfw_status st = http_client_create(&args, &client, reterr);

    http_client_destroy(client);
    return st;
}

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "backend=az\n", .id = "org.dlfw.backend-azure", .license = "Apache-2.0",
            .summary = "objects in Azure Blob Storage", .url = "", .ifaces = ifaces, .load = az_load);
