/* SPDX-License-Identifier: Apache-2.0 */
/* AWS Signature Version 4 as S3 and STS want it. Pure: time, region and keys come from the caller. */
#ifndef DLFW_S3_SIGN_H
#define DLFW_S3_SIGN_H

#include "../common/cloud/cloud.h"

#define S3_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define S3_UNSIGNED "UNSIGNED-PAYLOAD"
#define S3_STREAMING "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
#define S3_STREAMING_TRAILER "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
#define S3_UNSIGNED_TRAILER "STREAMING-UNSIGNED-PAYLOAD-TRAILER"

#define S3_HEADERS_MAX 24u

/* Headers that are signed; name in small letters, a literal. The value lies in struct s3_headers.values. */
struct s3_header {
    const char *name;
    size_t at;
    size_t len;
};

struct s3_headers {
    struct s3_header rows[S3_HEADERS_MAX]; /* by name */
    uint32_t count;
    struct text values; /* failed also says that there were too many */
};

void s3_headers_add(struct s3_headers *h, const char *name, const char *value, size_t len);
void s3_headers_str(struct s3_headers *h, const char *name, const char *value);
/* "name: value\r\n" for each. */
void s3_headers_write(const struct s3_headers *h, struct text *to);
void s3_headers_free(struct s3_headers *h);

/* What a signature covers beside the headers. */
struct s3_scope {
    char time[17]; /* "20130524T000000Z"; the day is its first eight letters */
    const char *region;
    const char *service; /* "s3", "sts" */
    const char *access_key_id;
    const uint8_t *key; /* s3_signing_key() of day, region and service */
};

void s3_signing_key(const char *secret, const char *time, const char *region, const char *service, uint8_t ret[32]);

/* path: encoded, from '/' on. query: encoded, sorted, every name with '='. payload: the hash or one of the words above.
 */
void s3_canonical_request(struct text *to, const char *method, const char *path, const char *query,
                          const struct s3_headers *headers, const char *payload);
/* The signature of a canonical request, 64 letters. False: out of memory. */
bool s3_signature(const struct s3_scope *scope, const struct text *canonical, char ret[65]);
/* "AWS4-HMAC-SHA256 Credential=...,SignedHeaders=...,Signature=..." */
void s3_authorization(struct text *to, const struct s3_scope *scope, const struct s3_headers *headers,
                      const char *signature);
/* The signature of a chunk of STREAMING-AWS4-HMAC-SHA256-PAYLOAD, or of its trailer, after the one before it. */
void s3_chunk_signature(const struct s3_scope *scope, const char *previous, const void *data, size_t len, char ret[65]);
void s3_trailer_signature(const struct s3_scope *scope, const char *previous, const char *trailer, size_t len,
                          char ret[65]);
/* A query that carries the signature itself: "X-Amz-Algorithm=...&X-Amz-Signature=...". extra: further parameters in
 * canonical form, all after "X-Amz-SignedHeaders" in order, or "". headers: "host" at least. */
void s3_presign(struct text *to, const struct s3_scope *scope, const char *method, const char *path, const char *extra,
                const char *token, uint64_t expires_s, const struct s3_headers *headers);

/* A query as somebody else wrote it, brought into canonical form: decoded, encoded anew, sorted. False: too many
 * parameters, or not decodable. */
bool s3_canonical_query(struct text *to, const char *query, size_t len);

#endif
