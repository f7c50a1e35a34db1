/* SPDX-License-Identifier: Apache-2.0 */
#include "ranks/launch_seen.h"

#include <stdlib.h>
#include <string.h>

#include "base/str.h"

#define TEXT_CAP 4096

static const char error_start[] = "dlfw: error: ";
static const char rank_word[] = "rank ";

static uint64_t hash_of(const char *text, size_t len)
{
    uint64_t hash = len;

    for (size_t i = 0; i < len; i++)
        hash = hash_mix(hash + (unsigned char)text[i]);
    return hash;
}

static bool is_error(const char *text, size_t len)
{
    return len >= sizeof error_start - 1 && memcmp(text, error_start, sizeof error_start - 1) == 0;
}

bool launch_names_rank(const char *text, size_t len)
{
    const size_t digit = sizeof error_start - 1 + sizeof rank_word - 1;

    return is_error(text, len) && len > digit &&
           memcmp(text + sizeof error_start - 1, rank_word, sizeof rank_word - 1) == 0 && text[digit] >= '0' &&
           text[digit] <= '9';
}

static const char *past_source(const char *at, const char *end)
{
    const char *digits = at + sizeof rank_word - 1, *after = digits;

    if ((size_t)(end - at) < sizeof rank_word - 1 || memcmp(at, rank_word, sizeof rank_word - 1) != 0)
        return at;
    while (after < end && *after >= '0' && *after <= '9')
        after++;
    return after > digits && end - after >= 2 && after[0] == ':' && after[1] == ' ' ? after + 2 : at;
}

/* What rank 2 says as "dlfw: error: no memory" others hear from it and say as "dlfw: error: rank 2: no memory". Writes
 * the former to buf, which has room for the text. */
static size_t without_source(const char *text, size_t len, char *buf)
{
    const char *end = text + len, *at = text, *next;
    size_t kept = 0;

    if (is_error(text, len)) {
        kept = sizeof error_start - 1;
        for (at += kept; (next = past_source(at, end)) != at; at = next)
            ;
    }
    memcpy(buf, text, kept);
    memcpy(buf + kept, at, (size_t)(end - at));
    return kept + (size_t)(end - at);
}

bool launch_seen_elsewhere(struct launch_seen *seen, uint32_t rank, const char *text, size_t len)
{
    struct launch_line *line;
    char kept[TEXT_CAP];
    uint64_t hash;

    if (len == 0 || len > TEXT_CAP)
        return false;
    len = without_source(text, len, kept);
    text = kept;
    hash = hash_of(text, len);
    for (uint32_t i = 0; i < LAUNCH_SEEN_LINES; i++) {
        line = &seen->lines[i];
        if (line->text && line->hash == hash && line->len == len && memcmp(line->text, text, len) == 0)
            return line->rank != rank;
    }
    line = &seen->lines[seen->next++ % LAUNCH_SEEN_LINES];
    free(line->text);
    *line = (struct launch_line){.hash = hash, .rank = rank, .len = len, .text = xstrndup(text, len)};
    return false;
}

void launch_seen_free(struct launch_seen *seen)
{
    for (uint32_t i = 0; i < LAUNCH_SEEN_LINES; i++)
        free(seen->lines[i].text);
    *seen = (struct launch_seen){0};
}
