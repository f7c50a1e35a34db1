/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend `az`: Azure Blob Storage. settings.c finds out who and where we are, message.c puts requests into HTTP
 * and signs them, build.c and answered.c are the operations, fault.c the service's errors.
 *
 * A key of a backend whose root is an account begins with the container's name; with a container as root it is the
 * blob's name below the root's prefix.
 */
#ifndef DLFW_BACKEND_AZURE_H
#define DLFW_BACKEND_AZURE_H

#include <stdatomic.h>

#include "../common/cloud/cloud.h"

#define AZ_VERSION "2021-12-02" /* of the REST interface: every service and emulator since 2022 speaks it */
#define AZ_BATCH_MAX                                                                                                   \
    64u /* the service takes 256, but works on one batch after the other and on several side by side                   \
         */
#define AZ_BLOCKS_MAX 50000u
#define AZ_BLOCK_MAX (4000ull << 20)
#define AZ_PUT_MAX (5000ull << 20)
#define AZ_KEY_MAX 1024u /* characters of a blob's name */

enum az_path_style { AZ_PATH_AUTO, AZ_PATH_ALWAYS, AZ_PATH_NEVER };
enum az_checksums { AZ_CHECKSUMS_NONE, AZ_CHECKSUMS_MD5 };

struct az_options {
    HTTP_OPTION_MEMBERS
    const char *endpoint_url;
    uint32_t path_style;
    const char *account_key;
    const char *sas_token;
    const char *connection_string;
    const char *tenant_id;
    const char *client_id;
    const char *client_secret;
    uint8_t use_managed_identity;
    uint32_t checksums;
};

/* ---- settings.c: who, where, with what ---- */

enum az_auth { AZ_ANONYMOUS, AZ_KEY, AZ_SAS, AZ_TOKEN };
enum az_identity { AZ_IDENTITY_NONE, AZ_IDENTITY_SECRET, AZ_IDENTITY_FEDERATED, AZ_IDENTITY_MANAGED };

/* All texts are owned; az_settings_free wipes them. */
struct az_settings {
    struct text account;
    struct text container; /* "": all of the account */
    struct text prefix;    /* "" or "data/train/" */
    struct text endpoint;  /* "https://account.blob.core.windows.net", may carry a path */
    enum az_auth auth;
    struct text key; /* decoded */
    struct text sas; /* without '?' */
    enum az_identity identity;
    struct text tenant;
    struct text client;
    struct text secret;
    struct text token_file;
};

dlfw_status az_settings_resolve(const dlfw_create_args *args, struct az_settings *ret, dlfw_error *err);
void az_settings_free(struct az_settings *s);
void az_wipe(struct text *t); /* overwrites and frees */

/* ---- connection_string.c ---- */

struct az_connection_string {
    struct text account;
    struct text key; /* base64, as written */
    struct text sas;
    struct text endpoint; /* BlobEndpoint, or made from the protocol and the suffix when the account is known */
};

/* Messages never repeat what the text holds. */
dlfw_status az_connection_string_parse(const char *text, struct az_connection_string *ret, dlfw_error *err);
void az_connection_string_free(struct az_connection_string *c);

/* ---- place.c: names ---- */

/* A container's part of a key and the blob's; lengths 0: not named. */
struct az_place {
    const char *container;
    size_t container_len;
    const char *blob;
    size_t blob_len;
};

/* Where an endpoint leads: its origin, and the encoded path in front of "/container" ("" or "/devstoreaccount1"). */
dlfw_status az_endpoint_parse(const char *url, const char *account, enum az_path_style style,
                              struct http_origin *origin, struct text *base, dlfw_error *err);
/* Refuses what the service would not keep under the same name. */
dlfw_status az_blob_name_check(const char *name, size_t len, dlfw_error *err);
dlfw_status az_container_name_check(const char *name, size_t len, dlfw_error *err);
/* container "": the key's first part is it. */
struct az_place az_place_of(const char *container, size_t container_len, const char *key, size_t len);
/* Whether a secret may be sent there as it is: over TLS, or without leaving the machine. */
bool az_origin_is_safe(const struct http_origin *origin);
/* Undoes percent-encoding in place and returns the new length; SIZE_MAX: malformed. */
size_t az_decode(char *text, size_t len);

/* ---- message.c: a request's head, signed ---- */

struct az_field {
    const char *name; /* lower case */
    const char *value;
    size_t len;
};

struct az_message {
    const char *method;
    struct az_place place;
    struct az_field query[8];
    uint32_t queries;
    struct az_field headers[8]; /* x-ms-*, but for the date and the version */
    uint32_t header_count;
    const char *range; /* "bytes=0-99"; NULL: none */
    size_t range_len;
    const char *content_type;
    const char *content_md5;
    bool only_new; /* If-None-Match: * */
    bool has_body;
    bool inner; /* inside a batch: no host, no version */
    uint64_t body_len;
    const struct text *target; /* redirected: path and query as they are; NULL: from place and query */
};

struct az_access {
    enum az_auth auth;
    const char *account;
    const struct text *base;  /* path in front of "/container" */
    const struct text *fixed; /* "Host: ...\r\nUser-Agent: ...\r\n" */
    const struct text *key;
    const struct text *sas;
    const char *token; /* AZ_TOKEN */
};

void az_query(struct az_message *m, const char *name, const char *value, size_t len);
void az_query_str(struct az_message *m, const char *name, const char *value);
void az_header(struct az_message *m, const char *name, const char *value);
/* Adds the whole head to `head`; `scratch` is used for what is signed. date: "Sat, 21 Nov 2026 12:34:56 GMT". */
dlfw_status az_compose(const struct az_access *access, const struct az_message *m, const char *date, struct text *head,
                       struct text *scratch, dlfw_error *err);

/* ---- token.c: bearer tokens ---- */

struct az_identity_source {
    const dlfw_host *host;
    void *host_ctx;
    struct http_client *client;
    const struct az_settings *settings;
};

dlfw_status az_token_fetch(void *source, struct text *value, uint64_t *expires_s, dlfw_error *err);
/* The answer of a token endpoint: {"access_token": ..., "expires_in" or "expires_on": ...}. */
dlfw_status az_token_parse(const char *json, size_t len, uint64_t now_s, struct text *value, uint64_t *expires_s,
                           dlfw_error *err);

/* ---- the instance ---- */

struct dlfw_backend {
    struct cloud cloud; /* first */
    struct az_settings settings;
    struct http_origin origin;
    struct text base;
    struct text fixed;
    struct cloud_token token;
    struct http_client *direct; /* without proxy, for the metadata service; NULL: not needed */
    struct az_identity_source source;
    bool md5;
    _Atomic int64_t skew_s; /* the service's clock against ours */
};

/* Steps of a call beyond the first. */
enum az_step {
    AZ_FIRST = 0,
    AZ_VERIFY, /* PUT, COMMIT: is it there as it was sent? */
    AZ_OWN,    /* COMMIT: is what is there ours? */
    AZ_LOOK,   /* REMOVE_ROOT: is anything in it? MAKE_ROOT: is it there? */
    AZ_REMOVE, /* REMOVE_ROOT */
    AZ_POLL,   /* COPY */
    AZ_BLOBS,  /* LIST of everything in an account: the blobs of one container */
    AZ_SETTLED /* nothing more to ask */
};

/* call->note */
enum { AZ_NOTE_MD5 = 0, AZ_NOTE_FLAGS = 2, AZ_NOTE_WHEN = 3 };
enum { AZ_HAS_MD5 = 1u << 0, AZ_RENEWED = 1u << 1, AZ_CLOCK_SET = 1u << 2 };

struct dlfw_backend *az_backend(const struct cloud_call *call);

/* build.c */
dlfw_status az_build(struct cloud_call *call, dlfw_error *err);
/* Composes m as the head of call->x, or into `to` for a message inside a batch. */
dlfw_status az_send(struct cloud_call *call, const struct az_message *m, struct text *to, dlfw_error *err);

/* upload.c */
dlfw_status az_build_upload(struct cloud_call *call, dlfw_error *err);
dlfw_status az_answered_commit(struct cloud_call *call, dlfw_error *err);
/* The name of block `number` of the upload `id`: all of the same length, no two uploads share one. */
void az_block_id(const struct text *id, uint64_t number, struct text *to);

/* list.c */
dlfw_status az_build_list(struct cloud_call *call, dlfw_error *err);
dlfw_status az_answered_list(struct cloud_call *call, dlfw_error *err);
/* One page. names go to each(); next: where the following page begins, "" for none. */
struct az_page {
    void *ctx;
    bool (*each)(void *ctx, const char *name, size_t len, uint64_t size, uint64_t mtime_ns); /* false: out of memory */
    struct text next;
};
dlfw_status az_page_parse(const char *xml, size_t len, struct az_page *page, dlfw_error *err);

/* batch.c */
dlfw_status az_build_batch(struct cloud_call *call, dlfw_error *err);
dlfw_status az_answered_batch(struct cloud_call *call, dlfw_error *err);
/* What the answer to a batch says of each request. index UINT32_MAX: of all of them. */
struct az_batch_sink {
    void *ctx;
    void (*each)(void *ctx, uint32_t index, int32_t http_status, const char *code, const char *message);
};
dlfw_status az_batch_parse(const char *content_type, const char *data, size_t len, const struct az_batch_sink *sink,
                           dlfw_error *err);

/* answered.c */
dlfw_status az_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status az_whole_check(struct cloud_call *call, dlfw_error *err);

/* fault.c */
bool az_explain(struct cloud_call *call, struct cloud_fault *fault);
/* True when a batch was refused for being one. */
bool az_give_up_batches(struct cloud_call *call, int32_t http_status, const char *code);
/* Corrects what the HTTP status says by the service's own word. */
void az_fault_of_word(const char *code, struct cloud_fault *fault);
/* "Code" and the first line of "Message" of an error document. */
void az_error_parse(const char *xml, size_t len, struct cloud_fault *fault);

#endif
