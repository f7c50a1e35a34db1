/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names below a checkpoint folder: those of the s3dlio checkpoint store, and intents of our own.
 *
 *   manifests/NAME.json   latest.json   latest/NAME.json   intents/NAME.json      NAME = ckpt-STEP-YYYYmmdd-HHMMSS
 *   shards/NAME/rank-R.bin                 flat
 *   shards/rr/XX/NAME/rank-R.bin           round_robin: XX is R modulo 16
 *   shards/bin/BBBB/NAME/rank-R.bin        binary: BBBB are the four low bits of R, the lowest first
 *
 * A key that was read from somewhere is used only when it is one of these.
 */
#ifndef DLFW_CHECKPOINT_STORE_LAYOUT_H
#define DLFW_CHECKPOINT_STORE_LAYOUT_H

#include <stdbool.h>

#include "part_codec.h"

#define CHECKPOINT_ID_MAX 48u /* of a NAME, with NUL */
#define STORE_KEY_MAX 160u

enum layout_strategy { LAYOUT_FLAT = 0, LAYOUT_ROUND_ROBIN = 1, LAYOUT_BINARY = 2 };

extern const char *const layout_strategy_names[];

/* The NAME of a checkpoint, in its parts. */
struct checkpoint_id {
    uint64_t step;
    int64_t time; /* seconds since 1970, UTC */
    char name[CHECKPOINT_ID_MAX];
};

void checkpoint_id_make(uint64_t step, int64_t time, struct checkpoint_id *ret);
/* text: len bytes. false: no NAME. */
bool checkpoint_id_parse(const char *text, uint64_t len, struct checkpoint_id *ret);
/* NAME and suffix: "ckpt-1-20260101-000000.json" or, with prefix "manifests/", a whole key. */
bool checkpoint_id_parse_key(const char *key, const char *prefix, const char *suffix, struct checkpoint_id *ret);
/* Older first: by time, then by step. */
int checkpoint_id_order(const struct checkpoint_id *a, const struct checkpoint_id *b);
/* "20260101-120000" */
void layout_stamp(int64_t time, char buf[16]);
/* "2026-01-01T12:00:00Z" */
void layout_wall_time(int64_t time, char buf[24]);

#define LATEST_KEY "latest.json"
void layout_manifest_key(const char *name, char buf[STORE_KEY_MAX]);
void layout_marker_key(const char *name, char buf[STORE_KEY_MAX]);
void layout_intent_key(const char *name, char buf[STORE_KEY_MAX]);
void layout_shard_key(enum layout_strategy strategy, const char *name, uint32_t rank, enum codec codec,
                      char buf[STORE_KEY_MAX]);
/* Whether key is that of a shard: "shards/", no step upwards, nothing but plain names. The codec goes by its end. */
bool layout_is_shard_key(const char *key, enum codec *ret);

#endif
