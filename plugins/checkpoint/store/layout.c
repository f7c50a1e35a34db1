/* SPDX-License-Identifier: Apache-2.0 */
#define _GNU_SOURCE
#include "layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define STAMP_LEN 15u /* "20260101-120000" */
#define RANK_GROUPS 16u

const char *const layout_strategy_names[] = {"flat", "round_robin", "binary", NULL};

void layout_stamp(int64_t time, char buf[16])
{
    time_t seconds = (time_t)time;
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    strftime(buf, STAMP_LEN + 1, "%Y%m%d-%H%M%S", &tm);
}

void layout_wall_time(int64_t time, char buf[24])
{
    time_t seconds = (time_t)time;
    struct tm tm = {0};

    gmtime_r(&seconds, &tm);
    strftime(buf, 24, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

void checkpoint_id_make(uint64_t step, int64_t time, struct checkpoint_id *ret)
{
    char stamp[16];

    layout_stamp(time, stamp);
    *ret = (struct checkpoint_id){.step = step, .time = time};
    snprintf(ret->name, sizeof ret->name, "ckpt-%" PRIu64 "-%s", step, stamp);
}

/* len digits; false: something else */
static bool number(const char *text, uint64_t len, uint64_t *ret)
{
    *ret = 0;
    for (uint64_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9' || *ret > (INT64_MAX - 9) / 10)
            return false;
        *ret = *ret * 10 + (uint64_t)(text[i] - '0');
    }
    return len > 0;
}

static bool parse_stamp(const char *s, int64_t *ret)
{
    static const uint8_t at[] = {0, 4, 6, 9, 11, 13}, len[] = {4, 2, 2, 2, 2, 2};
    uint64_t v[6];
    struct tm tm;

    for (uint32_t i = 0; i < 6; i++)
        if (!number(s + at[i], len[i], &v[i]))
            return false;
    if (s[8] != '-' || v[0] < 1970 || !v[1] || v[1] > 12 || !v[2] || v[2] > 31 || v[3] > 23 || v[4] > 59 || v[5] > 60)
        return false;
    tm = (struct tm){.tm_year = (int)v[0] - 1900,
                     .tm_mon = (int)v[1] - 1,
                     .tm_mday = (int)v[2],
                     .tm_hour = (int)v[3],
                     .tm_min = (int)v[4],
                     .tm_sec = (int)v[5]};
    *ret = (int64_t)timegm(&tm);
    return true;
}

bool checkpoint_id_parse(const char *text, uint64_t len, struct checkpoint_id *ret)
{
    static const char begin[] = "ckpt-";
    const uint64_t head = sizeof begin - 1;

    *ret = (struct checkpoint_id){0};
    if (len < head + 2 + STAMP_LEN || len >= sizeof ret->name || memcmp(text, begin, head) != 0)
        return false;
    if (text[len - STAMP_LEN - 1] != '-' || !number(text + head, len - head - 1 - STAMP_LEN, &ret->step) ||
        !parse_stamp(text + len - STAMP_LEN, &ret->time))
        return false;
    memcpy(ret->name, text, len);
    return true;
}

bool checkpoint_id_parse_key(const char *key, const char *prefix, const char *suffix, struct checkpoint_id *ret)
{
    const size_t len = strlen(key), front = strlen(prefix), back = strlen(suffix);

    if (len < front + back || memcmp(key, prefix, front) != 0 || memcmp(key + len - back, suffix, back) != 0)
        return false;
    return checkpoint_id_parse(key + front, len - front - back, ret);
}

int checkpoint_id_order(const struct checkpoint_id *a, const struct checkpoint_id *b)
{
    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->step < b->step ? -1 : a->step > b->step;
}

void layout_manifest_key(const char *name, char buf[STORE_KEY_MAX])
{
    snprintf(buf, STORE_KEY_MAX, "manifests/%s.json", name);
}

void layout_marker_key(const char *name, char buf[STORE_KEY_MAX])
{
    snprintf(buf, STORE_KEY_MAX, "latest/%s.json", name);
}

void layout_intent_key(const char *name, char buf[STORE_KEY_MAX])
{
    snprintf(buf, STORE_KEY_MAX, "intents/%s.json", name);
}

/*
 * binary: s3dlio takes the HIGHEST four of eight bits, so that ranks 0 to 15 share one prefix. The lowest four, the
 * lowest first, put neighbours into different halves of the name space: 0000, 1000, 0100, 1100, ... Readers go by the
 * manifest's keys, whatever the rule was.
 */
void layout_shard_key(enum layout_strategy strategy, const char *name, uint32_t rank, enum codec codec,
                      char buf[STORE_KEY_MAX])
{
    char group[16] = "";

    if (strategy == LAYOUT_ROUND_ROBIN)
        snprintf(group, sizeof group, "rr/%02x/", rank % RANK_GROUPS);
    else if (strategy == LAYOUT_BINARY)
        snprintf(group, sizeof group, "bin/%u%u%u%u/", rank & 1, rank >> 1 & 1, rank >> 2 & 1, rank >> 3 & 1);
    snprintf(buf, STORE_KEY_MAX, "shards/%s%s/rank-%" PRIu32 ".bin%s", group, name, rank, codec_suffix(codec));
}

static bool ends_in(const char *text, const char *end)
{
    const size_t len = strlen(text), n = strlen(end);

    return len >= n && strcmp(text + len - n, end) == 0;
}

bool layout_is_shard_key(const char *key, enum codec *ret)
{
    const size_t len = strlen(key);

    if (len >= STORE_KEY_MAX || strncmp(key, "shards/", 7) != 0 || key[len - 1] == '/')
        return false;
    for (const char *p = key; *p; p++) {
        bool plain = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');

        if (!plain && *p != '/' && *p != '-' && *p != '_' && *p != '.')
            return false;
        if (*p == '/' && (p[1] == '/' || p[1] == '.')) /* empty, hidden, "." and ".." */
            return false;
    }
    *ret = ends_in(key, ".zst") ? CODEC_ZSTD : ends_in(key, ".dlf") ? CODEC_FLOAT : CODEC_NONE;
    return true;
}
