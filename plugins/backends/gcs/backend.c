/* SPDX-License-Identifier: Apache-2.0 */
/* The backend `gs`: options, instances, and the tables the host reads. */
#include <stdlib.h>
#include <string.h>

#include "gcs.h"

/* clang-format off */
static const dlfw_option option_rows[] = {
    HTTP_OPTION_ROWS(struct gcs_options),
    DLFW_OPT_STR(struct gcs_options, endpoint_url,
                 .help = "http(s)://host[:port] of the service; unset: GCS_ENDPOINT_URL, STORAGE_EMULATOR_HOST, or Google's"),
    DLFW_OPT_PATH(struct gcs_options, credentials,
                  .help = "JSON file of a service account or an authorized user; unset: GOOGLE_APPLICATION_CREDENTIALS, the last login "
                          "of the vendor's tools, or the metadata server"),
    DLFW_OPT_SECRET(struct gcs_options, access_token, .help = "OAuth 2.0 access token; it is not renewed"),
    DLFW_OPT_STR(struct gcs_options, project,
                 .help = "owner of buckets that are made or listed; unset: GOOGLE_CLOUD_PROJECT, GCLOUD_PROJECT, GCS_PROJECT, or the "
                         "credentials"),
    DLFW_OPT_STR(struct gcs_options, user_project, .help = "project that pays for requests to buckets whose owner does not"),
    DLFW_OPT_BOOL(struct gcs_options, checksums, .def = "true",
                  .help = "CRC-32C of each object written, and of each one read as a whole, compared with the service's"),
};
/* clang-format on */

static void gcs_destroy(dlfw_backend *be)
{
    gcs_auth_fini(&be->auth);
    cloud_fini(&be->cloud);
    free(be->bucket);
    free(be->project);
    free(be->user_project);
    free(be->base_path);
    free(be);
}

/* The URI for messages ends without '/'. */
static dlfw_status init_cloud(dlfw_backend *be, const dlfw_create_args *args, const char *prefix, dlfw_error *err)
{
    const struct gcs_options *o = args->options;
    struct http_client_args client = HTTP_CLIENT_ARGS(args, o);
    struct text uri = {0};
    dlfw_status st;

    text_printf(&uri, "gs://%s%s%s", be->bucket, *prefix ? "/" : "", prefix);
    if (uri.len > 5 && uri.data && uri.data[uri.len - 1] == '/')
        uri.data[--uri.len] = '\0';
    st = uri.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance")
                    : cloud_init(&be->cloud, &gcs_service, args, uri.data, prefix, &client, err);
    text_free(&uri);
    be->cloud.connections = (uint32_t)o->connections;
    be->cloud.max_redirects = (uint32_t)o->max_redirects;
    be->cloud.verify_writes = o->verify_writes != 0;
    return st;
}

static dlfw_status gcs_create(const dlfw_create_args *args, dlfw_backend **ret, dlfw_error *err)
{
    dlfw_backend *be = calloc(1, sizeof *be);
    char *prefix = NULL;
    dlfw_status st;

    if (!be)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    gcs_auth_init(&be->auth, args->host, args->host_ctx);
    st = gcs_root_parse(args->root ? args->root : "", &be->bucket, &prefix, err);
    if (st < 0) {
        gcs_auth_fini(&be->auth);
        free(be);
        return st;
    }
    st = init_cloud(be, args, prefix, err);
    if (st == DLFW_OK)
        st = gcs_settings(be, args, err);
    be->auth.client = be->cloud.client;
    free(prefix);
    if (st < 0)
        gcs_destroy(be);
    else
        *ret = be;
    return st;
}

static dlfw_status gcs_limits(dlfw_backend *be, const char *key, uint32_t key_len, dlfw_limits *ret, dlfw_error *err)
{
    (void)be;
    (void)key;
    (void)key_len;
    (void)err;
    ret->preferred_io = 8u << 20;
    ret->preferred_part = 16u << 20;
    ret->min_part = GCS_CHUNK; /* smaller ones wait for more */
    return DLFW_OK;
}

/* A page of names: the bucket answers, whether or not it holds something. */
static dlfw_status gcs_check(dlfw_backend *be, dlfw_error *err)
{
    uint64_t page[512];
    dlfw_comp comp = {.object_size = UINT64_MAX};
    dlfw_error inner = {.struct_size = sizeof inner};
    dlfw_req req = {
        .op = DLFW_OP_LIST, .buf = page, .buf_cap = sizeof page, .length = sizeof page, .error = err ? err : &inner};
    dlfw_status st = cloud_perform(&be->cloud, &req, &comp);
    dlfw_req close = {.op = DLFW_OP_CLOSE, .handle = comp.handle};

    if (comp.flags & DLFW_COMP_MORE)
        (void)cloud_perform(&be->cloud, &close, &comp);
    /* An empty place in a bucket, or one whose first name is longer than the page, is there all the same. */
    return st < 0 && req.error->http_status == 200 ? DLFW_OK : st;
}

static void gcs_stats(dlfw_backend *be, const dlfw_stat_sink *sink)
{
    cloud_stats(&be->cloud, sink);
}

static const dlfw_backend_ops ops = {
    .struct_size = sizeof(dlfw_backend_ops),
    .thread_class = DLFW_THREADS_PER_QUEUE,
    .caps = DLFW_BACKEND_STREAMS,
    .op_mask = DLFW_OP_BIT(DLFW_OP_GET) | DLFW_OP_BIT(DLFW_OP_PUT) | DLFW_OP_BIT(DLFW_OP_STAT) |
               DLFW_OP_BIT(DLFW_OP_DELETE) | DLFW_OP_BIT(DLFW_OP_LIST) | DLFW_OP_BIT(DLFW_OP_CLOSE) |
               DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN) | DLFW_OP_BIT(DLFW_OP_WRITE_PART) | DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT) |
               DLFW_OP_BIT(DLFW_OP_WRITE_ABORT) | DLFW_OP_BIT(DLFW_OP_MAKE_ROOT) | DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT) |
               DLFW_OP_BIT(DLFW_OP_COPY),
    .create = gcs_create,
    .destroy = gcs_destroy,
    .limits = gcs_limits,
    .check = gcs_check,
    .stats = gcs_stats,
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
    .name = "gs",
    .summary = "objects in Google Cloud Storage",
    .options = option_rows,
    .option_count = sizeof option_rows / sizeof *option_rows,
    .options_size = sizeof(struct gcs_options),
    .ops = &ops,
};

/* What the libraries below set up once and keep. */
static dlfw_status gcs_load(const dlfw_host *host, dlfw_error *err)
{
    struct http_client_args args = {.host = host, .verify_tls = true};
    struct http_client *client = NULL;
    dlfw_status st = http_client_create(&args, &client, err);

    http_client_destroy(client);
    return st;
}

static const dlfw_iface *const ifaces[] = {&iface, NULL};

DLFW_PLUGIN("0.1.0", "backend=gs\n", .id = "org.dlfw.backend-gs", .license = "Apache-2.0",
            .summary = "storage in Google Cloud Storage", .url = "", .ifaces = ifaces, .load = gcs_load);
