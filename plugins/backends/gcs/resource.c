/* SPDX-License-Identifier: Apache-2.0 */
/* Everything here may come from a stranger: types are looked at before values, and what does not fit is not there. */
#include "resource.h"

#include <string.h>

json_t *gcs_json_parse(const char *data, size_t len, dlfw_error *err)
{
    json_error_t why;
    json_t *doc = json_loadb(data ? data : "", len, 0, &why);

    if (doc && json_is_object(doc))
        return doc;
    dlfw_fail(err, DLFW_E_CORRUPT, "the service's answer is no JSON document%s%s", doc ? "" : ": ",
              doc ? "" : why.text);
    json_decref(doc);
    return NULL;
}

static const char *text_of(const json_t *doc, const char *name)
{
    return json_string_value(json_object_get(doc, name));
}

bool gcs_u64(const json_t *value, uint64_t *ret)
{
    const char *text = json_string_value(value);
    uint64_t sum = 0;

    if (json_is_integer(value) && json_integer_value(value) >= 0) {
        *ret = (uint64_t)json_integer_value(value);
        return true;
    }
    if (!text || !*text)
        return false;
    for (; *text; text++) {
        if (*text < '0' || *text > '9' || sum > (UINT64_MAX - 9) / 10)
            return false;
        sum = sum * 10 + (uint64_t)(*text - '0');
    }
    *ret = sum;
    return true;
}

static uint64_t time_of(const json_t *doc, const char *name)
{
    const json_t *value = json_object_get(doc, name);

    return json_is_string(value) ? cloud_time_ns(json_string_value(value), json_string_length(value)) : 0;
}

static bool decode(const char *base64, size_t len, uint8_t *ret, size_t size)
{
    struct text bytes = {0};
    bool ok = len <= 64 && cloud_base64_decode(&bytes, base64, len) && !bytes.failed && bytes.len == size;

    if (ok)
        memcpy(ret, bytes.data, size);
    text_free(&bytes);
    return ok;
}

bool gcs_crc32c_parse(const char *text, size_t len, uint32_t *ret)
{
    uint8_t b[4];

    if (!decode(text, len, b, sizeof b))
        return false;
    *ret = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    return true;
}

void gcs_add_crc32c(struct text *to, uint32_t crc32c)
{
    uint8_t bytes[4] = {(uint8_t)(crc32c >> 24), (uint8_t)(crc32c >> 16), (uint8_t)(crc32c >> 8), (uint8_t)crc32c};

    cloud_base64(to, bytes, sizeof bytes, false);
}

/* Digits, so that it can go into a request. */
static const char *generation_of(const json_t *doc)
{
    const char *text = text_of(doc, "generation");

    return text && *text && strlen(text) < 24 && text[strspn(text, "0123456789")] == '\0' ? text : NULL;
}

void gcs_object_read(const json_t *doc, struct gcs_object *ret)
{
    const char *crc32c = text_of(doc, "crc32c");
    const char *md5 = text_of(doc, "md5Hash");

    *ret = (struct gcs_object){.mtime_ns = time_of(doc, "updated"),
                               .etag = text_of(doc, "etag"),
                               .content_type = text_of(doc, "contentType"),
                               .content_encoding = text_of(doc, "contentEncoding"),
                               .storage_class = text_of(doc, "storageClass"),
                               .generation = generation_of(doc),
                               .metadata = json_object_get(doc, "metadata")};
    ret->has_size = gcs_u64(json_object_get(doc, "size"), &ret->size);
    ret->has_crc32c = crc32c && gcs_crc32c_parse(crc32c, strlen(crc32c), &ret->crc32c);
    ret->has_md5 = md5 && decode(md5, strlen(md5), ret->md5, sizeof ret->md5);
}

void gcs_metadata_lines(const json_t *metadata, struct text *to)
{
    const char *name;
    json_t *value;

    if (!json_is_object(metadata))
        return;
    json_object_foreach((json_t *)metadata, name, value)
    {
        const char *text = json_string_value(value);

        if (text && !strpbrk(text, "\r\n") && !strpbrk(name, "\r\n:"))
            text_printf(to, "%s: %s\n", name, text);
    }
}

static dlfw_status next_page(const json_t *doc, struct cloud_list *list, dlfw_error *err)
{
    const json_t *token = json_object_get(doc, "nextPageToken");

    text_clear(&list->token);
    if (json_is_string(token))
        text_add(&list->token, json_string_value(token), json_string_length(token));
    list->last = list->token.len == 0;
    return list->token.failed ? dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing") : DLFW_OK;
}

/* A name as the host knows it: with its bucket in front where the root holds all of them. */
static bool add_name(struct cloud_list *list, const char *bucket, size_t bucket_len, struct text *scratch,
                     const json_t *name, uint64_t size, uint64_t mtime_ns)
{
    const char *text = json_string_value(name);
    size_t len = json_string_length(name);

    if (!bucket)
        return cloud_list_add(list, text, len, size, mtime_ns);
    text_clear(scratch);
    text_add(scratch, bucket, bucket_len);
    text_char(scratch, '/');
    text_add(scratch, text, len);
    return !scratch->failed && cloud_list_add(list, scratch->data, scratch->len, size, mtime_ns);
}

dlfw_status gcs_list_read(const json_t *doc, const char *bucket, size_t bucket_len, struct text *scratch,
                          struct cloud_list *list, dlfw_error *err)
{
    json_t *items = json_object_get(doc, "items");
    json_t *groups = json_object_get(doc, "prefixes");
    json_t *item;
    size_t i;

    if ((items && !json_is_array(items)) || (groups && !json_is_array(groups)))
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service's listing is no list");
    json_array_foreach(groups, i, item)
    {
        if (!json_is_string(item))
            return dlfw_fail(err, DLFW_E_CORRUPT, "the service's listing has a prefix that is no text");
        if (!add_name(list, bucket, bucket_len, scratch, item, UINT64_MAX, 0))
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    }
    json_array_foreach(items, i, item)
    {
        const json_t *name = json_object_get(item, "name");
        uint64_t size = 0;

        if (!json_is_string(name) || !gcs_u64(json_object_get(item, "size"), &size) || size == UINT64_MAX)
            return dlfw_fail(err, DLFW_E_CORRUPT, "the service's listing has an object without name or size");
        if (!add_name(list, bucket, bucket_len, scratch, name, size, time_of(item, "updated")))
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    }
    return next_page(doc, list, err);
}

dlfw_status gcs_buckets_read(const json_t *doc, struct text *scratch, struct cloud_list *list, dlfw_error *err)
{
    json_t *items = json_object_get(doc, "items");
    json_t *item;
    size_t i;

    if (items && !json_is_array(items))
        return dlfw_fail(err, DLFW_E_CORRUPT, "the service's listing is no list");
    json_array_foreach(items, i, item)
    {
        const json_t *name = json_object_get(item, "name");

        if (!json_is_string(name))
            return dlfw_fail(err, DLFW_E_CORRUPT, "the service's listing has a bucket without name");
        text_clear(scratch);
        text_add(scratch, json_string_value(name), json_string_length(name));
        text_char(scratch, '/');
        if (scratch->failed || !cloud_list_add(list, scratch->data, scratch->len, UINT64_MAX, 0))
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for a listing");
    }
    return next_page(doc, list, err);
}

/* At most cap - 1 bytes, none of them a control character. */
static void copy_line(char *ret, size_t cap, const char *text, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len && n + 1 < cap; i++)
        ret[n++] = (unsigned char)text[i] < 0x20 || text[i] == 0x7f ? ' ' : text[i];
    while (n && ret[n - 1] == ' ')
        n--;
    ret[n] = '\0';
}

static void copy_text(char *ret, size_t cap, const json_t *value)
{
    if (json_is_string(value))
        copy_line(ret, cap, json_string_value(value), json_string_length(value));
}

/* {"error": {"message": ..., "errors": [{"reason": ...}]}}, or as token servers have it
 * {"error": "invalid_grant", "error_description": ...}. */
void gcs_fault_read(const char *data, size_t len, struct cloud_fault *fault, char ret_reason[64])
{
    json_t *doc = len && data[0] == '{' ? json_loadb(data, len, 0, NULL) : NULL;
    const json_t *error = json_object_get(doc, "error");

    ret_reason[0] = '\0';
    if (json_is_object(error)) {
        copy_text(fault->message, sizeof fault->message, json_object_get(error, "message"));
        copy_text(ret_reason, 64, json_object_get(json_array_get(json_object_get(error, "errors"), 0), "reason"));
    } else if (doc) {
        copy_text(ret_reason, 64, error);
        copy_text(fault->message, sizeof fault->message, json_object_get(doc, "error_description"));
    } else if (len && data[0] != '<') {
        copy_line(fault->message, sizeof fault->message, data, len < 150 ? len : 150);
    }
    if (ret_reason[0])
        copy_line(fault->code, sizeof fault->code, ret_reason, strlen(ret_reason));
    json_decref(doc);
}

bool gcs_hash_header(const char *value, size_t len, uint32_t *ret)
{
    const char *end = value + len;

    while (value < end) {
        const char *comma = memchr(value, ',', (size_t)(end - value));
        const char *stop = comma ? comma : end;

        while (value < stop && *value == ' ')
            value++;
        if (stop - value > 7 && memcmp(value, "crc32c=", 7) == 0)
            return gcs_crc32c_parse(value + 7, (size_t)(stop - value - 7), ret);
        value = comma ? comma + 1 : end;
    }
    return false;
}

bool gcs_range_parse(const char *value, size_t len, uint64_t *ret)
{
    static const char begin[] = "bytes=0-";
    uint64_t last = 0;

    *ret = 0;
    if (len == 0)
        return true;
    if (len < sizeof begin || len > sizeof begin + 18 || memcmp(value, begin, sizeof begin - 1) != 0)
        return false;
    for (size_t i = sizeof begin - 1; i < len; i++) {
        if (value[i] < '0' || value[i] > '9')
            return false;
        last = last * 10 + (uint64_t)(value[i] - '0');
    }
    *ret = last + 1;
    return true;
}
