/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, from the first source that has some, in Amazon's order: options, environment, web identity, profile
 * (keys, roles, programs), container, instance. Found once, renewed before they end, never in a message.
 */
#ifndef DLFW_S3_CREDENTIALS_H
#define DLFW_S3_CREDENTIALS_H

#include "options.h"
#include "profile.h"

struct s3_chain {
    const dlfw_host *host;
    void *host_ctx;
    const struct s3_options *options;
    const struct s3_profiles *profiles;
    struct http_client_args client; /* for STS: timeouts, authorities, proxy */
    char region[64];                /* for STS */
    struct cloud_token token;
};

void s3_chain_init(struct s3_chain *chain, const dlfw_create_args *args, const struct s3_options *options,
                   const struct s3_profiles *profiles, const struct http_client_args *client, const char *region);
void s3_chain_fini(struct s3_chain *chain);

/* What a source found: "id\nsecret\ntoken", the form that is kept. */
struct s3_found {
    struct text value;
    uint64_t expires_s; /* UINT64_MAX: never */
    const char *source; /* for the log */
};

/* "id\nsecret\ntoken" into *ret; may block while they are fetched. */
dlfw_status s3_chain_get(struct s3_chain *chain, struct text *ret, dlfw_error *err);
/* The service refused the credentials with this id: the next get finds new ones. */
void s3_chain_drop(struct s3_chain *chain, const char *value);

/* ---- sources ----
 * DLFW_OK: found. DLFW_END: this source is not set up, the next one may have some. Negative: it is, and fails. */
dlfw_status s3_from_options(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
dlfw_status s3_from_environment(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
dlfw_status s3_from_web_identity(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
dlfw_status s3_from_profile(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
dlfw_status s3_from_container(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
dlfw_status s3_from_instance(const struct s3_chain *chain, struct s3_found *ret, dlfw_error *err);
/* The output of a program ("credential_process"). */
dlfw_status s3_from_process(const struct s3_chain *chain, const char *command, struct s3_found *ret, dlfw_error *err);

/* ---- what sources use ---- */

/* Checks what is there: printable, both of id and secret. token may be NULL. source: a literal. */
dlfw_status s3_found_set(struct s3_found *found, const char *id, const char *secret, const char *token,
                         uint64_t expires_s, const char *source, dlfw_error *err);
void s3_found_free(struct s3_found *found); /* wipes it */
/* {"AccessKeyId", "SecretAccessKey", token_name, "Expiration"}; source names the answer in messages too. */
dlfw_status s3_found_json(struct s3_found *found, const char *json, size_t len, const char *token_name,
                          const char *source, dlfw_error *err);
/* The first lines of a file into *ret, without blanks at its end. */
dlfw_status s3_read_token_file(const char *path, struct text *ret, dlfw_error *err);

/* One exchange with a service of credentials. */
struct s3_ask {
    const char *method;
    const char *url;
    const char *headers; /* "name: value\r\n" lines */
    const char *body;    /* NULL: none */
    uint64_t timeout_ns;
    bool direct; /* services of this machine: no proxy */
};
/* DLFW_OK: an answer, whatever its code. */
dlfw_status s3_ask(const struct s3_chain *chain, const struct s3_ask *ask, struct text *reply, int32_t *ret_code,
                   dlfw_error *err);

/* ---- sts.c ---- */
struct s3_role {
    const char *arn;
    const char *session; /* NULL: one is made up */
    const char *external_id;
    const char *duration;   /* seconds, as text */
    const char *token_file; /* web identity */
};
dlfw_status s3_sts_assume_role(const struct s3_chain *chain, const struct s3_role *role, const struct s3_found *base,
                               struct s3_found *ret, dlfw_error *err);
dlfw_status s3_sts_web_identity(const struct s3_chain *chain, const struct s3_role *role, struct s3_found *ret,
                                dlfw_error *err);

/* Parts of "id\nsecret\ntoken", made strings in place. */
struct s3_parts {
    char *id, *secret, *token;
};
struct s3_parts s3_parts_of(char *value);

#endif
