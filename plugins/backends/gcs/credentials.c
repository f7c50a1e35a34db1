/* SPDX-License-Identifier: Apache-2.0 */
/* Credentials files as the vendor's tools write them. Their text holds keys: every copy of it is wiped. */
#include "credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_MAX ((size_t)256 << 10)
#define TOKEN_URI "https://oauth2.googleapis.com/token"

static void wipe_free(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void gcs_credentials_free(struct gcs_credentials *c)
{
    free(c->token_uri);
    free(c->project);
    free(c->client_email);
    free(c->key_id);
    EVP_PKEY_free(c->key);
    free(c->client_id);
    wipe_free(c->client_secret);
    wipe_free(c->refresh_token);
    *c = (struct gcs_credentials){0};
}

static dlfw_status take_text(const json_t *doc, const char *field, const char *name, char **ret, dlfw_error *err)
{
    const char *text = json_string_value(json_object_get(doc, field));

    if (!text || !*text)
        return dlfw_fail(err, DLFW_E_CONFIG, "the credentials in '%s' have no '%s'", name, field);
    *ret = strdup(text);
    return *ret ? DLFW_OK : dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the credentials in '%s'", name);
}

/* What may be missing. */
static dlfw_status take_optional(const json_t *doc, const char *field, const char *def, const char *name, char **ret,
                                 dlfw_error *err)
{
    const char *text = json_string_value(json_object_get(doc, field));

    if (!text || !*text)
        text = def;
    *ret = text ? strdup(text) : NULL;
    return text && !*ret ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the credentials in '%s'", name) : DLFW_OK;
}

static int no_password(char *buf, int size, int rwflag, void *ctx)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    (void)ctx;
    return -1;
}

static dlfw_status take_key(const json_t *doc, const char *name, EVP_PKEY **ret, dlfw_error *err)
{
    const char *pem = json_string_value(json_object_get(doc, "private_key"));
    BIO *bio;

    if (!pem)
        return dlfw_fail(err, DLFW_E_CONFIG, "the credentials in '%s' have no 'private_key'", name);
    bio = BIO_new_mem_buf(pem, -1);
    *ret = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_password, NULL) : NULL;
    BIO_free(bio);
    ERR_clear_error();
    if (!*ret || EVP_PKEY_get_base_id(*ret) != EVP_PKEY_RSA)
        return dlfw_fail(err, DLFW_E_CONFIG, "the 'private_key' of the credentials in '%s' is no RSA key in PEM form",
                         name);
    return DLFW_OK;
}

static dlfw_status take_service_account(const json_t *doc, const char *name, struct gcs_credentials *c, dlfw_error *err)
{
    dlfw_status st = take_text(doc, "client_email", name, &c->client_email, err);

    c->kind = GCS_SERVICE_ACCOUNT;
    if (st == DLFW_OK)
        st = take_optional(doc, "private_key_id", NULL, name, &c->key_id, err);
    if (st == DLFW_OK)
        st = take_optional(doc, "project_id", NULL, name, &c->project, err);
    return st == DLFW_OK ? take_key(doc, name, &c->key, err) : st;
}

static dlfw_status take_user(const json_t *doc, const char *name, struct gcs_credentials *c, dlfw_error *err)
{
    dlfw_status st = take_text(doc, "client_id", name, &c->client_id, err);

    c->kind = GCS_AUTHORIZED_USER;
    if (st == DLFW_OK)
        st = take_text(doc, "client_secret", name, &c->client_secret, err);
    return st == DLFW_OK ? take_text(doc, "refresh_token", name, &c->refresh_token, err) : st;
}

static dlfw_status take_document(const json_t *doc, const char *name, struct gcs_credentials *c, dlfw_error *err)
{
    const char *type = json_string_value(json_object_get(doc, "type"));
    dlfw_status st = take_optional(doc, "token_uri", TOKEN_URI, name, &c->token_uri, err);

    if (st < 0)
        return st;
    if (type && strcmp(type, "service_account") == 0)
        return take_service_account(doc, name, c, err);
    if (type && strcmp(type, "authorized_user") == 0)
        return take_user(doc, name, c, err);
    return dlfw_fail(
        err, DLFW_E_CONFIG,
        "the credentials in '%s' are of the type '%.40s'; known are service_account and authorized_user, for "
        "others give 'access_token'",
        name, type ? type : "");
}

dlfw_status gcs_credentials_parse(const char *data, size_t len, const char *name, struct gcs_credentials *ret,
                                  dlfw_error *err)
{
    struct gcs_credentials c = {0};
    json_t *doc = json_loadb(data, len, 0, NULL);
    dlfw_status st;

    if (!json_is_object(doc)) {
        json_decref(doc);
        return dlfw_fail(err, DLFW_E_CONFIG, "'%s' is no credentials file: it does not hold a JSON object", name);
    }
    st = take_document(doc, name, &c, err);
    json_decref(doc);
    if (st < 0)
        gcs_credentials_free(&c);
    else
        *ret = c;
    return st;
}

/* Reads up to cap bytes; SIZE_MAX: it failed. */
static size_t read_all(int fd, char *buf, size_t cap)
{
    size_t len = 0;

    while (len < cap) {
        ssize_t n = read(fd, buf + len, cap - len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return SIZE_MAX;
        if (n == 0)
            break;
        len += (size_t)n;
    }
    return len;
}

dlfw_status gcs_credentials_load(const char *path, struct gcs_credentials *ret, dlfw_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *data = NULL;
    dlfw_status st;
    size_t len;

    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot read the credentials in '%s'", path);
    data = malloc(FILE_MAX);
    len = data ? read_all(fd, data, FILE_MAX) : 0;
    if (!data)
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the credentials in '%s'", path);
    else if (len == SIZE_MAX)
        st = dlfw_fail_errno(err, errno, "cannot read the credentials in '%s'", path);
    else if (len == FILE_MAX)
        st = dlfw_fail(err, DLFW_E_CONFIG, "'%s' is no credentials file: it is too large", path);
    else
        st = gcs_credentials_parse(data, len, path, ret, err);
    if (data)
        explicit_bzero(data, FILE_MAX);
    free(data);
    close(fd);
    return st;
}
