/* SPDX-License-Identifier: Apache-2.0 */
/* Which benchmark a configuration means to be. The name in the file does not tell the accelerator: the definition with
 * the fewest differences does, and names only decide between equals. */
#include <string.h>

#include "rules/definition.h"
#include "rules/override_rule.h"

struct count {
    const struct rule_book *book;
    const struct subject *s;
    uint32_t differences;
};

/* Keys that everybody may change say nothing about the benchmark. */
static void count_difference(void *ctx, const char *key, const char *value, const char *stock)
{
    struct count *c = ctx;

    (void)value;
    (void)stock;
    if (override_rule_of(key, c->s->kind, c->book->version) != CHANGE_CLOSED)
        c->differences++;
}

/* "unet3d_h100" as a workload or as a file says h100. */
static bool is_hinted(const struct subject *s, const char *accelerator)
{
    const char *file = s->cfg.config_path ? strrchr(s->cfg.config_path, '/') : NULL;

    if (!accelerator)
        return false;
    file = file ? file + 1 : s->cfg.config_path;
    if (!s->finished && file && strstr(file, accelerator))
        return true;
    for (const char *const *o = s->overrides; o && *o; o++)
        if (strncmp(*o + strspn(*o, "+"), "workload=", 9) == 0 && strstr(*o, accelerator))
            return true;
    return false;
}

/* `dlfw generate` leaves results too, with the configuration of the run that is to come. */
static bool only_generated(const struct subject *s)
{
    const json_t *dlfw = json_object_get(s->summary, "dlfw");

    return json_object_get(dlfw, "generation") && !json_object_get(dlfw, "epochs") &&
           !json_object_get(dlfw, "checkpoints");
}

static uint32_t kind_of(const struct rule_book *book, struct subject *s)
{
    if (only_generated(s))
        return KIND_GENERATION;
    if (subject_flag(book, s, "workflow.train"))
        return KIND_TRAINING;
    if (subject_flag(book, s, "workflow.generate_data"))
        return KIND_GENERATION;
    return subject_flag(book, s, "workflow.checkpoint") ? KIND_CHECKPOINTING : KIND_TRAINING;
}

/* Smaller is nearer: differences first, then the name, then the version asked for. */
static uint32_t distance(const struct rule_book *book, struct subject *s, const struct benchmark *b)
{
    struct count c = {.book = book, .s = s};

    definition_compare(book, s, b, count_difference, &c);
    return c.differences * 4 + (is_hinted(s, b->accelerator) ? 0 : 2) +
           (b->versions & RULES_BIT(book->version->index) ? 0 : 1);
}

void subject_classify(const struct rule_book *book, struct subject *s)
{
    const char *name = subject_value(book, s, "model.name");
    uint32_t wanted, best = UINT32_MAX;

    s->kind = kind_of(book, s);
    wanted = s->kind == KIND_GENERATION ? KIND_TRAINING : s->kind;
    for (uint32_t i = 0; name && s->has_config && i < benchmark_count; i++) {
        const struct benchmark *b = &benchmarks[i];
        uint32_t far;

        if (b->kind != wanted || !benchmark_is_named(b, name))
            continue;
        far = distance(book, s, b);
        if (far < best) {
            best = far;
            s->benchmark = b;
        }
    }
}
