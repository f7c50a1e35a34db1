/* SPDX-License-Identifier: Apache-2.0 */
#include "test_checkpoint_store_fixture.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host/content.h"
#include "host/crc.h"

extern const dlfw_plugin dlfw_plugin_v1;

static const struct dlfw_node shape[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "vocab_size", .text = "1000"},
    {.kind = DLFW_NODE_SCALAR, .key = "hidden_size", .text = "64"},
    {.kind = DLFW_NODE_SCALAR, .key = "ffn_hidden_size", .text = "128"},
    {.kind = DLFW_NODE_SCALAR, .key = "num_attention_heads", .text = "8"},
    {.kind = DLFW_NODE_SCALAR, .key = "num_kv_heads", .text = "8"},
};
static const struct dlfw_node model_items[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "num_layers", .text = "2"},
    {.kind = DLFW_NODE_SCALAR, .key = "model_datatype", .text = "fp16"},
    {.kind = DLFW_NODE_SCALAR, .key = "optimizer_datatype", .text = "fp32"},
    {.kind = DLFW_NODE_MAP, .key = "transformer", .count = 5, .items = shape},
};
static const struct dlfw_node model = {.kind = DLFW_NODE_MAP, .count = 4, .items = model_items};

static const struct dlfw_node small_shape[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "vocab_size", .text = "100"},
    {.kind = DLFW_NODE_SCALAR, .key = "hidden_size", .text = "32"},
    {.kind = DLFW_NODE_SCALAR, .key = "ffn_hidden_size", .text = "64"},
    {.kind = DLFW_NODE_SCALAR, .key = "num_attention_heads", .text = "8"},
    {.kind = DLFW_NODE_SCALAR, .key = "num_kv_heads", .text = "8"},
};
static const struct dlfw_node sharded[] = {{.kind = DLFW_NODE_SCALAR, .key = "zero_stage", .text = "3"}};
static const struct dlfw_node small_items[] = {
    {.kind = DLFW_NODE_SCALAR, .key = "num_layers", .text = "2"},
    {.kind = DLFW_NODE_SCALAR, .key = "model_datatype", .text = "fp16"},
    {.kind = DLFW_NODE_SCALAR, .key = "optimizer_datatype", .text = "fp32"},
    {.kind = DLFW_NODE_MAP, .key = "transformer", .count = 5, .items = small_shape},
    {.kind = DLFW_NODE_MAP, .key = "parallelism", .count = 1, .items = sharded},
};
const struct dlfw_node fixture_small_model = {.kind = DLFW_NODE_MAP, .count = 4, .items = small_items};
const struct dlfw_node fixture_sharded_model = {.kind = DLFW_NODE_MAP, .count = 5, .items = small_items};

void fixture_host(struct fake_host *host)
{
    fake_host_init(host);
    host->table.content_fill = content_fill;
    host->table.content_check = content_check;
    host->table.crc32 = crc32_update;
    host->table.crc32c = crc32c_update;
}

void fixture_options(struct store_options *o)
{
    *o = (struct store_options){.common = {.checkpoint_folder = FOLDER "/",
                                           .checkpoint_after_epoch = 1,
                                           .epochs_between_checkpoints = 1,
                                           .steps_between_checkpoints = -1,
                                           .randomize_tensor = 1,
                                           .time_between_checkpoints = -1,
                                           .num_checkpoints_write = -1,
                                           .num_checkpoints_read = -1,
                                           .content_seed = 1,
                                           .ranks_per_node = 1,
                                           .model = &model},
                                .framework = "pytorch",
                                .level = 1,
                                .part_size = 65536,
                                .threads = 2,
                                .memory_budget = 16u << 20,
                                .verify = VERIFY_ALL};
}

struct store_fixture *fixture_new(void)
{
    struct store_fixture *f = calloc(1, sizeof *f);

    ck_assert_ptr_nonnull(f);
    fixture_host(&f->host);
    fake_services_init(&f->services);
    fixture_options(&f->options);
    f->ops = dlfw_plugin_v1.ifaces[0]->ops;
    ck_assert_int_eq(dlfw_plugin_v1.load(&f->host.table, NULL), DLFW_OK);
    f->ctx = (dlfw_hook_ctx){
        .struct_size = sizeof f->ctx, .world_size = 1, .services = &f->services.table, .services_ctx = &f->services};
    return f;
}

void fixture_free(struct store_fixture *f)
{
    if (f->hook)
        ck_assert_msg(fixture_end(f) >= 0, "%s", f->text);
    ck_assert_uint_eq(f->services.writers_open, 0);
    ck_assert_uint_eq(f->services.sources_open, 0);
    fake_services_free(&f->services);
    free(f);
}

dlfw_status fixture_create(struct store_fixture *f)
{
    dlfw_create_args args = {.struct_size = sizeof args,
                             .host = &f->host.table,
                             .host_ctx = &f->host,
                             .instance = "checkpoint_store",
                             .options = &f->options};
    dlfw_error err = FAKE_ERROR(f->text);

    f->text[0] = '\0';
    return f->ops->create(&args, &f->hook, &err);
}

void fixture_begin(struct store_fixture *f)
{
    dlfw_error err = FAKE_ERROR(f->text);

    ck_assert_msg(fixture_create(f) >= 0, "%s", f->text);
    f->ctx.phase = DLFW_PHASE_INITIALIZE;
    ck_assert_msg(f->ops->initialize(f->hook, &f->ctx, &err) >= 0, "%s", f->text);
}

dlfw_status fixture_workload(struct store_fixture *f, int64_t writes, int64_t reads)
{
    dlfw_error err = FAKE_ERROR(f->text);

    f->options.common.num_checkpoints_write = writes;
    f->options.common.num_checkpoints_read = reads;
    f->ctx.phase = DLFW_PHASE_WORKLOAD;
    f->text[0] = '\0';
    return f->ops->workload(f->hook, &f->ctx, &err);
}

dlfw_status fixture_end(struct store_fixture *f)
{
    dlfw_error err = FAKE_ERROR(f->text);
    dlfw_status st;

    f->ctx.phase = DLFW_PHASE_FINALIZE;
    st = f->ops->finalize(f->hook, &f->ctx, &err);
    f->ops->destroy(f->hook);
    f->hook = NULL;
    return st;
}

dlfw_checkpoint_place fixture_place(struct store_fixture *f)
{
    return (dlfw_checkpoint_place){.struct_size = sizeof(dlfw_checkpoint_place),
                                   .services = &f->services.table,
                                   .services_ctx = &f->services,
                                   .uri = FOLDER};
}

struct listing {
    uint32_t count, latest;
};

static int32_t count_one(void *ctx, const dlfw_checkpoint_info *info)
{
    struct listing *l = ctx;

    ck_assert_msg(!(info->flags & DLFW_CHECKPOINT_INCOMPLETE), "%s: %s", info->name, info->problem);
    l->count++;
    l->latest += (info->flags & DLFW_CHECKPOINT_IS_LATEST) != 0;
    return 0;
}

static void ignore_report(void *ctx, const dlfw_checkpoint_report *report)
{
    (void)ctx, (void)report;
}

uint32_t fixture_verify_all(struct store_fixture *f)
{
    dlfw_checkpoint_place place = fixture_place(f);
    dlfw_checkpoint_select all = {.struct_size = sizeof all, .flags = DLFW_CHECKPOINT_SELECT_ALL};
    struct listing l = {0};
    char text[512] = "";
    dlfw_error err = FAKE_ERROR(text);

    ck_assert_msg(checkpoint_tools.list(&place, count_one, &l, &err) >= 0, "%s", text);
    ck_assert_uint_eq(l.latest, l.count ? 1 : 0);
    if (l.count)
        ck_assert_msg(checkpoint_tools.verify(&place, &all, ignore_report, NULL, &err) >= 0, "%s", text);
    else
        ck_assert_ptr_null(fake_services_object(&f->services, FOLDER "/latest.json"));
    return l.count;
}

void fixture_assert_tidy(struct store_fixture *f)
{
    ck_assert_uint_eq(fake_services_count(&f->services, FOLDER "/intents"), 0);
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++) {
        const char *uri = f->services.objects[i].uri, *name = strstr(uri, "ckpt-");
        char manifest[256];

        if (!name)
            continue;
        snprintf(manifest, sizeof manifest, FOLDER "/manifests/%.*s.json", (int)strcspn(name, "/."), name);
        ck_assert_msg(fake_services_object(&f->services, manifest) != NULL, "'%s' has no manifest", uri);
    }
}

void fixture_kill_owners(struct store_fixture *f)
{
    for (uint32_t i = 0; i < FAKE_OBJECTS; i++) {
        struct fake_object *o = &f->services.objects[i];
        char *at = strstr(o->uri, "/intents/") ? memmem(o->data, o->len, "\"start_time\": ", 14) : NULL;

        if (at)
            at[14] = at[14] == '1' ? '2' : '1';
    }
}
