/* SPDX-License-Identifier: Apache-2.0 */
/* Names: where an endpoint leads, which container and blob a key means, and which of them the service would not keep.
 */
#include "azure.h"

#include <arpa/inet.h>
#include <string.h>

/* Hosts that cannot carry the account in their name: addresses and names without a domain. */
static bool is_bare_host(const char *host)
{
    struct in_addr four;
    struct in6_addr six;

    return inet_pton(AF_INET, host, &four) == 1 || inet_pton(AF_INET6, host, &six) == 1 || !strchr(host, '.');
}

bool az_origin_is_safe(const struct http_origin *origin)
{
    struct in_addr four;

    return origin->tls || strcmp(origin->host, "localhost") == 0 || strcmp(origin->host, "::1") == 0 ||
           (inet_pton(AF_INET, origin->host, &four) == 1 && ntohl(four.s_addr) >> 24 == 127);
}

dlfw_status az_endpoint_parse(const char *url, const char *account, enum az_path_style style,
                              struct http_origin *origin, struct text *base, dlfw_error *err)
{
    const char *path = NULL;
    size_t account_len = strlen(account);
    size_t len;
    dlfw_status st = http_origin_parse(url, origin, &path, err);
    bool ends_in_account;

    text_clear(base);
    if (st < 0)
        return st;
    len = strlen(path);
    if (strpbrk(path, "?# \t\r\n"))
        return dlfw_fail(err, DLFW_E_CONFIG, "an endpoint has no query; a SAS token belongs into sas_token");
    while (len && path[len - 1] == '/')
        len--;
    ends_in_account = len > account_len && path[len - account_len - 1] == '/' &&
                      memcmp(path + len - account_len, account, account_len) == 0;
    text_add(base, path, len);
    if (style == AZ_PATH_AUTO)
        style = is_bare_host(origin->host) ? AZ_PATH_ALWAYS : AZ_PATH_NEVER;
    if (style == AZ_PATH_ALWAYS && !ends_in_account) {
        text_char(base, '/');
        text_str(base, account);
    }
    return base->failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for an endpoint") : DLFW_OK;
}

/* Bytes of the UTF-8 character at s; 0: it is none. */
static size_t utf8_len(const unsigned char *s, size_t left)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = s[0] < 0x80                   ? 1
               : s[0] >= 0xf0 && s[0] < 0xf8 ? 4
               : s[0] >= 0xe0 && s[0] < 0xf0 ? 3
               : s[0] >= 0xc0 && s[0] < 0xe0 ? 2
                                             : 0;
    uint32_t c;

    if (n < 2)
        return n;
    if (n > left)
        return 0;
    c = s[0] & (0x7fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((s[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (s[i] & 0x3fu);
    }
    return c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000) ? 0 : n;
}

/* HTTP servers resolve "." and ".." in paths, so a blob of such a name would be stored under another one. */
static bool has_dot_part(const char *name, size_t len)
{
    for (size_t at = 0; at <= len;) {
        const char *slash = memchr(name + at, '/', len - at);
        size_t part = slash ? (size_t)(slash - name) - at : len - at;

        if ((part == 1 && name[at] == '.') || (part == 2 && name[at] == '.' && name[at + 1] == '.'))
            return true;
        at += part + 1;
    }
    return false;
}

dlfw_status az_blob_name_check(const char *name, size_t len, dlfw_error *err)
{
    size_t characters = 0;

    if (!len)
        return dlfw_fail(err, DLFW_E_INVALID, "the key names a container, not a blob in it");
    for (size_t at = 0; at < len; characters++) {
        size_t n = utf8_len((const unsigned char *)name + at, len - at);

        if (!n || name[at] == '\0')
            return dlfw_fail(err, DLFW_E_INVALID, "names of blobs are UTF-8 without NUL, this one is not");
        at += n;
    }
    if (characters > AZ_KEY_MAX)
        return dlfw_fail(err, DLFW_E_INVALID, "names of blobs have at most %u characters, this one has %zu", AZ_KEY_MAX,
                         characters);
    if (has_dot_part(name, len))
        return dlfw_fail(err, DLFW_E_INVALID, "names of blobs cannot have a part '.' or '..', which URLs resolve away");
    return DLFW_OK;
}

dlfw_status az_container_name_check(const char *name, size_t len, dlfw_error *err)
{
    bool good = len >= 3 && len <= 63;

    for (size_t i = 0; i < len && good; i++)
        good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= '0' && name[i] <= '9') || name[i] == '-' ||
               (name[i] == '$' && i == 0);
    if (good)
        return DLFW_OK;
    return dlfw_fail(err, DLFW_E_INVALID, "'%.*s' is no name of a container: 3 to 63 of a-z, 0-9 and '-'",
                     (int)(len < 80 ? len : 80), name);
}

struct az_place az_place_of(const char *container, size_t container_len, const char *key, size_t len)
{
    const char *slash;

    if (container_len)
        return (struct az_place){container, container_len, key, len};
    slash = len ? memchr(key, '/', len) : NULL;
    if (!slash)
        return (struct az_place){key, len, NULL, 0};
    return (struct az_place){key, (size_t)(slash - key), slash + 1, len - (size_t)(slash + 1 - key)};
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t az_decode(char *text, size_t len)
{
    size_t to = 0;

    for (size_t at = 0; at < len; at++) {
        int high, low;

        if (text[at] != '%') {
            text[to++] = text[at];
            continue;
        }
        high = at + 2 < len ? hex_value(text[at + 1]) : -1;
        low = at + 2 < len ? hex_value(text[at + 2]) : -1;
        if (high < 0 || low < 0)
            return SIZE_MAX;
        text[to++] = (char)(high * 16 + low);
        at += 2;
    }
    return to;
}
