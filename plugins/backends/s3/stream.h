/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies as "aws-chunked": each chunk signed after the one before it, or one chunk with the checksum as a trailer. */
#ifndef DLFW_S3_STREAM_H
#define DLFW_S3_STREAM_H

#include "s3.h"

#define S3_CHUNK (1ull << 20)

/* Adds the headers of such a body to the request; returns its length on the wire. */
uint64_t s3_stream_prepare(struct s3_request *r);
/* Makes the body out of pieces of r->data and what stands between them, in call->scratch and call->scratch2. */
dlfw_status s3_stream_body(struct cloud_call *call, const struct s3_request *r, const struct s3_scope *scope,
                           const char *seed, dlfw_error *err);

#endif
