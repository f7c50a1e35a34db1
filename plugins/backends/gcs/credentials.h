/* SPDX-License-Identifier: Apache-2.0 */
/* What a credentials file holds, and the signed assertion that a service account asks for a token with. */
#ifndef DLFW_GCS_CREDENTIALS_H
#define DLFW_GCS_CREDENTIALS_H

#include <openssl/evp.h>

#include "../common/cloud/cloud.h"

enum gcs_credentials_kind {
    GCS_ANONYMOUS,
    GCS_FIXED_TOKEN,     /* given by the user */
    GCS_SERVICE_ACCOUNT, /* a key that signs */
    GCS_AUTHORIZED_USER, /* a refresh token */
    GCS_METADATA         /* the machine's, from the metadata server */
};

struct gcs_credentials {
    enum gcs_credentials_kind kind;
    char *token_uri;
    char *project;      /* NULL: the file names none */
    char *client_email; /* service account */
    char *key_id;
    EVP_PKEY *key;
    char *client_id; /* authorized user */
    char *client_secret;
    char *refresh_token;
};

/* Reads the JSON of a credentials file; name is for messages. */
dlfw_status gcs_credentials_parse(const char *data, size_t len, const char *name, struct gcs_credentials *ret,
                                  dlfw_error *err);
/* The same for the file at path. DLFW_E_NOT_FOUND: there is none. */
dlfw_status gcs_credentials_load(const char *path, struct gcs_credentials *ret, dlfw_error *err);
void gcs_credentials_free(struct gcs_credentials *c); /* secrets are wiped */

/* "header.claims.signature" of RFC 7523, signed with RS256, good for an hour from now_s on. */
dlfw_status gcs_assertion(const struct gcs_credentials *c, uint64_t now_s, struct text *to, dlfw_error *err);

#endif
