/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `s3` reads from others. The first byte chooses the reader, 'a' the first one: pages of names, errors, batches,
 * uploads, an object's headers, profiles with the services they lead to, credentials; and the XML and percent-encoding
 * in them.
 */
#include <stdlib.h>
#include <string.h>

#include "s3.h"
#include "store_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
dlfw_status __wrap_s3_ask(const struct s3_chain *chain, const struct s3_ask *ask, struct text *reply, int32_t *ret_code,
                          dlfw_error *err);
dlfw_status __wrap_s3_from_process(const struct s3_chain *chain, const char *command, struct s3_found *ret,
                                   dlfw_error *err);

static char uri[] = "s3://b/p", prefix[] = "p/", nothing[] = "";
static const struct s3_options options = {.checksums = 1};

static void backend_begin(struct dlfw_backend *be, bool one_bucket)
{
    memset(be, 0, sizeof *be);
    be->cloud.host = store_host();
    be->cloud.uri = uri;
    be->cloud.prefix = one_bucket ? prefix : nothing;
    be->cloud.prefix_len = strlen(be->cloud.prefix);
    be->options = &options;
    be->root.bucket[0] = one_bucket ? 'b' : '\0';
    pthread_mutex_init(&be->lock, NULL);
}

static void backend_end(struct dlfw_backend *be)
{
    pthread_mutex_destroy(&be->lock);
}

static void list_page(bool one_bucket, const char *place, const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;

    backend_begin(&be, one_bucket);
    store_call_begin(&c, &be.cloud, DLFW_OP_LIST);
    store_list_begin(&c, place, false);
    store_body(&c.call.x, data, size);
    store_outcome_is_told(&c, s3_list_answered(&c.call, &c.slot.e));
    store_list_makes_sense(&c);
    store_call_end(&c);
    backend_end(&be);
}

static void objects(const uint8_t *data, size_t size)
{
    list_page(true, "p/", data, size);
}

static void objects_of_account(const uint8_t *data, size_t size)
{
    list_page(false, "box/d/", data, size);
}

static void buckets(const uint8_t *data, size_t size)
{
    list_page(false, "", data, size);
}

static void fault(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct cloud_fault f = {0};
    struct store_call c;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, DLFW_OP_PUT);
    text_str(&c.call.x.head, "PUT /b/p/a HTTP/1.1\r\nx-amz-checksum-crc32c:AAAAAA==\r\n\r\n");
    if (store_answer(&c.call.x, data, size)) {
        cloud_fault_of_code(c.call.x.code, &f);
        (void)s3_explain(&c.call, &f);
        store_fault_makes_sense(&f);
        DLFW_BUG_IF(be.region[0] && !s3_region_valid(be.region));
    }
    store_call_end(&c);
    backend_end(&be);
}

/* A quiet service only names what failed. */
static void batch(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"a", "b&c", "d\x01", "e"};
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, 0);
    store_batch_begin(&c, keys, STORE_BATCH_MAX, DLFW_OK);
    store_body(&c.call.x, data, size);
    st = s3_batch_answered(&c.call, &c.slot.e);
    store_outcome_is_told(&c, st);
    store_batch_makes_sense(&c, STORE_BATCH_MAX);
    DLFW_BUG_IF(st >= 0 && (st != DLFW_NEED_IO || c.call.step != 3)); /* the key that XML cannot carry follows */
    store_call_end(&c);
    backend_end(&be);
}

static void upload(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, true);
    for (int i = 0; i < 2; i++) {
        store_call_begin(&c, &be.cloud, i ? DLFW_OP_COPY : DLFW_OP_WRITE_BEGIN);
        c.call.upload = i ? NULL : &c.upload;
        store_body(&c.call.x, data, size);
        st = i ? s3_copy_answered(&c.call, &c.slot.e) : s3_upload_answered(&c.call, &c.slot.e);
        store_outcome_is_told(&c, st);
        DLFW_BUG_IF(!i && st == DLFW_OK && !c.upload.id.len);
        store_call_end(&c);
    }
    backend_end(&be);
}

static void head(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, DLFW_OP_STAT);
    c.call.x.flags = HTTP_NO_BODY;
    if (store_answer(&c.call.x, data, size)) {
        st = s3_stat_answered(&c.call, &c.slot.e);
        store_outcome_is_told(&c, st);
        if (st == DLFW_OK)
            store_info_makes_sense(&c);
    }
    store_call_end(&c);
    backend_end(&be);
}

/* ---- profiles and credentials ---- */

/* The next piece of the input is the answer: 200, or 403 when it begins with '!'. */
dlfw_status __wrap_s3_ask(const struct s3_chain *chain, const struct s3_ask *ask, struct text *reply, int32_t *ret_code,
                          dlfw_error *err)
{
    const uint8_t *data;
    size_t size;

    (void)chain;
    store_message_is_one_line(ask->url);
    if (!store_next_piece(&data, &size))
        return dlfw_fail(err, DLFW_E_UNAVAILABLE, "nobody answers");
    *ret_code = size && data[0] == '!' ? 403 : 200;
    text_clear(reply);
    text_add(reply, data, size);
    return DLFW_OK;
}

/* No program runs here: its output is the next piece. */
dlfw_status __wrap_s3_from_process(const struct s3_chain *chain, const char *command, struct s3_found *ret,
                                   dlfw_error *err)
{
    const uint8_t *data;
    size_t size;

    (void)chain;
    DLFW_BUG_IF(!*command);
    if (!store_next_piece(&data, &size))
        return dlfw_fail(err, DLFW_E_AUTH, "the program said nothing");
    return s3_found_json(ret, (const char *)data, size, "SessionToken", "credential_process", err);
}

/* id, secret and token in lines of their own, nothing else. */
static void found_is_told(const struct s3_found *found, dlfw_status st, const struct error_slot *slot)
{
    const char *value = found->value.data;

    if (st < 0)
        store_message_is_one_line(slot->text);
    if (st != DLFW_OK)
        return;
    DLFW_BUG_IF(!value || value[0] == '\n' || strlen(value) != found->value.len);
    DLFW_BUG_IF(store_count(&found->value, "\n") != 2 || found->expires_s == 0);
    for (; *value; value++)
        DLFW_BUG_IF(*value != '\n' && (*value <= ' ' || *value >= 0x7f));
}

static void rows_make_sense(const struct s3_ini *ini)
{
    for (uint32_t i = 0; i < ini->count; i++) {
        const struct s3_ini_row *row = &ini->rows[i];
        const char *end = ini->text + ini->text_len;

        DLFW_BUG_IF(row->section < ini->text || row->section + strlen(row->section) >= end);
        DLFW_BUG_IF(*row->key && (row->key < ini->text || row->key + strlen(row->key) >= end));
        DLFW_BUG_IF(*row->value && (row->value < ini->text || row->value + strlen(row->value) >= end));
        DLFW_BUG_IF(!s3_ini_has(ini, row->section));
    }
}

/* A profile may name a file with a token; none is opened here. */
static bool names_file(const struct s3_ini *ini)
{
    for (uint32_t i = 0; i < ini->count; i++)
        if (strcmp(ini->rows[i].key, "web_identity_token_file") == 0)
            return true;
    return false;
}

/* The config file, the credentials file, then what services answer, NUL between them. */
static void profile(const uint8_t *data, size_t size)
{
    struct s3_profiles profiles = {.name = "default"};
    const struct s3_chain chain = {
        .host = store_host(), .options = &options, .profiles = &profiles, .region = "eu-west-1"};
    struct s3_found found = {0};
    struct error_slot slot;
    dlfw_status st = DLFW_OK;

    error_slot_init(&slot);
    store_fetches(data, size);
    if (store_next_piece(&data, &size))
        st = s3_ini_parse(&profiles.config, (const char *)data, size, true, &slot.e);
    rows_make_sense(&profiles.config);
    if (st == DLFW_OK && store_next_piece(&data, &size))
        st = s3_ini_parse(&profiles.credentials, (const char *)data, size, false, &slot.e);
    rows_make_sense(&profiles.credentials);
    if (st == DLFW_OK && !names_file(&profiles.config) && !names_file(&profiles.credentials))
        st = s3_from_profile(&chain, &found, &slot.e);
    else if (st == DLFW_OK)
        st = DLFW_END;
    found_is_told(&found, st, &slot);
    s3_found_free(&found);
    s3_profiles_free(&profiles);
}

static void credentials(const uint8_t *data, size_t size)
{
    struct s3_found found = {0};
    struct error_slot slot;

    error_slot_init(&slot);
    found_is_told(&found, s3_found_json(&found, (const char *)data, size, "Token", "a test", &slot.e), &slot);
    s3_found_free(&found);
}

static void security_token_service(const uint8_t *data, size_t size)
{
    const struct s3_role role = {.arn = "arn:aws:iam::1:role/r", .session = "s"};
    const struct s3_chain chain = {.host = store_host(), .options = &options, .region = "eu-west-1"};
    struct s3_found base = {0}, found = {0};
    struct error_slot slot;

    error_slot_init(&slot);
    store_fetches(data, size);
    DLFW_BUG_IF(s3_found_set(&base, "id", "secret", NULL, UINT64_MAX, "a test", &slot.e) < 0);
    found_is_told(&found, s3_sts_assume_role(&chain, &role, &base, &found, &slot.e), &slot);
    s3_found_free(&base);
    s3_found_free(&found);
}

/* ---- XML and percent-encoding ---- */

struct nesting {
    char paths[32][512];
    uint32_t depth;
};

static bool begins(void *ctx, const char *path)
{
    struct nesting *n = ctx;

    DLFW_BUG_IF(n->depth == 32 || !*path || strlen(path) >= sizeof n->paths[0]);
    memcpy(n->paths[n->depth++], path, strlen(path) + 1);
    return true;
}

static bool has(void *ctx, const char *path, const char *name, const char *value)
{
    const struct nesting *n = ctx;

    (void)value;
    DLFW_BUG_IF(!n->depth || strcmp(n->paths[n->depth - 1], path) != 0 || !*name);
    return true;
}

static bool ends(void *ctx, const char *path, const char *text, size_t len)
{
    struct nesting *n = ctx;

    DLFW_BUG_IF(!n->depth || strcmp(n->paths[--n->depth], path) != 0 || strlen(text) != len);
    return true;
}

static void xml(const uint8_t *data, size_t size)
{
    static struct nesting n;
    const struct cloud_xml walk = {.ctx = &n, .begin = begins, .each = ends, .attribute = has};
    struct error_slot slot;

    n.depth = 0;
    error_slot_init(&slot);
    if (cloud_xml_walk((const char *)data, size, &walk, &slot.e) == DLFW_OK)
        DLFW_BUG_IF(n.depth != 0);
    else
        store_message_is_one_line(slot.text);
}

static bool keep(void *ctx, const char *path, const char *text, size_t len)
{
    (void)path;
    text_add(ctx, text, len);
    return true;
}

/* What XML can carry arrives as it was. */
static void escaped(const uint8_t *data, size_t size)
{
    struct text document = {0}, text = {0};
    const struct cloud_xml walk = {.ctx = &text, .each = keep};
    struct error_slot slot;

    error_slot_init(&slot);
    text_str(&document, "<a>");
    cloud_xml_escape(&document, (const char *)data, size);
    text_str(&document, "</a>");
    if (cloud_xml_walk(document.data, document.len, &walk, &slot.e) == DLFW_OK)
        DLFW_BUG_IF(text.len != size || (size && memcmp(text.data, data, size) != 0));
    text_free(&document);
    text_free(&text);
}

static void percent(const uint8_t *data, size_t size)
{
    struct text text = {0};

    text_encoded(&text, (const char *)data, size, false);
    DLFW_BUG_IF(s3_url_decode(text.data, text.len) != size || (size && memcmp(text.data, data, size) != 0));
    text_clear(&text);
    text_add(&text, data, size);
    DLFW_BUG_IF(s3_url_decode(text.data, text.len) > size);
    text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = {
        objects,     objects_of_account,     buckets, fault,   batch,  upload, head, profile,
        credentials, security_token_service, xml,     escaped, percent};

    if (size > 0)
        readers[(uint8_t)(data[0] - 'a') % (sizeof readers / sizeof *readers)](data + 1, size - 1);
    return 0;
}
