/* SPDX-License-Identifier: Apache-2.0 */
#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A value and where it came from, for the log. */
struct origin_of {
    const char *value; /* NULL: nowhere */
    const char *from;
    const char *option; /* for messages about it; NULL: not an option */
};

static void look(struct origin_of *o, const char *value, const char *from)
{
    if (!o->value && value && *value)
        *o = (struct origin_of){value, from, NULL};
}

static void look_option(struct origin_of *o, const char *value, const char *option)
{
    if (!o->value && value && *value)
        *o = (struct origin_of){value, "the options", option};
}

static void look_environment(struct origin_of *o, const char *name)
{
    look(o, getenv(name), name);
}

static void say(const dlfw_create_args *args, const char *what, const char *value, const char *from)
{
    dlfw_log(args->host, args->host_ctx, DLFW_LOG_DEBUG, "s3: %s '%s' from %s", what, value, from);
}

static dlfw_status refuse(const dlfw_create_args *args, const struct origin_of *o, const char *why, dlfw_error *err)
{
    char text[400];

    if (!o->option)
        return dlfw_fail(err, DLFW_E_CONFIG, "'%.200s' from %s %s", o->value, o->from, why);
    (void)snprintf(text, sizeof text, "'%.200s' %s", o->value, why);
    return args->host->config_fail(args->host_ctx, o->option, text, err);
}

bool s3_region_valid(const char *region)
{
    size_t len = strspn(region, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

    return len > 0 && len <= S3_REGION_MAX && region[len] == '\0';
}

static dlfw_status make_region(struct s3_settings *s, const dlfw_create_args *args, const struct s3_options *o,
                               const struct s3_profiles *profiles, dlfw_error *err)
{
    struct origin_of region = {0};

    look_option(&region, o->region, "region");
    look_environment(&region, "AWS_REGION");
    look_environment(&region, "AWS_DEFAULT_REGION");
    look(&region, s3_profile_get(profiles, profiles->name, "region"), "the profile");
    look(&region, "us-east-1", "the default");
    if (!s3_region_valid(region.value))
        return refuse(args, &region, "is no name of a region", err);
    memcpy(s->region, region.value, strlen(region.value) + 1);
    say(args, "region", s->region, region.from);
    return DLFW_OK;
}

/* "services = x" of the profile, then "s3 =" with "endpoint_url = ..." below [services x]. */
static const char *services_endpoint(const struct s3_profiles *profiles)
{
    const char *services = s3_profile_get(profiles, profiles->name, "services");
    char section[160];
    int n;

    if (!services)
        return NULL;
    n = snprintf(section, sizeof section, "services %s", services);
    return n > 0 && (size_t)n < sizeof section ? s3_ini_get(&profiles->config, section, "s3.endpoint_url") : NULL;
}

static dlfw_status parse_endpoint(struct s3_settings *s, const dlfw_create_args *args, const struct origin_of *o,
                                  dlfw_error *err)
{
    const char *path = "";
    char why[200] = "";
    dlfw_error inner = {.struct_size = sizeof inner, .message = why, .message_cap = sizeof why};
    size_t len;

    if (http_origin_parse(o->value, &s->endpoint, &path, &inner) < 0)
        return refuse(args, o, "is no endpoint: http:// or https://, a host, and a port where it is not the usual one",
                      err);
    len = strlen(path);
    while (len > 0 && path[len - 1] == '/')
        len--;
    if (len >= sizeof s->base ||
        strspn(path, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~/") != strlen(path))
        return refuse(args, o, "is no endpoint: its path has letters, digits and '/' only, and no query", err);
    memcpy(s->base, path, len);
    s->base[len] = '\0';
    s->own_endpoint = true;
    say(args, "endpoint", o->value, o->from);
    return DLFW_OK;
}

static dlfw_status make_endpoint(struct s3_settings *s, const dlfw_create_args *args, const struct s3_options *o,
                                 const struct s3_root *root, const struct s3_profiles *profiles, dlfw_error *err)
{
    struct origin_of endpoint = {0};
    char host[280];

    if (root->has_endpoint) {
        s->endpoint = root->endpoint;
        s->own_endpoint = true;
        http_origin_host(&s->endpoint, host, sizeof host);
        say(args, "endpoint", host, "the URI");
        return DLFW_OK;
    }
    look_option(&endpoint, o->endpoint_url, "endpoint_url");
    look_environment(&endpoint, "AWS_ENDPOINT_URL_S3");
    look_environment(&endpoint, "AWS_ENDPOINT_URL");
    look(&endpoint, services_endpoint(profiles), "the profile's services");
    look(&endpoint, s3_profile_get(profiles, profiles->name, "endpoint_url"), "the profile");
    if (!endpoint.value) {
        say(args, "endpoint", "Amazon's of the region", "the default");
        return DLFW_OK;
    }
    return parse_endpoint(s, args, &endpoint, err);
}

static bool ends_in(const char *s, const char *tail)
{
    size_t a = strlen(s), b = strlen(tail);

    return a >= b && strcmp(s + a - b, tail) == 0;
}

static bool is_amazons(const struct s3_settings *s)
{
    return !s->own_endpoint || ends_in(s->endpoint.host, ".amazonaws.com") ||
           ends_in(s->endpoint.host, ".amazonaws.com.cn");
}

static bool is_address(const char *host)
{
    return strchr(host, ':') || host[strspn(host, "0123456789.")] == '\0';
}

static dlfw_status make_addressing(struct s3_settings *s, const dlfw_create_args *args, const struct s3_options *o,
                                   const struct s3_root *root, const struct s3_profiles *profiles, dlfw_error *err)
{
    struct origin_of style = {0};
    bool tls = s->own_endpoint ? s->endpoint.tls : true;

    if (o->s3_force_path_style)
        look_option(&style, "path", "s3_force_path_style");
    if (o->addressing != S3_ADDRESS_AUTO)
        look_option(&style, o->addressing == S3_ADDRESS_PATH ? "path" : "virtual", "addressing");
    look_environment(&style, "AWS_S3_ADDRESSING_STYLE");
    look(&style, s3_profile_get(profiles, profiles->name, "s3.addressing_style"), "the profile");
    look(&style, is_amazons(s) ? "virtual" : "path", "the endpoint");
    if (strcmp(style.value, "auto") == 0)
        style.value = is_amazons(s) ? "virtual" : "path";
    if (strcmp(style.value, "path") != 0 && strcmp(style.value, "virtual") != 0)
        return refuse(args, &style, "is no style of addressing: auto, path or virtual", err);
    s->addressing = strcmp(style.value, "path") == 0 ? S3_ADDRESS_PATH : S3_ADDRESS_VIRTUAL;
    if (style.option && s->addressing == S3_ADDRESS_VIRTUAL && root->bucket[0] &&
        (!s3_bucket_is_host(root->bucket, strlen(root->bucket), tls) ||
         (s->own_endpoint && is_address(s->endpoint.host))))
        return args->host->config_fail(args->host_ctx, "addressing",
                                       "this bucket cannot stand in front of the endpoint's name, use addressing: path",
                                       err);
    say(args, "addressing", style.value, style.from);
    return DLFW_OK;
}

static dlfw_status make_ca_bundle(struct s3_settings *s, const dlfw_create_args *args, const struct s3_options *o,
                                  const struct s3_profiles *profiles, dlfw_error *err)
{
    struct origin_of bundle = {0};

    look_option(&bundle, o->ca_bundle, "ca_bundle");
    look_environment(&bundle, "AWS_CA_BUNDLE");
    look(&bundle, s3_profile_get(profiles, profiles->name, "ca_bundle"), "the profile");
    if (!bundle.value)
        return DLFW_OK;
    s->ca_bundle = strdup(bundle.value);
    if (!s->ca_bundle)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    say(args, "ca_bundle", s->ca_bundle, bundle.from);
    return DLFW_OK;
}

dlfw_status s3_settings_make(struct s3_settings *s, const dlfw_create_args *args, const struct s3_options *o,
                             const struct s3_root *root, const struct s3_profiles *profiles, dlfw_error *err)
{
    dlfw_status st;

    *s = (struct s3_settings){0};
    st = make_region(s, args, o, profiles, err);
    if (st == DLFW_OK)
        st = make_endpoint(s, args, o, root, profiles, err);
    if (st == DLFW_OK)
        st = make_addressing(s, args, o, root, profiles, err);
    if (st == DLFW_OK)
        st = make_ca_bundle(s, args, o, profiles, err);
    return st;
}

void s3_settings_free(struct s3_settings *s)
{
    free(s->ca_bundle);
    s->ca_bundle = NULL;
}

void s3_settings_address(const struct s3_settings *s, const char *region, const char *bucket, size_t bucket_len,
                         struct http_origin *ret_origin, struct text *path)
{
    if (s->own_endpoint) {
        *ret_origin = s->endpoint;
    } else {
        *ret_origin = (struct http_origin){.tls = true, .port = 443};
        (void)snprintf(ret_origin->host, sizeof ret_origin->host, "s3.%s.amazonaws.com%s", region,
                       strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
    }
    text_str(path, s->base);
    if (bucket_len == 0)
        return;
    if (s->addressing == S3_ADDRESS_VIRTUAL && s3_bucket_is_host(bucket, bucket_len, ret_origin->tls) &&
        strlen(ret_origin->host) + bucket_len + 2 < sizeof ret_origin->host) {
        memmove(ret_origin->host + bucket_len + 1, ret_origin->host, strlen(ret_origin->host) + 1);
        memcpy(ret_origin->host, bucket, bucket_len);
        ret_origin->host[bucket_len] = '.';
        return;
    }
    text_char(path, '/');
    text_encoded(path, bucket, bucket_len, false);
}
