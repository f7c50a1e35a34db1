/* SPDX-License-Identifier: Apache-2.0 */
/* What the two halves of the scripted backend share. */
#ifndef DLFW_TESTS_SUPPORT_SCRIPT_PARTS_H
#define DLFW_TESTS_SUPPORT_SCRIPT_PARTS_H

#include <pthread.h>

#include "support/script_backend.h"

#define SCRIPT_OBJECTS 512u
#define SCRIPT_RULES 16u
#define SCRIPT_REGIONS 64u
#define SCRIPT_SCRATCH 72u /* deliberately no multiple of 64 */

struct script_object {
    char key[256];
    uint8_t *data;
    size_t len;
};

struct script {
    struct script_config config;
    dlfw_backend_ops ops;
    pthread_mutex_t lock;
    struct script_object objects[SCRIPT_OBJECTS];
    uint32_t object_count;
    struct script_rule rules[SCRIPT_RULES];
    uint32_t rule_count;
    uint64_t calls[16];
    _Atomic uint64_t submits;
    uint64_t last_length, last_offset;
    uint32_t uploads, cursors;
    _Atomic uint32_t running, max_running;
    _Atomic uint64_t draws;
    _Atomic bool down;
    _Atomic uint64_t link_free_ns; /* total_rate: when what was asked so far has passed */
    uint64_t regions[SCRIPT_REGIONS];
    struct node_tree tree;
};

void script_execute(struct script *s, dlfw_req *req, dlfw_comp *comp);
void script_begin_one(struct script *s);
void script_end_one(struct script *s);
uint64_t script_latency(struct script *s);
/* When req, that arrives now, is done. */
uint64_t script_due(struct script *s, const dlfw_req *req, uint64_t now);
void script_queue_fill_ops(dlfw_backend_ops *ops);

#endif
