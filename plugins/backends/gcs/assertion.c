/* SPDX-License-Identifier: Apache-2.0 */
/* JSON Web Tokens of service accounts: two JSON objects and a signature over them, each in URL-safe base64. */
#include "credentials.h"

#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

#define SCOPE "https://www.googleapis.com/auth/devstorage.read_write"
#define LIFE_S 3600u

static void add_member(struct text *json, const char *name, const char *value)
{
    text_printf(json, "%c\"%s\":", json->len ? ',' : '{', name);
    gcs_add_json(json, value, strlen(value));
}

static void add_header(const struct gcs_credentials *c, struct text *to)
{
    struct text json = {0};

    add_member(&json, "alg", "RS256");
    add_member(&json, "typ", "JWT");
    if (c->key_id)
        add_member(&json, "kid", c->key_id);
    text_char(&json, '}');
    cloud_base64(to, json.data, json.len, true);
    to->failed |= json.failed;
    text_free(&json);
}

static void add_claims(const struct gcs_credentials *c, uint64_t now_s, struct text *to)
{
    struct text json = {0};

    add_member(&json, "iss", c->client_email);
    add_member(&json, "scope", SCOPE);
    add_member(&json, "aud", c->token_uri);
    text_printf(&json, ",\"iat\":%llu,\"exp\":%llu}", (unsigned long long)now_s, (unsigned long long)(now_s + LIFE_S));
    cloud_base64(to, json.data, json.len, true);
    to->failed |= json.failed;
    text_free(&json);
}

static bool sign(EVP_PKEY *key, const struct text *signed_part, struct text *to)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char *signature = NULL;
    size_t len = 0;
    bool ok;

    ok = ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
         EVP_DigestSign(ctx, NULL, &len, (const unsigned char *)signed_part->data, signed_part->len) == 1;
    signature = ok ? malloc(len) : NULL;
    ok = signature &&
         EVP_DigestSign(ctx, signature, &len, (const unsigned char *)signed_part->data, signed_part->len) == 1;
    if (ok)
        cloud_base64(to, signature, len, true);
    free(signature);
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok && !to->failed;
}

dlfw_status gcs_assertion(const struct gcs_credentials *c, uint64_t now_s, struct text *to, dlfw_error *err)
{
    struct text signature = {0};
    dlfw_status st = DLFW_OK;

    add_header(c, to);
    text_char(to, '.');
    add_claims(c, now_s, to);
    if (to->failed || !sign(c->key, to, &signature))
        st = dlfw_fail(err, DLFW_E_INTERNAL, "cannot sign with the key of '%s'", c->client_email);
    text_char(to, '.');
    text_add(to, signature.data, signature.len);
    text_free(&signature);
    return st;
}
