/* SPDX-License-Identifier: Apache-2.0 */
/* Buckets and objects: how a root names them, which names there can be, and how they stand in requests. */
#ifndef DLFW_GCS_PLACE_H
#define DLFW_GCS_PLACE_H

#include <stdbool.h>
#include <stddef.h>

#include "dlfw/base.h"

#include "../common/http/text.h"

struct gcs_place {
    const char *bucket;
    size_t bucket_len;
    const char *object;
    size_t object_len;
};

/* "bucket/prefix" -> "bucket" and "prefix/"; "" -> "" and "". Both are to be freed. */
dlfw_status gcs_root_parse(const char *root, char **ret_bucket, char **ret_prefix, dlfw_error *err);
/* Where key is: in bucket, or in the bucket that its first component names when bucket is "". Points into both. */
dlfw_status gcs_place_of(const char *bucket, const char *key, size_t len, struct gcs_place *ret, dlfw_error *err);
/* Names that no object can have. */
dlfw_status gcs_object_check(const struct gcs_place *place, dlfw_error *err);

/* "/storage/v1/b/bucket/o/a%2Fb" */
void gcs_add_object(struct text *to, const struct gcs_place *place);
/* "/storage/v1/b/bucket" */
void gcs_add_bucket(struct text *to, const struct gcs_place *place);
/* "a \"name\"" with its quotes, for JSON; data is UTF-8. */
void gcs_add_json(struct text *to, const char *data, size_t len);

#endif
