/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `gs` reads from others. The first byte chooses the reader, 'a' the first one: pages of names, errors, batches,
 * an object's resource and headers, upload sessions, credentials files, tokens; and the base64 in them.
 */
#include <string.h>

#include "gcs/gcs.h"
#include "gcs/resource.h"
#include "store_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char uri[] = "gs://b/p", prefix[] = "p/", nothing[] = "", bucket[] = "b";

static void backend_begin(struct dlfw_backend *be, bool one_bucket)
{
    memset(be, 0, sizeof *be);
    be->cloud.host = store_host();
    be->cloud.uri = uri;
    be->cloud.prefix = one_bucket ? prefix : nothing;
    be->cloud.prefix_len = strlen(be->cloud.prefix);
    be->bucket = one_bucket ? bucket : nothing;
    be->checksums = true;
    be->origin = (struct http_origin){.tls = true, .port = 443, .host = "storage.googleapis.com"};
}

static void list_page(bool one_bucket, const char *place, const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, one_bucket);
    store_call_begin(&c, &be.cloud, DLFW_OP_LIST);
    store_list_begin(&c, place, false);
    store_body(&c.call.x, data, size);
    st = gcs_service.answered(&c.call, &c.slot.e);
    store_outcome_is_told(&c, st);
    store_list_makes_sense(&c);
    DLFW_BUG_IF(st == DLFW_OK && c.list.last != (c.list.token.len == 0));
    store_call_end(&c);
}

static void objects(const uint8_t *data, size_t size)
{
    list_page(true, "p/", data, size);
}

static void objects_of_project(const uint8_t *data, size_t size)
{
    list_page(false, "box/d/", data, size);
}

static void buckets(const uint8_t *data, size_t size)
{
    list_page(false, "", data, size);
}

static void fault(const uint8_t *data, size_t size)
{
    static const uint16_t ops[] = {DLFW_OP_GET, DLFW_OP_PUT, DLFW_OP_WRITE_PART};
    struct dlfw_backend be;
    struct store_call c;

    backend_begin(&be, true);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
        struct cloud_fault f = {0};

        store_call_begin(&c, &be.cloud, ops[i]);
        if (store_answer(&c.call.x, data, size)) {
            cloud_fault_of_code(c.call.x.code, &f);
            (void)gcs_service.explain(&c.call, &f);
            store_fault_makes_sense(&f);
        }
        store_call_end(&c);
    }
}

static void batch(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    struct dlfw_backend be;
    struct store_call c;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, 0);
    store_batch_begin(&c, keys, STORE_BATCH_MAX, DLFW_E_UNAVAILABLE);
    if (store_answer(&c.call.x, data, size)) {
        store_outcome_is_told(&c, gcs_batch_answered(&c.call, &c.slot.e));
        store_batch_makes_sense(&c, store_count(&c.call.x.reply, "HTTP/1."));
        for (uint32_t i = 0; i < STORE_BATCH_MAX; i++)
            if (c.batch_error[i][0])
                store_message_is_one_line(c.batch_error[i]);
    }
    store_call_end(&c);
}

static void resource(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, DLFW_OP_STAT);
    store_body(&c.call.x, data, size);
    st = gcs_service.answered(&c.call, &c.slot.e);
    store_outcome_is_told(&c, st);
    if (st == DLFW_OK)
        store_info_makes_sense(&c);
    store_call_end(&c);
}

/* How much of an upload is kept, and the hash of what was read. */
static void headers(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    uint64_t kept = 0;
    uint32_t crc32c;
    dlfw_status st;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, DLFW_OP_WRITE_PART);
    if (store_answer(&c.call.x, data, size)) {
        st = gcs_kept(&c.call, &kept, &c.slot.e);
        store_outcome_is_told(&c, st);
        DLFW_BUG_IF(st == DLFW_OK && kept > 10000000000000000000u);
        (void)gcs_service.whole_crc32c(&c.call, &crc32c);
    }
    store_call_end(&c);
}

/* Where an upload goes on. */
static void session(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, true);
    store_call_begin(&c, &be.cloud, DLFW_OP_WRITE_BEGIN);
    c.call.upload = &c.upload;
    if (store_answer(&c.call.x, data, size)) {
        st = gcs_begin_answered(&c.call, &c.slot.e);
        store_outcome_is_told(&c, st);
        if (st == DLFW_OK) {
            store_message_is_one_line(c.upload.id.data);
            DLFW_BUG_IF(strncmp(c.upload.id.data, "https://", 8) != 0);
        }
    }
    store_call_end(&c);
}

static void credentials(const uint8_t *data, size_t size)
{
    struct gcs_credentials c = {0};
    struct error_slot slot;

    error_slot_init(&slot);
    if (gcs_credentials_parse((const char *)data, size, "credentials.json", &c, &slot.e) < 0) {
        store_message_is_one_line(slot.text);
        DLFW_BUG_IF(c.token_uri || c.key);
    } else {
        DLFW_BUG_IF(!c.token_uri || (c.kind == GCS_SERVICE_ACCOUNT ? !c.key || !c.client_email : !c.refresh_token));
    }
    gcs_credentials_free(&c);
}

static void token(const uint8_t *data, size_t size)
{
    struct gcs_auth auth = {.credentials = {.kind = GCS_METADATA}, .metadata = {.port = 80, .host = "metadata"}};
    struct error_slot slot;
    struct text line = {0};
    const char *end;

    error_slot_init(&slot);
    store_fetches(data, size);
    gcs_auth_init(&auth, store_host(), NULL);
    if (gcs_auth_header(&auth, &line, &slot.e) < 0) {
        store_message_is_one_line(slot.text);
    } else {
        end = strpbrk(line.data, "\r\n");
        DLFW_BUG_IF(!end || strcmp(end, "\r\n") != 0 || strlen(line.data) != line.len);
    }
    text_free(&line);
    gcs_auth_fini(&auth);
}

static void base64(const uint8_t *data, size_t size)
{
    struct text bytes = {0}, code = {0}, again = {0};

    for (int url_safe = 0; url_safe < 2; url_safe++) {
        text_clear(&code);
        text_clear(&again);
        cloud_base64(&code, data, size, url_safe);
        DLFW_BUG_IF(!cloud_base64_decode(&again, code.data ? code.data : "", code.len) || again.len != size);
        DLFW_BUG_IF(size && memcmp(again.data, data, size) != 0);
    }
    if (cloud_base64_decode(&bytes, (const char *)data, size))
        DLFW_BUG_IF(bytes.len > size / 4 * 3 + 2);
    text_free(&bytes);
    text_free(&code);
    text_free(&again);
}

static void hash(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint32_t crc32c = 0, again = 0;
    struct text line = {0};

    if (gcs_hash_header(text, size, &crc32c)) {
        text_str(&line, "crc32c=");
        gcs_add_crc32c(&line, crc32c);
        DLFW_BUG_IF(!gcs_hash_header(line.data, line.len, &again) || again != crc32c);
    }
    text_free(&line);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *,
                                   size_t) = {objects, objects_of_project, buckets, fault,  batch, resource, headers,
                                              session, credentials,        token,   base64, hash};

    if (size > 0)
        readers[(uint8_t)(data[0] - 'a') % (sizeof readers / sizeof *readers)](data + 1, size - 1);
    return 0;
}
