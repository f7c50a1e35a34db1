/* SPDX-License-Identifier: Apache-2.0 */
/* Who we are: credentials, and the bearer token that comes of them. */
#ifndef DLFW_GCS_AUTH_H
#define DLFW_GCS_AUTH_H

#include "credentials.h"

struct gcs_auth {
    const dlfw_host *host;
    void *host_ctx;
    struct gcs_credentials credentials;
    const char *fixed_token;        /* GCS_FIXED_TOKEN; the host's */
    struct http_client *client;     /* where tokens are fetched; not owned */
    struct http_client *own_client; /* GCS_METADATA: the same without proxy */
    struct http_origin metadata;    /* GCS_METADATA */
    struct cloud_token token;
};

void gcs_auth_init(struct gcs_auth *auth, const dlfw_host *host, void *host_ctx);
void gcs_auth_fini(struct gcs_auth *auth);
/* "Authorization: Bearer ...\r\n", or nothing. May fetch. */
dlfw_status gcs_auth_header(struct gcs_auth *auth, struct text *to, dlfw_error *err);
/* The service refused what head carries. True: another token can be had. */
bool gcs_auth_refused(struct gcs_auth *auth, const struct text *head);

#endif
