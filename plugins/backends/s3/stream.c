/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The wire: "10000;chunk-signature=<64>\r\n" bytes "\r\n" for each chunk, "0;chunk-signature=<64>\r\n\r\n" at the end;
 * or, unsigned, "10000\r\n" bytes "\r\n0\r\nx-amz-checksum-crc32c:<8>\r\n\r\n". The payload stays where it is.
 */
#include "stream.h"

#include <string.h>

#define SIGNATURE_FIELD ";chunk-signature="
#define TRAILER_FIELD "x-amz-checksum-crc32c:"

static uint64_t hex_digits(uint64_t n)
{
    uint64_t digits = 1;

    while (n >>= 4)
        digits++;
    return digits;
}

static uint64_t signed_chunk(uint64_t len)
{
    return hex_digits(len) + strlen(SIGNATURE_FIELD) + 64 + 2 + len + 2;
}

uint64_t s3_stream_prepare(struct s3_request *r)
{
    uint64_t full = r->len / S3_CHUNK;
    uint64_t rest = r->len % S3_CHUNK;
    struct text length = {0};

    text_u64(&length, r->len);
    s3_headers_str(&r->headers, "content-encoding", "aws-chunked");
    if (length.data)
        s3_headers_str(&r->headers, "x-amz-decoded-content-length", length.data);
    r->headers.values.failed |= length.failed;
    text_free(&length);
    if (r->payload == S3_PAYLOAD_STREAMING)
        return full * signed_chunk(S3_CHUNK) + (rest ? signed_chunk(rest) : 0) + signed_chunk(0);
    return hex_digits(r->len) + 2 + r->len + 2 + strlen("0\r\n") +
           (r->checksum ? strlen(TRAILER_FIELD) + 8 + strlen("\r\n") : 0) + strlen("\r\n");
}

/* A piece is a stretch of call->scratch or of the payload. */
struct piece {
    bool payload;
    size_t at;
    size_t len;
};

static void add_piece(struct text *pieces, bool payload, size_t at, size_t len)
{
    const struct piece p = {payload, at, len};

    if (len)
        text_add(pieces, &p, sizeof p);
}

static void signed_pieces(struct text *pieces, struct text *between, const struct s3_request *r,
                          const struct s3_scope *scope, const char *seed)
{
    char signature[65], next[65];
    uint64_t offset = 0;

    memcpy(signature, seed, sizeof signature);
    for (bool last = false; !last;) {
        uint64_t left = r->len - offset;
        uint64_t len = left < S3_CHUNK ? left : S3_CHUNK;
        size_t begin = between->len;

        last = len == 0;
        s3_chunk_signature(scope, signature, (const char *)r->data + offset, len, next);
        memcpy(signature, next, sizeof signature);
        text_str(between, offset > 0 ? "\r\n" : "");
        text_printf(between, "%llx" SIGNATURE_FIELD "%s\r\n%s", (unsigned long long)len, signature, last ? "\r\n" : "");
        add_piece(pieces, false, begin, between->len - begin);
        add_piece(pieces, true, offset, len);
        offset += len;
    }
}

static void trailer_pieces(struct text *pieces, struct text *between, const struct s3_request *r)
{
    const uint8_t bytes[4] = {(uint8_t)(r->crc32c >> 24), (uint8_t)(r->crc32c >> 16), (uint8_t)(r->crc32c >> 8),
                              (uint8_t)r->crc32c};
    size_t begin;

    text_printf(between, "%llx\r\n", (unsigned long long)r->len);
    add_piece(pieces, false, 0, between->len);
    add_piece(pieces, true, 0, r->len);
    begin = between->len;
    text_str(between, "\r\n0\r\n");
    if (r->checksum) {
        text_str(between, TRAILER_FIELD);
        cloud_base64(between, bytes, sizeof bytes, false);
        text_str(between, "\r\n");
    }
    text_str(between, "\r\n");
    add_piece(pieces, false, begin, between->len - begin);
}

dlfw_status s3_stream_body(struct cloud_call *call, const struct s3_request *r, const struct s3_scope *scope,
                           const char *seed, dlfw_error *err)
{
    struct text *between = &call->scratch;
    struct text *vectors = &call->scratch2;
    struct text pieces = {0};
    uint32_t count;

    text_clear(between);
    text_clear(vectors);
    if (r->payload == S3_PAYLOAD_STREAMING)
        signed_pieces(&pieces, between, r, scope, seed);
    else
        trailer_pieces(&pieces, between, r);
    count = (uint32_t)(pieces.len / sizeof(struct piece));
    for (uint32_t i = 0; i < count && !pieces.failed; i++) {
        struct piece p;
        struct iovec v;

        memcpy(&p, pieces.data + i * sizeof p, sizeof p);
        v.iov_base = p.payload ? (char *)(uintptr_t)r->data + p.at : between->data + p.at;
        v.iov_len = p.len;
        text_add(vectors, &v, sizeof v);
    }
    if (pieces.failed || between->failed || vectors->failed) {
        text_free(&pieces);
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for the body of a request");
    }
    text_free(&pieces);
    call->x.body = (const struct iovec *)(const void *)vectors->data;
    call->x.body_count = count;
    return DLFW_OK;
}
