/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what the service answers: JSON resources, error documents, hashes and ranges in headers. */
#ifndef DLFW_GCS_RESOURCE_H
#define DLFW_GCS_RESOURCE_H

#include <jansson.h>

#include "../common/cloud/cloud.h"

/* An object resource. Texts are the document's; NULL: not there. */
struct gcs_object {
    bool has_size, has_crc32c, has_md5;
    uint32_t crc32c;
    uint64_t size;
    uint64_t mtime_ns;
    uint8_t md5[16];
    const char *etag;
    const char *content_type;
    const char *content_encoding;
    const char *storage_class;
    const char *generation; /* digits */
    const json_t *metadata;
};

/* The object that data is in JSON; NULL with DLFW_E_CORRUPT. */
json_t *gcs_json_parse(const char *data, size_t len, dlfw_error *err);
/* 64-bit numbers travel as text; some servers write them as numbers. False: neither. */
bool gcs_u64(const json_t *value, uint64_t *ret);
void gcs_object_read(const json_t *doc, struct gcs_object *ret);
/* "name: value\n" lines of what the writer attached; values with line ends are left out. */
void gcs_metadata_lines(const json_t *metadata, struct text *to);
/* A page of a listing. bucket: goes in front of each name with a '/', NULL: nothing does. scratch is overwritten. */
dlfw_status gcs_list_read(const json_t *doc, const char *bucket, size_t bucket_len, struct text *scratch,
                          struct cloud_list *list, dlfw_error *err);
/* A page of the project's buckets. */
dlfw_status gcs_buckets_read(const json_t *doc, struct text *scratch, struct cloud_list *list, dlfw_error *err);
/* The service's words from an error document or a line of plain text. ret_reason: "rateLimitExceeded". */
void gcs_fault_read(const char *data, size_t len, struct cloud_fault *fault, char ret_reason[64]);

/* "AAAAAA==": a CRC as the service writes it. */
void gcs_add_crc32c(struct text *to, uint32_t crc32c);
bool gcs_crc32c_parse(const char *text, size_t len, uint32_t *ret);
/* The CRC-32C among "crc32c=AAAAAA==,md5=..."; false: none. */
bool gcs_hash_header(const char *value, size_t len, uint32_t *ret);
/* "bytes=0-524287" -> 524288: how much of an upload is kept; "" -> 0. False: not such a range. */
bool gcs_range_parse(const char *value, size_t len, uint64_t *ret);

#endif
