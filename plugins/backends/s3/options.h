/* SPDX-License-Identifier: Apache-2.0 */
#ifndef DLFW_S3_OPTIONS_H
#define DLFW_S3_OPTIONS_H

#include "../common/cloud/cloud.h"

enum s3_addressing { S3_ADDRESS_AUTO, S3_ADDRESS_PATH, S3_ADDRESS_VIRTUAL };

enum s3_payload { S3_PAYLOAD_UNSIGNED, S3_PAYLOAD_SIGNED, S3_PAYLOAD_STREAMING, S3_PAYLOAD_UNSIGNED_TRAILER };

struct s3_options {
    HTTP_OPTION_MEMBERS
    const char *endpoint_url;
    const char *region;
    const char *access_key_id;
    const char *secret_access_key;
    const char *session_token;
    const char *profile;
    const char *storage_class;
    const char *server_side_encryption;
    const char *sse_kms_key_id;
    uint64_t s3_max_attempts;
    uint64_t list_page;
    uint64_t delete_batch;
    uint64_t stale_upload_age;
    uint32_t addressing;      /* enum s3_addressing */
    uint32_t payload_signing; /* enum s3_payload */
    uint8_t s3_force_path_style;
    uint8_t checksums;
    uint8_t presigned;
    uint8_t request_payer;
};

#endif
