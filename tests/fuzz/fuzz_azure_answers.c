/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `az` reads from others. The first byte chooses the reader, 'a' the first one: pages of names, errors, batches,
 * connection strings, an object's headers, tokens, lists of blocks; and the times and percent-encoding in them.
 */
#include <stdlib.h>
#include <string.h>

#include "azure/azure.h"
#include "store_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char uri[] = "az://c/p", prefix[] = "p/", nothing[] = "";

static void backend_begin(struct dlfw_backend *be, const char *container, bool with_prefix)
{
    memset(be, 0, sizeof *be);
    be->cloud.host = store_host();
    be->cloud.uri = uri;
    be->cloud.prefix = with_prefix ? prefix : nothing;
    be->cloud.prefix_len = strlen(be->cloud.prefix);
    text_str(&be->settings.container, container);
}

static void backend_end(struct dlfw_backend *be)
{
    text_free(&be->settings.container);
}

static void list_page(const char *container, const char *place, const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, container, *container);
    store_call_begin(&c, &be.cloud, DLFW_OP_LIST);
    store_list_begin(&c, place, false);
    store_body(&c.call.x, data, size);
    st = az_answered(&c.call, &c.slot.e);
    store_outcome_is_told(&c, st);
    store_list_makes_sense(&c);
    DLFW_BUG_IF(st == DLFW_OK && c.list.last != (c.list.token.len == 0));
    store_call_end(&c);
    backend_end(&be);
}

static void blobs(const uint8_t *data, size_t size)
{
    list_page("c", "p/", data, size);
}

static void blobs_of_account(const uint8_t *data, size_t size)
{
    list_page("", "box/d/", data, size);
}

static void containers(const uint8_t *data, size_t size)
{
    list_page("", "", data, size);
}

/* Everything below an account: a page of containers, then of blobs, and so on, NUL between them. */
static void walk(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st = DLFW_OK;

    backend_begin(&be, "", false);
    store_call_begin(&c, &be.cloud, DLFW_OP_LIST);
    store_list_begin(&c, "", true);
    store_fetches(data, size);
    while (st == DLFW_OK && !c.list.last && store_next_piece(&data, &size)) {
        store_body(&c.call.x, data, size);
        st = az_answered(&c.call, &c.slot.e);
        store_outcome_is_told(&c, st);
        store_list_makes_sense(&c);
        /* as az_build_list() does: inside a container there are blobs */
        c.call.step = c.list.token.len && c.list.token.data[0] != '\n' ? AZ_BLOBS : AZ_FIRST;
    }
    store_call_end(&c);
    backend_end(&be);
}

static void fault(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct cloud_fault f = {0};
    struct store_call c;

    backend_begin(&be, "c", true);
    be.settings.auth = AZ_KEY;
    store_call_begin(&c, &be.cloud, DLFW_OP_GET);
    if (store_answer(&c.call.x, data, size)) {
        cloud_fault_of_code(c.call.x.code, &f);
        (void)az_explain(&c.call, &f);
        store_fault_makes_sense(&f);
    }
    store_call_end(&c);
    backend_end(&be);
}

static void batch(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"a", "b", "c", "d"};
    struct dlfw_backend be;
    struct store_call c;

    backend_begin(&be, "c", true);
    store_call_begin(&c, &be.cloud, 0);
    store_batch_begin(&c, keys, STORE_BATCH_MAX, DLFW_E_UNAVAILABLE);
    if (store_answer(&c.call.x, data, size)) {
        store_outcome_is_told(&c, az_answered_batch(&c.call, &c.slot.e));
        store_batch_makes_sense(&c, store_count(&c.call.x.reply, "HTTP/"));
    }
    store_call_end(&c);
    backend_end(&be);
}

static void connection_string(const uint8_t *data, size_t size)
{
    struct az_connection_string parts;
    struct http_origin origin;
    struct error_slot slot;
    struct text base = {0};
    char *text = malloc(size + 1);
    dlfw_status st;

    if (!text)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    error_slot_init(&slot);
    st = az_connection_string_parse(text, &parts, &slot.e);
    if (st < 0) {
        store_message_is_one_line(slot.text);
        DLFW_BUG_IF(parts.account.data || parts.key.data || parts.sas.data || parts.endpoint.data);
    } else {
        DLFW_BUG_IF(!parts.account.len && !parts.key.len && !parts.sas.len && !parts.endpoint.len);
        DLFW_BUG_IF(parts.key.len && (parts.sas.len || !parts.account.len));
    }
    if (st == DLFW_OK && parts.endpoint.len) {
        error_slot_init(&slot);
        st = az_endpoint_parse(parts.endpoint.data, parts.account.len ? parts.account.data : "acc", AZ_PATH_AUTO,
                               &origin, &base, &slot.e);
        if (st < 0)
            store_message_is_one_line(slot.text);
        else
            DLFW_BUG_IF(!origin.host[0] || !memchr(origin.host, '\0', sizeof origin.host));
    }
    text_free(&base);
    az_connection_string_free(&parts);
    free(text);
}

static void head(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    dlfw_status st;

    backend_begin(&be, "c", true);
    store_call_begin(&c, &be.cloud, DLFW_OP_STAT);
    c.call.x.flags = HTTP_NO_BODY;
    if (store_answer(&c.call.x, data, size)) {
        st = az_answered(&c.call, &c.slot.e);
        store_outcome_is_told(&c, st);
        if (st == DLFW_OK)
            store_info_makes_sense(&c);
    }
    store_call_end(&c);
    backend_end(&be);
}

static void token(const uint8_t *data, size_t size)
{
    struct az_settings settings = {.identity = AZ_IDENTITY_MANAGED};
    struct az_identity_source source = {.host = store_host(), .settings = &settings};
    struct text value = {0};
    struct error_slot slot;
    uint64_t expires_s = 0;
    dlfw_status st;

    error_slot_init(&slot);
    store_fetches(data, size);
    st = az_token_fetch(&source, &value, &expires_s, &slot.e);
    if (st < 0)
        store_message_is_one_line(slot.text);
    else
        DLFW_BUG_IF(!value.len || strpbrk(value.data, "\r\n ") || expires_s == 0 || expires_s / 3 > INT64_MAX / 2);
    az_wipe(&value);
}

/* The blocks of a blob that may be ours. */
static void blocks(const uint8_t *data, size_t size)
{
    struct dlfw_backend be;
    struct store_call c;
    struct text id = {0};
    dlfw_status st;

    backend_begin(&be, "c", true);
    store_call_begin(&c, &be.cloud, DLFW_OP_WRITE_COMMIT);
    c.call.upload = &c.upload;
    c.call.step = AZ_OWN;
    pthread_mutex_init(&c.upload.lock, NULL);
    text_str(&c.upload.id, "0123456789");
    for (uint64_t i = 0; i < 2; i++) {
        text_clear(&id);
        az_block_id(&c.upload.id, i, &id);
        DLFW_BUG_IF(!cloud_upload_set_part(&c.upload, i, id.data, id.len, 1, 0));
    }
    store_body(&c.call.x, data, size);
    st = az_answered(&c.call, &c.slot.e);
    store_outcome_is_told(&c, st);
    DLFW_BUG_IF(st == DLFW_OK && store_count(&c.call.x.reply, "<CommittedBlocks") == 0);
    pthread_mutex_destroy(&c.upload.lock);
    text_free(&id);
    store_call_end(&c);
    backend_end(&be);
}

/* A time that was understood is understood the same once more. */
static void time_of_day(const uint8_t *data, size_t size)
{
    uint64_t ns = cloud_time_ns((const char *)data, size), seconds = ns / 1000000000u;
    char http[30], iso[17];

    cloud_time_http(seconds, http);
    cloud_time_iso(seconds, iso);
    DLFW_BUG_IF(strlen(http) != 29 || strlen(iso) != 16);
    /* a zone may lead into the year behind the last one */
    if (seconds < 18429033600u)
        DLFW_BUG_IF(cloud_time_ns(http, 29) != seconds * 1000000000u);
}

static void percent(const uint8_t *data, size_t size)
{
    struct text text = {0};

    text_encoded(&text, (const char *)data, size, true);
    DLFW_BUG_IF(az_decode(text.data, text.len) != size || (size && memcmp(text.data, data, size) != 0));
    text_clear(&text);
    text_add(&text, data, size);
    DLFW_BUG_IF(az_decode(text.data, text.len) > size && az_decode(text.data, text.len) != SIZE_MAX);
    text_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const readers[])(const uint8_t *, size_t) = {
        blobs, blobs_of_account, containers,  walk,   fault, batch, connection_string, head,
        token, blocks,           time_of_day, percent};

    if (size > 0)
        readers[(uint8_t)(data[0] - 'a') % (sizeof readers / sizeof *readers)](data + 1, size - 1);
    return 0;
}
