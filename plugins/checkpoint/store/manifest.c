/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "manifest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "manifest_parts.h"

#define WORLD_MAX (1u << 20)
#define CHECKSUM_PREFIX "crc32c:"

void manifest_free(struct manifest *m)
{
    for (uint32_t i = 0; i < m->shard_count; i++)
        free(m->shards[i].parts);
    free(m->shards);
    free(m->framework);
    free(m->wall_time);
    free(m->user_meta);
    *m = (struct manifest){0};
}

static dlfw_status dump(json_t *root, char **ret, uint64_t *ret_len, dlfw_error *reterr)
{
    char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;

    json_decref(root);
    if (!text)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot make the JSON of a checkpoint");
    *ret = text;
    *ret_len = strlen(text);
    return DLFW_OK;
}

static json_t *print_shard(const struct manifest_shard *shard)
{
    json_t *ret = json_pack("{sI ss sI sn}", "rank", (json_int_t)shard->rank, "key", shard->key, "size",
                            (json_int_t)shard->size, "etag");

    if (shard->has_crc)
        json_object_set_new(ret, "checksum", json_sprintf(CHECKSUM_PREFIX "%08" PRIx32, shard->crc));
    else
        json_object_set_new(ret, "checksum", json_null());
    json_object_set_new(ret, "codec", json_string(codec_names[shard->codec]));
    if (shard->raw_bytes != UINT64_MAX)
        json_object_set_new(ret, "raw_size", json_integer((json_int_t)shard->raw_bytes));
    if (shard->parts)
        json_object_set_new(ret, "parts", manifest_parts_print(shard));
    return ret;
}

dlfw_status manifest_print(const struct manifest *m, char **ret, uint64_t *ret_len, dlfw_error *reterr)
{
    json_t *shards = json_array(), *meta = m->user_meta ? json_loads(m->user_meta, JSON_DECODE_ANY, NULL) : json_null();

    for (uint32_t i = 0; i < m->shard_count; i++)
        json_array_append_new(shards, print_shard(&m->shards[i]));
    return dump(json_pack("{si ss sI sI ss sI so ss so}", "format_version", 1, "framework", m->framework, "global_step",
                          (json_int_t)m->step, "epoch", (json_int_t)m->epoch, "wall_time", m->wall_time, "world_size",
                          (json_int_t)m->world_size, "shards", shards, "status",
                          m->complete ? "complete" : "incomplete", "user_meta", meta),
                ret, ret_len, reterr);
}

static dlfw_status take_number(json_t *object, const char *name, uint64_t max, uint64_t *ret, dlfw_error *reterr)
{
    json_t *value = json_object_get(object, name);
    json_int_t v = json_integer_value(value);

    if (!json_is_integer(value) || v < 0 || (uint64_t)v > max)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'%s' is missing or no number from 0 to %" PRIu64, name, max);
    *ret = (uint64_t)v;
    return DLFW_OK;
}

/* Missing or null: "" */
static dlfw_status take_text(json_t *object, const char *name, char **ret, dlfw_error *reterr)
{
    const char *text = json_string_value(json_object_get(object, name));

    *ret = strdup(text ? text : "");
    return *ret ? DLFW_OK : dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep '%s'", name);
}

/* A checksum of another kind is none for us. */
static dlfw_status take_checksum(json_t *object, struct manifest_shard *shard, dlfw_error *reterr)
{
    const char *text = json_string_value(json_object_get(object, "checksum")), *digits;
    char *end = NULL;

    if (!text || strncmp(text, CHECKSUM_PREFIX, sizeof CHECKSUM_PREFIX - 1) != 0)
        return DLFW_OK;
    digits = text + sizeof CHECKSUM_PREFIX - 1;
    if (strlen(digits) == 8 && strspn(digits, "0123456789abcdefABCDEF") == 8) {
        shard->crc = (uint32_t)strtoul(digits, &end, 16);
        shard->has_crc = true;
        return DLFW_OK;
    }
    return dlfw_fail(reterr, DLFW_E_CORRUPT, "'checksum' of shard %" PRIu32 " is no CRC-32C", shard->rank);
}

/* A shard without our fields is one whole object, its codec told by its name. */
static dlfw_status take_codec(json_t *object, struct manifest_shard *shard, dlfw_error *reterr)
{
    json_t *parts = json_object_get(object, "parts");
    const char *name = json_string_value(json_object_get(object, "codec"));
    dlfw_status st;

    shard->raw_bytes = shard->codec == CODEC_NONE ? shard->size : UINT64_MAX;
    if (name && strcmp(name, codec_names[shard->codec]) != 0)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "codec '%s' of shard %" PRIu32 " does not go with its key '%s'", name,
                         shard->rank, shard->key);
    if (json_object_get(object, "raw_size")) {
        st = take_number(object, "raw_size", INT64_MAX, &shard->raw_bytes, reterr);
        if (st < 0)
            return st;
    }
    return json_is_object(parts) ? manifest_parts_parse(parts, shard, reterr) : DLFW_OK;
}

static dlfw_status take_shard(json_t *object, const struct manifest *m, struct manifest_shard *shard,
                              dlfw_error *reterr)
{
    const char *key = json_string_value(json_object_get(object, "key"));
    uint64_t rank = 0;
    dlfw_status st = take_number(object, "rank", m->world_size - 1, &rank, reterr);

    if (st < 0)
        return st;
    shard->rank = (uint32_t)rank;
    if (!key || !layout_is_shard_key(key, &shard->codec))
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'key' of shard %" PRIu64 " is not below 'shards/'", rank);
    memcpy(shard->key, key, strlen(key) + 1);
    st = take_number(object, "size", INT64_MAX, &shard->size, reterr);
    if (st >= 0)
        st = take_checksum(object, shard, reterr);
    return st < 0 ? st : take_codec(object, shard, reterr);
}

static int by_rank(const void *a, const void *b)
{
    const struct manifest_shard *x = a, *y = b;

    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static dlfw_status take_shards(json_t *list, struct manifest *m, dlfw_error *reterr)
{
    size_t count = json_array_size(list);

    if (!json_is_array(list) || count > m->world_size)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "'shards' is missing, or has more than one of a rank");
    m->shards = calloc(count + 1, sizeof *m->shards);
    if (!m->shards)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot keep %zu shards", count);
    for (size_t i = 0; i < count; i++) {
        dlfw_status st = take_shard(json_array_get(list, i), m, &m->shards[m->shard_count++], reterr);

        if (st < 0)
            return st;
    }
    qsort(m->shards, count, sizeof *m->shards, by_rank);
    for (size_t i = 1; i < count; i++)
        if (m->shards[i].rank == m->shards[i - 1].rank)
            return dlfw_fail(reterr, DLFW_E_CORRUPT, "rank %" PRIu32 " has two shards", m->shards[i].rank);
    return DLFW_OK;
}

static dlfw_status take_manifest(json_t *root, struct manifest *m, dlfw_error *reterr)
{
    const char *status = json_string_value(json_object_get(root, "status"));
    json_t *meta = json_object_get(root, "user_meta");
    uint64_t version = 0, epoch = 0, world = 0;
    dlfw_status st = take_number(root, "format_version", INT64_MAX, &version, reterr);

    if (st >= 0 && version != 1)
        return dlfw_fail(reterr, DLFW_E_UNSUPPORTED, "format version %" PRIu64 "; known is 1", version);
    if (st >= 0)
        st = take_number(root, "global_step", INT64_MAX, &m->step, reterr);
    if (st >= 0)
        st = take_number(root, "epoch", UINT32_MAX, &epoch, reterr);
    if (st >= 0)
        st = take_number(root, "world_size", WORLD_MAX, &world, reterr);
    if (st >= 0 && (!world || !status))
        st = dlfw_fail(reterr, DLFW_E_CORRUPT, "'world_size' is 0, or 'status' is missing");
    if (st >= 0)
        st = take_text(root, "framework", &m->framework, reterr);
    if (st >= 0)
        st = take_text(root, "wall_time", &m->wall_time, reterr);
    if (st < 0)
        return st;
    m->epoch = (uint32_t)epoch;
    m->world_size = (uint32_t)world;
    if (meta && !json_is_null(meta))
        m->user_meta = json_dumps(meta, JSON_COMPACT | JSON_ENCODE_ANY);
    st = take_shards(json_object_get(root, "shards"), m, reterr);
    m->complete = st >= 0 && strcmp(status, "complete") == 0 && m->shard_count == m->world_size;
    return st;
}

dlfw_status manifest_parse(const char *text, uint64_t len, struct manifest *ret, dlfw_error *reterr)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    dlfw_status st;

    *ret = (struct manifest){0};
    if (!root)
        return dlfw_fail(reterr, DLFW_E_CORRUPT, "no JSON: %s, line %d", why.text, why.line);
    st = take_manifest(root, ret, reterr);
    json_decref(root);
    if (st < 0)
        manifest_free(ret);
    return st;
}

const struct manifest_shard *manifest_shard_of(const struct manifest *m, uint32_t rank)
{
    struct manifest_shard key = {.rank = rank};

    return m->shard_count ? bsearch(&key, m->shards, m->shard_count, sizeof key, by_rank) : NULL;
}

dlfw_status latest_print(const struct checkpoint_id *id, char **ret, uint64_t *ret_len, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX], stamp[16];

    layout_manifest_key(id->name, key);
    layout_stamp(id->time, stamp);
    return dump(json_pack("{ss sI ss}", "manifest_key", key, "global_step", (json_int_t)id->step, "ts", stamp), ret,
                ret_len, reterr);
}

dlfw_status latest_parse(const char *text, uint64_t len, struct checkpoint_id *ret, dlfw_error *reterr)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, 0, &why);
    const char *key = json_string_value(json_object_get(root, "manifest_key"));
    dlfw_status st = DLFW_OK;

    if (!root)
        st = dlfw_fail(reterr, DLFW_E_CORRUPT, "'" LATEST_KEY "' is no JSON: %s, line %d", why.text, why.line);
    else if (!key || !checkpoint_id_parse_key(key, "manifests/", ".json", ret))
        st = dlfw_fail(reterr, DLFW_E_CORRUPT, "'manifest_key' of '" LATEST_KEY "' names no manifest");
    json_decref(root);
    return st;
}
