/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin says about itself, from its tables only: nothing of it is called. The manual pages of the tree's own
 * plugins take their option lists from here, so that documentation and behaviour have one source.
 */
#include "plugins_describe.h"

#include <string.h>

#include "host/option_parse.h"

struct flag_name {
    uint64_t bit;
    const char *name;
};

static const struct flag_name backend_caps[] = {
    {DLFW_BACKEND_NO_DATA, "no-data"}, {DLFW_BACKEND_DIRECT, "direct"}, {DLFW_BACKEND_LOCAL, "local"}, {0, NULL}};
static const struct flag_name format_caps[] = {
    {DLFW_FORMAT_SAMPLE_RANGES, "sample-ranges"}, {DLFW_FORMAT_SERIAL_INSIDE, "serial-inside"}, {0, NULL}};
static const struct flag_name no_caps[] = {{0, NULL}};
static const struct flag_name operations[] = {
    {DLFW_OP_BIT(DLFW_OP_GET), "get"},
    {DLFW_OP_BIT(DLFW_OP_PUT), "put"},
    {DLFW_OP_BIT(DLFW_OP_STAT), "stat"},
    {DLFW_OP_BIT(DLFW_OP_DELETE), "delete"},
    {DLFW_OP_BIT(DLFW_OP_LIST), "list"},
    {DLFW_OP_BIT(DLFW_OP_OPEN), "open"},
    {DLFW_OP_BIT(DLFW_OP_CLOSE), "close"},
    {DLFW_OP_BIT(DLFW_OP_WRITE_BEGIN), "write-begin"},
    {DLFW_OP_BIT(DLFW_OP_WRITE_PART), "write-part"},
    {DLFW_OP_BIT(DLFW_OP_WRITE_COMMIT), "write-commit"},
    {DLFW_OP_BIT(DLFW_OP_WRITE_ABORT), "write-abort"},
    {DLFW_OP_BIT(DLFW_OP_MAKE_ROOT), "make-root"},
    {DLFW_OP_BIT(DLFW_OP_REMOVE_ROOT), "remove-root"},
    {0, NULL},
};

/* Names of what an interface can do; bits that came after this dlfw have none and are left out, as the host ignores
 * them. */
struct words {
    const char *items[16];
    uint32_t count;
};

static void add_word(struct words *words, const char *word)
{
    if (words->count < sizeof words->items / sizeof *words->items)
        words->items[words->count++] = word;
}

static void add_flags(struct words *words, const struct flag_name *names, uint64_t bits)
{
    for (; names->name; names++) {
        if (bits & names->bit)
            add_word(words, names->name);
    }
}

/* What core needs to know of an interface whatever its kind. */
struct abilities {
    const char *threads;
    struct words caps;
    struct words does; /* operations of a backend, directions of a format, phases of a hook */
    struct words ways; /* how a backend is called */
};

static const char *thread_class_name(uint32_t thread_class)
{
    static const char *const names[] = {
        [DLFW_THREADS_PER_QUEUE] = "per-queue",
        [DLFW_THREADS_SERIAL_PROCESS] = "serial-process",
        [DLFW_THREADS_SERIAL_INSTANCE] = "serial-instance",
        [DLFW_THREADS_PARALLEL] = "parallel",
    };

    return names[thread_class];
}

static const char *thread_class_meaning(const char *name)
{
    static const char *const meanings[][2] = {
        {"per-queue", "a queue or reader in one thread at a time"},
        {"serial-process", "one call at a time in the whole process"},
        {"serial-instance", "one call at a time per instance"},
        {"parallel", "anything at any time"},
    };

    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(meanings[i][0], name) == 0)
            return meanings[i][1];
    }
    return "";
}

static void backend_abilities(const dlfw_backend_ops *ops, struct abilities *a)
{
    a->threads = thread_class_name(ops->thread_class);
    add_flags(&a->caps, backend_caps, ops->caps);
    add_flags(&a->does, operations, ops->op_mask);
    if (ops->submit)
        add_word(&a->ways, "queue");
    if (ops->perform)
        add_word(&a->ways, "blocking");
    if (ops->mem_register)
        add_word(&a->ways, "registered memory");
}

static void hook_abilities(const dlfw_hook_ops *ops, struct abilities *a)
{
    a->threads = thread_class_name(ops->thread_class);
    add_flags(&a->caps, no_caps, ops->caps);
    if (ops->initialize)
        add_word(&a->does, "initialize");
    if (ops->after_step)
        add_word(&a->does, "after_step");
    if (ops->after_epoch)
        add_word(&a->does, "after_epoch");
    if (ops->finalize)
        add_word(&a->does, "finalize");
}

static struct abilities abilities_of(const struct plugin_iface *iface)
{
    struct abilities a = {.threads = "per-queue"};

    switch (iface->iface->kind) {
    case DLFW_KIND_BACKEND:
        backend_abilities(&iface->ops.backend, &a);
        break;
    case DLFW_KIND_FORMAT:
        a.threads = thread_class_name(iface->ops.format.thread_class);
        add_flags(&a.caps, format_caps, iface->ops.format.caps);
        add_word(&a.does, "read");
        if (iface->ops.format.encode)
            add_word(&a.does, "generate");
        break;
    case DLFW_KIND_HOOK:
        hook_abilities(&iface->ops.hook, &a);
        break;
    default:
        break;
    }
    return a;
}

static void add_words(struct str *out, const char *label, const struct words *words)
{
    if (!words->count)
        return;
    str_add_format(out, "  %-14s", label);
    for (uint32_t i = 0; i < words->count; i++)
        str_add_format(out, "%s%s", i ? ", " : "", words->items[i]);
    str_add(out, "\n");
}

static void add_fact(struct str *out, const char *label, const char *text)
{
    if (text && *text)
        str_add_format(out, "  %-14s%s\n", label, text);
}

/* "size, default 8MiB, 5MiB to 5GiB" with emphasis around the default. */
static void add_option_facts(struct str *out, const dlfw_option *row, const char *emphasis)
{
    str_add(out, option_type_name(row->type));
    if (row->flags & DLFW_OPT_REQUIRED)
        str_add(out, ", required");
    else if (row->def)
        str_add_format(out, ", default %s%s%s", emphasis, *row->def ? row->def : "''", emphasis);
    if (row->min && row->max)
        str_add_format(out, ", %s to %s", row->min, row->max);
    else if (row->min)
        str_add_format(out, ", at least %s", row->min);
    else if (row->max)
        str_add_format(out, ", at most %s", row->max);
    for (uint32_t i = 0; row->choices && row->choices[i]; i++)
        str_add_format(out, "%s%s", i ? " | " : ", one of ", row->choices[i]);
    if (row->flags & DLFW_OPT_DEPRECATED)
        str_add_format(out, ", deprecated%s%s", row->replaced_by ? " in favour of " : "",
                       row->replaced_by ? row->replaced_by : "");
}

void plugin_describe_text(const struct plugin_iface *iface, struct str *out)
{
    const dlfw_plugin *plugin = iface->file->plugin;
    const dlfw_iface *face = iface->iface;
    struct abilities a = abilities_of(iface);

    str_add_format(out, "%s (%s)%s%s\n", face->name, plugin_kind_name(face->kind), face->summary ? " - " : "",
                   face->summary ? face->summary : "");
    add_fact(out, "id", plugin->id);
    add_fact(out, "version", plugin->version);
    add_fact(out, "licence", plugin->license ? plugin->license : "not stated");
    add_fact(out, "url", plugin->url);
    str_add_format(out, "  %-14s%u.%u, needs %u.%u\n", "ABI", plugin->abi_major, plugin->abi_minor, plugin->abi_major,
                   plugin->need_minor);
    add_fact(out, "file", iface->file->path);
    str_add_format(out, "  %-14s%s: %s\n", "threads", a.threads, thread_class_meaning(a.threads));
    if (face->kind == DLFW_KIND_FORMAT)
        add_fact(out, "extension", iface->ops.format.extension);
    add_words(out, "does", &a.does);
    add_words(out, "called by", &a.ways);
    add_words(out, "capabilities", &a.caps);
    str_add(out, face->option_count ? "  options\n" : "  no options\n");
    for (uint32_t i = 0; i < face->option_count; i++) {
        const dlfw_option *row = option_row(face->options, i);

        str_add_format(out, "    %s (", row->name);
        add_option_facts(out, row, "");
        str_add_format(out, ")\n        %s\n", row->help);
    }
}

static void add_scdoc(struct str *out, const char *text)
{
    for (; *text; text++) {
        if (strchr("*_\\", *text))
            str_add(out, "\\");
        str_add_len(out, text, 1);
    }
}

void plugin_describe_man(const struct plugin_iface *iface, struct str *out)
{
    const dlfw_iface *face = iface->iface;

    for (uint32_t i = 0; i < face->option_count; i++) {
        const dlfw_option *row = option_row(face->options, i);
        struct str facts = STR_EMPTY;

        add_option_facts(&facts, row, "");
        str_add(out, i ? "\n*" : "*");
        add_scdoc(out, row->name);
        str_add(out, "* (");
        add_scdoc(out, facts.data);
        str_add(out, ")\n\t");
        add_scdoc(out, row->help);
        str_add(out, "\n");
        str_free(&facts);
    }
}

static json_t *json_words(const struct words *words)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < words->count; i++)
        json_array_append_new(list, json_string(words->items[i]));
    return list;
}

/* A member only where there is a value: absent means not set. */
static void set_text(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
}

static json_t *json_option(const dlfw_option *row)
{
    json_t *option = json_object();

    set_text(option, "name", row->name);
    set_text(option, "type", option_type_name(row->type));
    set_text(option, "default", row->def);
    set_text(option, "min", row->min);
    set_text(option, "max", row->max);
    if (row->choices) {
        json_t *choices = json_array();

        for (uint32_t i = 0; row->choices[i]; i++)
            json_array_append_new(choices, json_string(row->choices[i]));
        json_object_set_new(option, "choices", choices);
    }
    json_object_set_new(option, "required", json_boolean(row->flags & DLFW_OPT_REQUIRED));
    json_object_set_new(option, "deprecated", json_boolean(row->flags & DLFW_OPT_DEPRECATED));
    json_object_set_new(option, "advanced", json_boolean(row->flags & DLFW_OPT_ADVANCED));
    set_text(option, "replaced_by", row->replaced_by);
    set_text(option, "help", row->help);
    return option;
}

json_t *plugin_describe_json(const struct plugin_iface *iface)
{
    const dlfw_plugin *plugin = iface->file->plugin;
    const dlfw_iface *face = iface->iface;
    struct abilities a = abilities_of(iface);
    json_t *object = json_object(), *options = json_array();

    set_text(object, "name", face->name);
    set_text(object, "kind", plugin_kind_name(face->kind));
    set_text(object, "summary", face->summary);
    set_text(object, "id", plugin->id);
    set_text(object, "version", plugin->version);
    set_text(object, "license", plugin->license);
    set_text(object, "url", plugin->url);
    json_object_set_new(object, "abi", json_sprintf("%u.%u", plugin->abi_major, plugin->abi_minor));
    json_object_set_new(object, "needs_abi", json_sprintf("%u.%u", plugin->abi_major, plugin->need_minor));
    set_text(object, "file", iface->file->path);
    set_text(object, "threads", a.threads);
    if (face->kind == DLFW_KIND_FORMAT)
        set_text(object, "extension", iface->ops.format.extension);
    json_object_set_new(object, "does", json_words(&a.does));
    json_object_set_new(object, "called_by", json_words(&a.ways));
    json_object_set_new(object, "capabilities", json_words(&a.caps));
    for (uint32_t i = 0; i < face->option_count; i++)
        json_array_append_new(options, json_option(option_row(face->options, i)));
    json_object_set_new(object, "options", options);
    return object;
}
