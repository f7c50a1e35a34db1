/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a checkpoint's manifest and as latest.json: refused with a message, or understood so that it holds
 * together and prints as something that reads back the same. */
#include <stdlib.h>
#include <string.h>

#include "finding.h"
#include "manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_shard(const struct manifest *m, const struct manifest_shard *s)
{
    uint64_t raw = 0, stored = 0;
    enum codec codec;

    DLFW_BUG_IF(s->rank >= m->world_size);
    DLFW_BUG_IF(manifest_shard_of(m, s->rank) != s);
    DLFW_BUG_IF(!layout_is_shard_key(s->key, &codec) || codec != s->codec);
    DLFW_BUG_IF(strstr(s->key, "..") && strstr(s->key, "/.."));
    for (uint32_t i = 0; i < s->part_count; i++) {
        raw += s->parts[i].raw_bytes;
        stored += s->parts[i].stored_bytes;
        DLFW_BUG_IF(s->parts[i].raw_bytes > PART_BYTES_MAX);
        DLFW_BUG_IF(s->parts[i].stored_bytes > part_bound(s->codec, PART_BYTES_MAX));
    }
    DLFW_BUG_IF(s->parts && (raw != s->raw_bytes || stored != s->size));
}

static void print_again(const struct manifest *m)
{
    struct error_slot slot;
    struct manifest again;
    char *text = NULL;
    uint64_t len = 0;

    error_slot_init(&slot);
    DLFW_BUG_IF(manifest_print(m, &text, &len, &slot.e) < 0);
    if (manifest_parse(text, len, &again, &slot.e) < 0)
        finding("what was printed does not read: %s\n%s", slot.text, text);
    DLFW_BUG_IF(again.shard_count != m->shard_count || again.world_size != m->world_size || again.step != m->step);
    for (uint32_t i = 0; i < m->shard_count; i++)
        DLFW_BUG_IF(again.shards[i].size != m->shards[i].size || again.shards[i].part_count != m->shards[i].part_count);
    manifest_free(&again);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error_slot slot;
    struct checkpoint_id id, again;
    struct manifest m;

    error_slot_init(&slot);
    if (manifest_parse((const char *)data, size, &m, &slot.e) < 0) {
        message_is_one_line(slot.text);
        DLFW_BUG_IF(m.shards || m.framework);
    } else {
        for (uint32_t i = 0; i < m.shard_count; i++)
            check_shard(&m, &m.shards[i]);
        DLFW_BUG_IF(m.complete && m.shard_count != m.world_size);
        print_again(&m);
        manifest_free(&m);
    }
    error_slot_init(&slot);
    if (latest_parse((const char *)data, size, &id, &slot.e) < 0)
        message_is_one_line(slot.text);
    else
        DLFW_BUG_IF(!checkpoint_id_parse(id.name, strlen(id.name), &again) || again.time != id.time);
    return 0;
}
