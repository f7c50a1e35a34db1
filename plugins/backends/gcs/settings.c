/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an instance's settings come from: an option wins over the environment, the environment over what the service is
 * known by. The debug log says which it was; it never says a secret.
 */
#include "gcs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SERVICE_HOST "storage.googleapis.com"
#define SERVICE_URL "https://" SERVICE_HOST
#define METADATA_HOST "metadata.google.internal"
#define WELL_KNOWN "application_default_credentials.json"

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static void say(const dlfw_create_args *args, const char *what, const char *value, const char *source)
{
    dlfw_log(args->host, args->host_ctx, DLFW_LOG_DEBUG, "gs: %s %s%s%s from %s", what, value ? "'" : "",
             value ? value : "", value ? "'" : "", source);
}

static dlfw_status take_endpoint(struct dlfw_backend *be, const char *url, const char *source, dlfw_error *err)
{
    char why[300] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    const char *path = "";
    size_t len;

    if (http_origin_parse(url, &be->origin, &path, &inner) < 0)
        return dlfw_fail(err, DLFW_E_CONFIG, "%s is no endpoint: %s", source, why);
    len = strcspn(path, "?#");
    if (path[len])
        return dlfw_fail(err, DLFW_E_CONFIG, "%s is no endpoint: it has a query", source);
    while (len && path[len - 1] == '/')
        len--;
    be->is_google = strcmp(be->origin.host, SERVICE_HOST) == 0;
    be->base_path = strndup(path, len);
    return be->base_path ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an endpoint");
}

static dlfw_status find_endpoint(struct dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    const struct gcs_options *o = args->options;
    const char *source = "option 'endpoint_url'";
    const char *url = o->endpoint_url && *o->endpoint_url ? o->endpoint_url : NULL;
    char host[512];
    dlfw_status st;

    if (!url && (url = env("GCS_ENDPOINT_URL")))
        source = "GCS_ENDPOINT_URL";
    if (!url && (url = env("STORAGE_EMULATOR_HOST"))) {
        source = "STORAGE_EMULATOR_HOST";
        be->is_emulator = true;
        if (!strstr(url, "://")) {
            (void)snprintf(host, sizeof host, "http://%s", url);
            url = host;
        }
    }
    if (!url) {
        url = SERVICE_URL;
        source = "the service's own name";
    }
    st = take_endpoint(be, url, source, err);
    if (st == DLFW_OK) /* not before: a URL that is refused may hold a password */
        say(args, "endpoint", url, source);
    return st;
}

static dlfw_status copy_text(const char *text, char **ret, dlfw_error *err)
{
    *ret = strdup(text);
    return *ret ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the settings");
}

static dlfw_status find_project(struct dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    static const char *const names[] = {"GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT", "GCS_PROJECT"};
    const struct gcs_options *o = args->options;
    const char *source = "option 'project'";
    const char *project = o->project && *o->project ? o->project : NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names && !project; i++) {
        project = env(names[i]);
        source = names[i];
    }
    if (!project) {
        project = be->auth.credentials.project;
        source = "the credentials";
    }
    if (!project)
        return DLFW_OK;
    say(args, "project", project, source);
    return copy_text(project, &be->project, err);
}

/* "metadata.google.internal", "host" or "host:port" */
static dlfw_status use_metadata(struct dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    struct http_client_args client = HTTP_CLIENT_ARGS(args, (const struct gcs_options *)args->options);
    const char *host = env("GCE_METADATA_HOST");
    char url[512];
    dlfw_status st;

    (void)snprintf(url, sizeof url, "http://%s", host ? host : METADATA_HOST);
    st = http_origin_parse(url, &be->auth.metadata, NULL, NULL);
    if (st < 0)
        return dlfw_fail(err, DLFW_E_CONFIG, "GCE_METADATA_HOST is not 'host' or 'host:port'");
    client.proxy = ""; /* it is a neighbour of this machine */
    be->auth.credentials.kind = GCS_METADATA;
    return http_client_create(&client, &be->auth.own_client, err);
}

/* The file that the vendor's tools leave behind after a login. */
static dlfw_status try_well_known(struct dlfw_backend *be, const dlfw_create_args *args, bool *found, dlfw_error *err)
{
    const char *folder = env("CLOUDSDK_CONFIG");
    const char *home = env("HOME");
    char path[4096];
    dlfw_status st;
    int len;

    *found = false;
    if (!folder && !home)
        return DLFW_OK;
    len = folder ? snprintf(path, sizeof path, "%s/" WELL_KNOWN, folder)
                 : snprintf(path, sizeof path, "%s/.config/gcloud/" WELL_KNOWN, home);
    if (len < 0 || (size_t)len >= sizeof path)
        return DLFW_OK;
    st = gcs_credentials_load(path, &be->auth.credentials, err);
    if (st == DLFW_E_NOT_FOUND)
        return DLFW_OK;
    *found = st == DLFW_OK;
    if (*found)
        say(args, "credentials", path, "the file of the last login");
    return st;
}

/* A file that the user named: what is wrong with it is a mistake in the configuration. */
static dlfw_status load_named(struct dlfw_backend *be, const dlfw_create_args *args, const char *path,
                              const char *variable, dlfw_error *err)
{
    char why[400] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    dlfw_status st = gcs_credentials_load(path, &be->auth.credentials, &inner);

    if (st == DLFW_OK)
        say(args, "credentials", path, variable ? variable : "option 'credentials'");
    else if (variable)
        st = dlfw_fail(err, DLFW_E_CONFIG, "%s: %s", variable, why);
    else
        st = args->host->config_fail(args->host_ctx, "credentials", why, err);
    return st;
}

static dlfw_status find_credentials(struct dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    const struct gcs_options *o = args->options;
    const char *path = o->credentials && *o->credentials ? o->credentials : NULL;
    const char *token = o->access_token && *o->access_token ? o->access_token : NULL;
    bool found = false;
    dlfw_status st;

    if ((o->anonymous != 0) + (path != NULL) + (token != NULL) > 1)
        return args->host->config_fail(args->host_ctx, path ? "credentials" : "access_token",
                                       "'anonymous', 'credentials' and 'access_token' exclude each other", err);
    if (token) {
        if (token[strcspn(token, "\r\n ")])
            return args->host->config_fail(args->host_ctx, "access_token", "a token has no blanks and no line ends",
                                           err);
        be->auth.credentials.kind = GCS_FIXED_TOKEN;
        be->auth.fixed_token = token;
        say(args, "token", NULL, "option 'access_token'");
        return DLFW_OK;
    }
    if (path)
        return load_named(be, args, path, NULL, err);
    if (o->anonymous || be->is_emulator) {
        say(args, "no credentials", NULL, o->anonymous ? "option 'anonymous'" : "STORAGE_EMULATOR_HOST");
        return DLFW_OK;
    }
    path = env("GOOGLE_APPLICATION_CREDENTIALS");
    if (path)
        return load_named(be, args, path, "GOOGLE_APPLICATION_CREDENTIALS", err);
    st = try_well_known(be, args, &found, err);
    if (st < 0 || found)
        return st;
    say(args, "credentials", NULL, "the metadata server");
    return use_metadata(be, args, err);
}

static void warn_of_plain_text(const struct dlfw_backend *be, const dlfw_create_args *args)
{
    const char *host = be->origin.host;
    bool is_local = strncmp(host, "127.", 4) == 0 || strcmp(host, "localhost") == 0 || strcmp(host, "::1") == 0;

    if (be->auth.credentials.kind != GCS_ANONYMOUS && !be->origin.tls && !is_local)
        dlfw_log(args->host, args->host_ctx, DLFW_LOG_WARNING,
                 "gs: tokens go to '%s' without TLS; give an endpoint that begins with https://", host);
}

dlfw_status gcs_settings(struct dlfw_backend *be, const dlfw_create_args *args, dlfw_error *err)
{
    const struct gcs_options *o = args->options;
    dlfw_status st = find_endpoint(be, args, err);

    be->checksums = o->checksums != 0;
    if (st == DLFW_OK)
        st = find_credentials(be, args, err);
    if (st == DLFW_OK)
        st = find_project(be, args, err);
    if (st == DLFW_OK && o->user_project && *o->user_project)
        st = copy_text(o->user_project, &be->user_project, err);
    if (st == DLFW_OK)
        warn_of_plain_text(be, args);
    return st;
}
