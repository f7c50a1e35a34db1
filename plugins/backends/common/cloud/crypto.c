/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Digests and text codes of signatures. Digests keep their OpenSSL algorithm for the process and their context for the
 * thread: fetching an algorithm costs microseconds, a signature is computed for every request.
 *
 * The digests have no error to return. Where OpenSSL fails (out of memory), the result is all zeros: a service refuses
 * such a signature or checksum, it never accepts wrong data.
 */
#include "cloud.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <string.h>

#define BLOCK 64u /* of SHA-256 and MD5, for HMAC */

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static bool have_key;
static EVP_MD *sha256;
static EVP_MD *md5;

static void free_context(void *context)
{
    EVP_MD_CTX_free(context);
}

static void prepare(void)
{
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    md5 = EVP_MD_fetch(NULL, "MD5", NULL);
    have_key = pthread_key_create(&context_key, free_context) == 0;
}

/* The thread's context; NULL: out of memory. */
static EVP_MD_CTX *context(void)
{
    EVP_MD_CTX *c;

    (void)pthread_once(&once, prepare);
    if (!have_key)
        return NULL;
    c = pthread_getspecific(context_key);
    if (c)
        return c;
    c = EVP_MD_CTX_new();
    if (c && pthread_setspecific(context_key, c)) {
        EVP_MD_CTX_free(c);
        c = NULL;
    }
    return c;
}

/* One digest over up to two pieces. */
static void digest(EVP_MD_CTX *c, const EVP_MD *md, const void *a, size_t a_len, const void *b, size_t b_len,
                   uint8_t *ret, size_t ret_len)
{
    if (c && md && EVP_DigestInit_ex2(c, md, NULL) == 1 && EVP_DigestUpdate(c, a, a_len) == 1 &&
        EVP_DigestUpdate(c, b, b_len) == 1 && EVP_DigestFinal_ex(c, ret, NULL) == 1)
        return;
    memset(ret, 0, ret_len);
}

void cloud_sha256(const void *data, size_t len, uint8_t ret[32])
{
    EVP_MD_CTX *c = context();

    digest(c, sha256, data, len, "", 0, ret, 32);
}

void cloud_md5(const void *data, size_t len, uint8_t ret[16])
{
    EVP_MD_CTX *c = context();

    digest(c, md5, data, len, "", 0, ret, 16);
}

void cloud_hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t ret[32])
{
    EVP_MD_CTX *c = context();
    uint8_t pad[BLOCK] = {0};
    uint8_t inner[32];

    if (key_len > BLOCK)
        digest(c, sha256, key, key_len, "", 0, pad, 32);
    else if (key_len)
        memcpy(pad, key, key_len);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36;
    digest(c, sha256, pad, BLOCK, data, len, inner, sizeof inner);
    for (size_t i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    digest(c, sha256, pad, BLOCK, inner, sizeof inner, ret, 32);
    OPENSSL_cleanse(pad, sizeof pad);
}

void cloud_hex(const uint8_t *data, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[data[i] >> 4];
        ret[2 * i + 1] = digits[data[i] & 15];
    }
    ret[2 * len] = '\0';
}

void cloud_base64(struct text *to, const void *data, size_t len, bool url_safe)
{
    static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    static const char safe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const char *digits = url_safe ? safe : standard;
    const uint8_t *in = data;

    for (size_t i = 0; i < len; i += 3) {
        size_t n = len - i < 3 ? len - i : 3;
        uint32_t v = (uint32_t)in[i] << 16 | (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) | (n > 2 ? in[i + 2] : 0);
        char four[4] = {digits[v >> 18], digits[v >> 12 & 63], n > 1 ? digits[v >> 6 & 63] : '=',
                        n > 2 ? digits[v & 63] : '='};

        text_add(to, four, url_safe ? n + 1 : 4); /* the URL-safe form goes without padding */
    }
}

static int digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool cloud_base64_decode(struct text *to, const char *text, size_t len)
{
    uint32_t bits = 0;
    unsigned have = 0;

    for (unsigned padding = 0; padding < 2 && len > 0 && text[len - 1] == '='; padding++)
        len--;
    if (len % 4 == 1)
        return false;
    for (size_t i = 0; i < len; i++) {
        int v = digit_value(text[i]);

        if (v < 0)
            return false;
        bits = (bits << 6 | (uint32_t)v) & 0xffffff;
        have += 6;
        if (have >= 8) {
            have -= 8;
            text_char(to, (char)(bits >> have & 0xff));
        }
    }
    return true;
}
