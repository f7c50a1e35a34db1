/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend `s3`. The queue, its calls and everything that is the same for all object stores lie in ../common/cloud;
 * here are S3's requests, answers, signatures and errors.
 *
 * A call goes from step to step, each of them one exchange: build() looks at the step and makes the request, answered()
 * and explain() say which step is next. S3_START is the first step of every operation, and the only one of most.
 */
#ifndef DLFW_S3_H
#define DLFW_S3_H

#include "credentials.h"
#include "options.h"
#include "settings.h"
#include "sign.h"

#define S3_PART_MIN (5ull << 20)
#define S3_PART_MAX (5ull << 30)
#define S3_PARTS_MAX 10000u
#define S3_COPY_MAX (5ull << 30) /* larger objects are copied in parts */

enum s3_step {
    S3_START = 0,
    S3_FINISHED,      /* nothing to send: the call is done */
    S3_WRITE,         /* PUT, or DELETE of a bucket, after the look before it */
    S3_LOOK,          /* HEAD: is there an object already? GET: is there one in the bucket? */
    S3_VERIFY,        /* HEAD: is it what was written? */
    S3_CREATE_BUCKET, /* PUT bucket, after the HEAD that found none */
    S3_LOOK_AGAIN,    /* HEAD bucket, after somebody else made it */
    S3_DROP_EMPTY,    /* abort of an upload without parts */
    S3_PUT_EMPTY,     /* and what takes its place */
    S3_CHECK_COMMIT,  /* HEAD: did a commit whose answer was lost succeed? */
    S3_COPY_SIZE,     /* HEAD of a source that is too large for one request */
    S3_COPY_BEGIN,
    S3_COPY_PART,
    S3_COPY_COMMIT,
    S3_COPY_ABORT
};

/* The signing key of the day and what it was made of. */
struct s3_ring {
    struct text value; /* "id\nsecret\ntoken" */
    char day[9];
    char region[S3_REGION_MAX + 1];
    uint8_t key[32];
};

struct dlfw_backend {
    struct cloud cloud; /* first: the queue knows only this */
    struct cloud_service service;
    const struct s3_options *options;
    struct s3_root root;
    struct s3_profiles profiles;
    struct s3_settings settings;
    struct s3_chain chain;
    char user_agent[64];
    bool is_amazon; /* keeps If-None-Match and checksums as documented: needs no second look */
    _Atomic int64_t clock_offset_s;
    _Atomic bool checksums_refused;
    pthread_mutex_t lock; /* of region and ring */
    char region[S3_REGION_MAX + 1];
    struct s3_ring ring;
};

/* ---- identity.c: who signs, when and for which region ---- */
struct s3_identity {
    struct text value;
    struct s3_parts parts;
    char region[S3_REGION_MAX + 1];
    char time[17];
    uint8_t key[32];
};
dlfw_status s3_identity_get(dlfw_backend *be, struct s3_identity *ret, dlfw_error *err);
void s3_identity_free(struct s3_identity *id);
/* The credentials that signed head were refused. True: there are other ones now. */
bool s3_identity_refused(dlfw_backend *be, const struct text *head);
void s3_region_get(dlfw_backend *be, char ret[S3_REGION_MAX + 1]);
void s3_region_set(dlfw_backend *be, const char *region);

/* ---- request.c: one request, from parts to a signed head ---- */
struct s3_request {
    const char *method;
    const char *bucket;
    size_t bucket_len; /* 0: the service itself */
    const char *key;
    size_t key_len;    /* 0: the bucket itself */
    struct text query; /* canonical */
    struct s3_headers headers;
    struct text plain; /* "Range: ...\r\n": lines that are not signed */
    const void *data;  /* of the body */
    uint64_t len;
    bool has_body;
    bool checksum;   /* with the body's CRC-32C */
    uint32_t crc32c; /* of it, once composed */
    enum s3_payload payload;
    bool presigned;
};
void s3_request_free(struct s3_request *r);
/* Bucket and key of a full key; false: no bucket in it. */
bool s3_request_target(const dlfw_backend *be, const struct text *key, struct s3_request *r);
/* What all writers of objects send: storage class, encryption. */
void s3_request_writing(const dlfw_backend *be, struct s3_request *r);
/* Into call->x; frees the request's texts whatever happens. */
dlfw_status s3_request_send(struct cloud_call *call, struct s3_request *r, dlfw_error *err);
/* Blocking and without a call: one request, its answer in x. A bad answer is a failure. */
dlfw_status s3_request_fetch(dlfw_backend *be, struct s3_request *r, struct http_exchange *x, dlfw_error *err);
bool s3_uses_checksums(const dlfw_backend *be);

/* ---- reply.c ---- */
struct s3_pick {
    const char *element; /* directly below the root */
    char *to;
    size_t cap;
};
/* Texts of elements, "" when absent, cut when too long (cut elements of ids are refused by their readers); the root's
 * name. Anything but XML: "" for all, DLFW_E_CORRUPT. */
dlfw_status s3_reply_pick(const struct text *reply, char root[64], const struct s3_pick *picks, uint32_t count,
                          dlfw_error *err);
/* An <Error> in an answer of code 200 is the failure; a root that does not begin with `root` DLFW_E_CORRUPT.
 * Beginnings, since services differ in whether "Result" follows. */
dlfw_status s3_reply_expect(const struct cloud_call *call, const char *root, const struct s3_pick *picks,
                            uint32_t count, dlfw_error *err);
/* Status and flags of one of the service's words; false: not known. */
bool s3_code_meaning(const char *code, dlfw_status *status, uint32_t *flags);
bool s3_number(const char *text, size_t len, uint64_t *ret);
/* "yZRlqg==" of x-amz-checksum-crc32c; false: none, of parts, or no checksum of this kind. */
bool s3_checksum_of(const struct http_exchange *x, uint32_t *ret);
/* Percent-decodes in place what encoding-type=url has encoded; returns the length. */
size_t s3_url_decode(char *text, size_t len);

/* ---- explain.c ---- */
bool s3_explain(struct cloud_call *call, struct cloud_fault *fault);
/* The words of an answer, without acting on them. */
void s3_read_fault(const struct http_exchange *x, struct cloud_fault *fault);

/* ---- operations; build and answered of each ---- */
dlfw_status s3_get_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_head_build(struct cloud_call *call, const struct text *key, dlfw_error *err);
dlfw_status s3_stat_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_put_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_put_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_delete_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_batch_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_batch_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_list_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_list_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_upload_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_upload_answered(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_copy_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_copy_answered(struct cloud_call *call, dlfw_error *err);
bool s3_copy_explain(struct cloud_call *call, const struct cloud_fault *fault);
dlfw_status s3_bucket_build(struct cloud_call *call, dlfw_error *err);
dlfw_status s3_bucket_answered(struct cloud_call *call, dlfw_error *err);
bool s3_bucket_explain(struct cloud_call *call, struct cloud_fault *fault);

/* Element list of CompleteMultipartUpload. */
void s3_add_part(struct text *xml, uint32_t number, const char *tag, const uint32_t *crc32c);
/* Compares what HEAD says with what was written. crc32c: NULL: not known. */
dlfw_status s3_compare_written(struct cloud_call *call, uint64_t size, const uint32_t *crc32c, dlfw_error *err);
dlfw_status s3_leftovers(dlfw_backend *be, const char *prefix,
                         int32_t (*found)(void *ctx, const char *name, uint32_t name_len, uint64_t size), void *ctx,
                         dlfw_error *err);

#endif
