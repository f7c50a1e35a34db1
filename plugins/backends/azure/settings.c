/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who, where and with what: the root, the options and the environment. An option goes before the environment; what the
 * environment says of another account than the root's is passed over. The debug log says where each value came from,
 * never what a secret is.
 */
#include "azure.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct resolving {
    const dlfw_create_args *args;
    const struct az_options *options;
    struct az_settings *to;
    struct az_connection_string given;     /* the option */
    struct az_connection_string inherited; /* the environment's, when it is of this account */
    bool env_is_ours;                      /* AZURE_STORAGE_KEY and _SAS_TOKEN are of this account */
};

void az_settings_free(struct az_settings *s)
{
    text_free(&s->account);
    text_free(&s->container);
    text_free(&s->prefix);
    text_free(&s->endpoint);
    az_wipe(&s->key);
    az_wipe(&s->sas);
    text_free(&s->tenant);
    text_free(&s->client);
    az_wipe(&s->secret);
    text_free(&s->token_file);
}

static const char *env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

static const char *option(const char *value)
{
    return value && *value ? value : NULL;
}

static void say(const struct resolving *r, const char *what, const char *from)
{
    dlfw_log(r->args->host, r->args->host_ctx, DLFW_LOG_DEBUG, "az '%s': %s from %s", r->to->account.data, what, from);
}

static dlfw_status bad_option(const struct resolving *r, const char *name, const char *text, dlfw_error *err)
{
    return r->args->host->config_fail(r->args->host_ctx, name, text, err);
}

/* A value from an option or, failing that, from the environment; NULL: from neither. */
static const char *pick(const struct resolving *r, const char *given, const char *option_name, const char *env_name,
                        const char *what)
{
    const char *value = option(given);

    if (value) {
        say(r, what, option_name);
        return value;
    }
    value = env(env_name);
    if (value)
        say(r, what, env_name);
    return value;
}

/* "account/container/pre/fix" */
static dlfw_status split_root(const char *root, struct az_settings *to, dlfw_error *err)
{
    size_t account = strcspn(root, "/");
    const char *container = root + account + (root[account] == '/');
    size_t container_len = strcspn(container, "/");
    const char *prefix = container + container_len + (container[container_len] == '/');
    size_t prefix_len = strlen(prefix);
    dlfw_status st = DLFW_OK;

    if (!account)
        return dlfw_fail(err, DLFW_E_CONFIG, "this backend needs an account, such as az://account/container/prefix");
    for (size_t i = 0; i < account; i++)
        if (!isalnum((unsigned char)root[i]) && root[i] != '-' && root[i] != '_')
            return dlfw_fail(err, DLFW_E_CONFIG,
                             "'%.*s' is no name of a storage account; a location is az://account/container/prefix",
                             (int)(account < 80 ? account : 80), root);
    if (account > 63)
        return dlfw_fail(err, DLFW_E_CONFIG, "a storage account's name has at most 24 characters, this one has %zu",
                         account);
    while (prefix_len && prefix[prefix_len - 1] == '/')
        prefix_len--;
    if (container_len)
        st = az_container_name_check(container, container_len, err);
    if (st == DLFW_OK && prefix_len)
        st = az_blob_name_check(prefix, prefix_len, err);
    text_add(&to->account, root, account);
    text_add(&to->container, container, container_len);
    text_add(&to->prefix, prefix, prefix_len);
    if (prefix_len)
        text_char(&to->prefix, '/');
    return st;
}

/* Whether what a connection string says is of our account; one without a name is. */
static bool is_ours(const struct resolving *r, const struct az_connection_string *c)
{
    return !c->account.len || strcmp(c->account.data, r->to->account.data) == 0;
}

static dlfw_status read_connection_strings(struct resolving *r, dlfw_error *err)
{
    const char *given = option(r->options->connection_string);
    const char *inherited = env("AZURE_STORAGE_CONNECTION_STRING");
    dlfw_status st = DLFW_OK;

    if (given)
        st = az_connection_string_parse(given, &r->given, err);
    if (st < 0)
        return st;
    if (!is_ours(r, &r->given))
        return dlfw_fail(err, DLFW_E_CONFIG, "the connection string is of account '%s', the location names '%s'",
                         r->given.account.data, r->to->account.data);
    if (!inherited)
        return DLFW_OK;
    st = az_connection_string_parse(inherited, &r->inherited, err);
    if (st == DLFW_OK && !is_ours(r, &r->inherited)) {
        say(r, "nothing, it is of another account,", "AZURE_STORAGE_CONNECTION_STRING");
        az_connection_string_free(&r->inherited);
        r->inherited = (struct az_connection_string){0};
    }
    return st;
}

static void find_endpoint(struct resolving *r)
{
    struct text *to = &r->to->endpoint;
    const char *value = option(r->options->endpoint_url);
    const char *from = "endpoint_url";

    if (!value && r->given.endpoint.len) {
        value = r->given.endpoint.data;
        from = "connection_string";
    }
    if (!value && (value = env("AZURE_STORAGE_ENDPOINT")))
        from = "AZURE_STORAGE_ENDPOINT";
    if (!value && (value = env("AZURE_BLOB_ENDPOINT_URL")))
        from = "AZURE_BLOB_ENDPOINT_URL";
    if (!value && r->inherited.endpoint.len) {
        value = r->inherited.endpoint.data;
        from = "AZURE_STORAGE_CONNECTION_STRING";
    }
    if (value) {
        text_str(to, value);
        say(r, "endpoint", from);
    } else {
        text_printf(to, "https://%s.blob.core.windows.net", r->to->account.data);
    }
}

static dlfw_status use_key(struct resolving *r, const char *base64, const char *from, dlfw_error *err)
{
    r->to->auth = AZ_KEY;
    if (!cloud_base64_decode(&r->to->key, base64, strlen(base64)) || !r->to->key.len)
        return dlfw_fail(err, DLFW_E_CONFIG, "the account key from %s is not base64", from);
    say(r, "account key", from);
    return DLFW_OK;
}

/* The token becomes a part of every URL. */
static dlfw_status use_sas(struct resolving *r, const char *sas, const char *from, dlfw_error *err)
{
    r->to->auth = AZ_SAS;
    sas += *sas == '?';
    if (!strstr(sas, "sig="))
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "the SAS token from %s has no 'sig='; give the query of the URL, without the URL", from);
    for (const char *c = sas; *c; c++)
        if (!isgraph((unsigned char)*c) || *c == '#' || *c == '?')
            return dlfw_fail(err, DLFW_E_CONFIG, "the SAS token from %s has a character that no query has", from);
    text_str(&r->to->sas, sas);
    say(r, "SAS token", from);
    return DLFW_OK;
}

static dlfw_status use_connection_string(struct resolving *r, const struct az_connection_string *c, const char *from,
                                         dlfw_error *err)
{
    return c->key.len ? use_key(r, c->key.data, from, err) : use_sas(r, c->sas.data, from, err);
}

static bool has_credential(const struct az_connection_string *c)
{
    return c->key.len || c->sas.len;
}

/* Tenants stand in the path of the token's URL. */
static dlfw_status check_tenant(const char *tenant, dlfw_error *err)
{
    for (const char *c = tenant; *c; c++)
        if (!isalnum((unsigned char)*c) && *c != '-' && *c != '.')
            return dlfw_fail(err, DLFW_E_CONFIG, "the tenant id has a character that no tenant id has");
    return DLFW_OK;
}

static dlfw_status use_secret(struct resolving *r, const char *secret, const char *from, dlfw_error *err)
{
    const char *tenant = pick(r, r->options->tenant_id, "tenant_id", "AZURE_TENANT_ID", "tenant");
    const char *client = pick(r, r->options->client_id, "client_id", "AZURE_CLIENT_ID", "client");

    r->to->auth = AZ_TOKEN;
    r->to->identity = AZ_IDENTITY_SECRET;
    if (!tenant || !client)
        return dlfw_fail(err, DLFW_E_CONFIG, "a client secret needs %s too", tenant ? "client_id" : "tenant_id");
    text_str(&r->to->tenant, tenant);
    text_str(&r->to->client, client);
    text_str(&r->to->secret, secret);
    say(r, "client secret", from);
    return check_tenant(tenant, err);
}

static dlfw_status use_managed(struct resolving *r, const char *from)
{
    const char *client = pick(r, r->options->client_id, "client_id", "AZURE_CLIENT_ID", "client");

    r->to->auth = AZ_TOKEN;
    r->to->identity = AZ_IDENTITY_MANAGED;
    if (client)
        text_str(&r->to->client, client);
    say(r, "managed identity", from);
    return DLFW_OK;
}

static dlfw_status use_federated(struct resolving *r, const char *file, dlfw_error *err)
{
    dlfw_status st = use_secret(r, "", "", err);

    r->to->identity = AZ_IDENTITY_FEDERATED;
    text_str(&r->to->token_file, file);
    say(r, "workload identity", "AZURE_FEDERATED_TOKEN_FILE");
    return st;
}

/* What the options name, at most one of them. DLFW_END: nothing. */
static dlfw_status from_options(struct resolving *r, dlfw_error *err)
{
    const struct az_options *o = r->options;
    int given = (option(o->account_key) != NULL) + (option(o->sas_token) != NULL) + (option(o->client_secret) != NULL) +
                (o->use_managed_identity != 0) + has_credential(&r->given);

    if (o->anonymous) {
        if (given)
            return bad_option(r, "anonymous", "anonymous access and credentials exclude each other", err);
        r->to->auth = AZ_ANONYMOUS;
        return DLFW_OK;
    }
    if (given > 1)
        return dlfw_fail(
            err, DLFW_E_CONFIG,
            "give one of account_key, sas_token, connection_string, client_secret and use_managed_identity");
    if (option(o->account_key))
        return use_key(r, o->account_key, "account_key", err);
    if (option(o->sas_token))
        return use_sas(r, o->sas_token, "sas_token", err);
    if (has_credential(&r->given))
        return use_connection_string(r, &r->given, "connection_string", err);
    if (option(o->client_secret))
        return use_secret(r, o->client_secret, "client_secret", err);
    if (o->use_managed_identity)
        return use_managed(r, "use_managed_identity");
    return DLFW_END;
}

static dlfw_status from_environment(struct resolving *r, dlfw_error *err)
{
    const char *value;

    if (has_credential(&r->inherited))
        return use_connection_string(r, &r->inherited, "AZURE_STORAGE_CONNECTION_STRING", err);
    if (r->env_is_ours && (value = env("AZURE_STORAGE_KEY")))
        return use_key(r, value, "AZURE_STORAGE_KEY", err);
    if (r->env_is_ours && (value = env("AZURE_STORAGE_SAS_TOKEN")))
        return use_sas(r, value, "AZURE_STORAGE_SAS_TOKEN", err);
    if ((value = env("AZURE_CLIENT_SECRET")))
        return use_secret(r, value, "AZURE_CLIENT_SECRET", err);
    if ((value = env("AZURE_FEDERATED_TOKEN_FILE")))
        return use_federated(r, value, err);
    if (env("IDENTITY_ENDPOINT"))
        return use_managed(r, "IDENTITY_ENDPOINT");
    return dlfw_fail(
        err, DLFW_E_AUTH,
        "there are no credentials for the account '%s'; set account_key, sas_token, connection_string, client_secret "
        "or use_managed_identity, or AZURE_STORAGE_KEY and its like in the environment, or anonymous for a public "
        "container",
        r->to->account.data);
}

static bool texts_failed(const struct az_settings *s)
{
    return s->account.failed || s->container.failed || s->prefix.failed || s->endpoint.failed || s->key.failed ||
           s->sas.failed || s->tenant.failed || s->client.failed || s->secret.failed || s->token_file.failed;
}

static dlfw_status resolve(struct resolving *r, dlfw_error *err)
{
    const char *account = env("AZURE_STORAGE_ACCOUNT");
    dlfw_status st = split_root(r->args->root ? r->args->root : "", r->to, err);

    if (st == DLFW_OK && texts_failed(r->to))
        st = DLFW_E_NO_MEMORY;
    if (st == DLFW_OK)
        st = read_connection_strings(r, err);
    if (st < 0)
        return st;
    r->env_is_ours = !account || strcmp(account, r->to->account.data) == 0;
    if (!r->env_is_ours)
        say(r, "nothing, it names another account,", "AZURE_STORAGE_ACCOUNT");
    find_endpoint(r);
    st = from_options(r, err);
    return st == DLFW_END ? from_environment(r, err) : st;
}

dlfw_status az_settings_resolve(const dlfw_create_args *args, struct az_settings *ret, dlfw_error *err)
{
    struct resolving r = {.args = args, .options = args->options, .to = ret};
    dlfw_status st;

    *ret = (struct az_settings){0};
    st = resolve(&r, err);
    if (st == DLFW_E_NO_MEMORY || (st == DLFW_OK && texts_failed(ret)))
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an instance");
    az_connection_string_free(&r.given);
    az_connection_string_free(&r.inherited);
    if (st < 0) {
        az_settings_free(ret);
        *ret = (struct az_settings){0};
    }
    return st;
}
