/* SPDX-License-Identifier: Apache-2.0 */
/* "AccountName=x;AccountKey=...;BlobEndpoint=http://..." as the portal, the emulator and the vendor's tools write it.
 * It holds secrets, so no message repeats a part of it but the names of its fields that we know. */
#include "azure.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Of the storage emulator; published by the vendor, the same everywhere. */
#define DEVELOPMENT_ACCOUNT "devstoreaccount1"
#define DEVELOPMENT_KEY "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
#define DEVELOPMENT_ENDPOINT "http://127.0.0.1:10000/" DEVELOPMENT_ACCOUNT

struct parts {
    struct az_connection_string *to;
    struct text protocol;
    struct text suffix;
    bool development;
};

void az_wipe(struct text *t)
{
    if (t->data)
        explicit_bzero(t->data, t->room);
    text_free(t);
}

void az_connection_string_free(struct az_connection_string *c)
{
    text_free(&c->account);
    az_wipe(&c->key);
    az_wipe(&c->sas);
    text_free(&c->endpoint);
}

static bool named(const char *name, size_t len, const char *expected)
{
    return len == strlen(expected) && strncasecmp(name, expected, len) == 0;
}

static dlfw_status set_once(struct text *to, const char *field, const char *value, size_t len, dlfw_error *err)
{
    if (to->len)
        return dlfw_fail(err, DLFW_E_CONFIG, "the connection string has %s twice", field);
    if (!len)
        return dlfw_fail(err, DLFW_E_CONFIG, "%s of the connection string is empty", field);
    text_add(to, value, len);
    return DLFW_OK;
}

/* Fields of other services (queues, tables, files) and unknown ones are passed over. */
static dlfw_status take_field(struct parts *p, const char *name, size_t name_len, const char *value, size_t len,
                              dlfw_error *err)
{
    const struct {
        const char *name;
        struct text *to;
    } fields[] = {
        {"AccountName", &p->to->account},           {"AccountKey", &p->to->key},
        {"SharedAccessSignature", &p->to->sas},     {"BlobEndpoint", &p->to->endpoint},
        {"DefaultEndpointsProtocol", &p->protocol}, {"EndpointSuffix", &p->suffix},
    };

    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (named(name, name_len, fields[i].name))
            return set_once(fields[i].to, fields[i].name, value, len, err);
    if (!named(name, name_len, "UseDevelopmentStorage"))
        return DLFW_OK;
    if (!named(value, len, "true"))
        return dlfw_fail(err, DLFW_E_CONFIG, "UseDevelopmentStorage of the connection string can only be true");
    p->development = true;
    return DLFW_OK;
}

static dlfw_status judge(const struct parts *p, dlfw_error *err)
{
    const struct az_connection_string *c = p->to;

    if (c->key.len && c->sas.len)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "the connection string has AccountKey and SharedAccessSignature; give one of them");
    if (c->key.len && !c->account.len)
        return dlfw_fail(err, DLFW_E_CONFIG, "the connection string has AccountKey but no AccountName");
    if (p->protocol.len && strcasecmp(p->protocol.data, "http") != 0 && strcasecmp(p->protocol.data, "https") != 0)
        return dlfw_fail(err, DLFW_E_CONFIG,
                         "DefaultEndpointsProtocol of the connection string is neither http nor https");
    if (!c->key.len && !c->sas.len && !c->endpoint.len && !c->account.len)
        return dlfw_fail(
            err, DLFW_E_CONFIG,
            "the connection string names neither AccountName, AccountKey, SharedAccessSignature nor BlobEndpoint");
    return DLFW_OK;
}

static void set_default(struct text *to, const char *value)
{
    if (!to->len)
        text_str(to, value);
}

/* What follows from the parts that are there. */
static void complete(struct parts *p)
{
    struct az_connection_string *c = p->to;

    if (p->development) {
        set_default(&c->account, DEVELOPMENT_ACCOUNT);
        set_default(&c->key, DEVELOPMENT_KEY);
        set_default(&c->endpoint, DEVELOPMENT_ENDPOINT);
    }
    if (!c->endpoint.len && c->account.len && (p->suffix.len || p->protocol.len))
        text_printf(&c->endpoint, "%s://%s.blob.%s", p->protocol.len ? p->protocol.data : "https", c->account.data,
                    p->suffix.len ? p->suffix.data : "core.windows.net");
}

dlfw_status az_connection_string_parse(const char *text, struct az_connection_string *ret, dlfw_error *err)
{
    struct parts p = {.to = ret};
    dlfw_status st = DLFW_OK;
    uint32_t number = 0;

    *ret = (struct az_connection_string){0};
    for (const char *at = text; *at && st == DLFW_OK;) {
        size_t len = strcspn(at, ";");
        const char *equals = memchr(at, '=', len);

        number++;
        if (len && !equals)
            st = dlfw_fail(err, DLFW_E_CONFIG, "part %u of the connection string is not NAME=VALUE", number);
        else if (len)
            st = take_field(&p, at, (size_t)(equals - at), equals + 1, len - (size_t)(equals + 1 - at), err);
        at += len;
        at += *at == ';';
    }
    if (st == DLFW_OK)
        complete(&p);
    if (st == DLFW_OK)
        st = judge(&p, err);
    if (st == DLFW_OK && (ret->account.failed || ret->key.failed || ret->sas.failed || ret->endpoint.failed ||
                          p.protocol.failed || p.suffix.failed))
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a connection string");
    text_free(&p.protocol);
    text_free(&p.suffix);
    if (st < 0) {
        az_connection_string_free(ret);
        *ret = (struct az_connection_string){0};
    }
    return st;
}
