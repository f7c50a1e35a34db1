/* SPDX-License-Identifier: Apache-2.0 */
/* What stands after "s3://": endpoint, bucket and prefix. */
#ifndef DLFW_S3_ROOT_H
#define DLFW_S3_ROOT_H

#include "../common/cloud/cloud.h"

#define S3_BUCKET_MAX 255u

struct s3_root {
    bool has_endpoint; /* "host:port/..." or "localhost/..." */
    struct http_origin endpoint;
    char bucket[S3_BUCKET_MAX + 1]; /* "": all buckets, the first part of each key is one */
    char *prefix;                   /* "" or "a/b/"; owned */
};

/* The first part is an endpoint only when it has a ':' or is "localhost"; bucket names may have dots and begin with
 * digits.
 */
dlfw_status s3_root_parse(const char *root, struct s3_root *ret, dlfw_error *err);
void s3_root_free(struct s3_root *root);

/* Letters, digits, '.', '-' and '_': what can stand in a path and a Host header. */
bool s3_bucket_valid(const char *name, size_t len);
/* True when the bucket may become a part of the host's name: small letters, digits and '-', 3 to 63 of them; dots would
 * break the certificate's name, so they only pass without TLS. */
bool s3_bucket_is_host(const char *name, size_t len, bool tls);

#endif
