/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dlfw-conform PLUGIN.so: is this file a good plugin? Reads the note to learn what is inside, then runs every case that
 * fits, each in a process of its own. Exit 0 only when nothing failed; 1 when something did; 2 for a mistake on the
 * command line.
 */
#include <fnmatch.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "quirks.h"
#include "report.h"

static const struct kit_case *const groups[] = {
    kit_cases_binary, kit_cases_options, kit_cases_life,        kit_cases_read,    kit_cases_key,
    kit_cases_queue,  kit_cases_write,   kit_cases_list,        kit_cases_format,  kit_cases_side,
    kit_cases_damage, kit_cases_hook,    kit_cases_coordinator, kit_cases_threads, kit_cases_speed,
};

static const char usage[] =
    "usage: dlfw-conform [options] PLUGIN.so\n"
    "  --kind KIND           only interfaces of this kind: backend, format, hook, coordinator\n"
    "  --name NAME           only the interface of this name\n"
    "  --include PATTERN     only cases that match, for instance 'read.*'; may be given several times\n"
    "  --exclude PATTERN     no cases that match\n"
    "  --option NAME=VALUE   an option of the plugin, as in the run file; 'root' is where a backend keeps objects\n"
    "  --quirks FILE         options, root, object and skips of this plugin\n"
    "  --seed N              of the random parts (default 1)\n"
    "  --timeout SECONDS     per case (default 60)\n"
    "  --in-process          no child processes, for a debugger\n"
    "  --json                one JSON document instead of TAP\n"
    "  --list                the names of all cases\n";

static _Noreturn void misuse(const char *text, const char *what)
{
    fprintf(stderr, "dlfw-conform: %s '%s'\n%s", text, what, usage);
    exit(2);
}

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long value = strtoull(text, &end, 10);

    if (end == text || *end || text[0] == '-')
        misuse("not a number:", text);
    return value;
}

static void take_option(struct kit_settings *settings, char *text)
{
    char *value = strchr(text, '=');

    if (!value)
        misuse("--option needs NAME=VALUE, not", text);
    *value++ = '\0';
    if (strcmp(text, "root") == 0)
        settings->root = value;
    else
        pairs_add(&settings->options, text, value);
}

static void list_cases(void)
{
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (const struct kit_case *test = groups[g]; test->name; test++)
            printf("%s\n", test->name);
}

static void take_argument(struct kit_settings *settings, int letter, char *value, const char **quirks)
{
    switch (letter) {
    case 'k':
        settings->kind = plugin_kind_from_name(value, strlen(value));
        if (!settings->kind)
            misuse("unknown kind", value);
        break;
    case 'n':
        settings->name = value;
        break;
    case 'i':
        pairs_add(&settings->include, value, NULL);
        break;
    case 'x':
        pairs_add(&settings->exclude, value, NULL);
        break;
    case 'o':
        take_option(settings, value);
        break;
    case 'q':
        *quirks = value;
        break;
    case 's':
        settings->seed = number(value);
        break;
    case 't':
        settings->timeout_s = (uint32_t)number(value);
        break;
    case 'p':
        settings->in_process = true;
        break;
    case 'j':
        settings->json = true;
        break;
    case 'l':
        list_cases();
        exit(0);
    case 'h':
        fputs(usage, stdout);
        exit(0);
    default:
        fputs(usage, stderr);
        exit(2);
    }
}

static void parse(int argc, char **argv, struct kit_settings *settings)
{
    static const struct option names[] = {
        {"kind", 1, NULL, 'k'},
        {"name", 1, NULL, 'n'},
        {"include", 1, NULL, 'i'},
        {"exclude", 1, NULL, 'x'},
        {"option", 1, NULL, 'o'},
        {"quirks", 1, NULL, 'q'},
        {"seed", 1, NULL, 's'},
        {"timeout", 1, NULL, 't'},
        {"in-process", 0, NULL, 'p'},
        {"json", 0, NULL, 'j'},
        {"list", 0, NULL, 'l'},
        {"help", 0, NULL, 'h'},
        {0},
    };
    const char *quirks = NULL;
    int letter;

    *settings = (struct kit_settings){.seed = 1, .timeout_s = 60};
    while ((letter = getopt_long(argc, argv, "", names, NULL)) != -1)
        take_argument(settings, letter, optarg, &quirks);
    if (optind != argc - 1)
        misuse("one plugin file is needed", "");
    settings->plugin = argv[optind];
    if (quirks && quirks_read(quirks, settings) < 0)
        exit(2);
    /* dlopen searches a bare name in the library path; a plugin is always a file. */
    if (!strchr(settings->plugin, '/')) {
        char *path;

        if (asprintf(&path, "./%s", settings->plugin) < 0)
            exit(2);
        settings->plugin = path;
    }
}

static bool matches(const struct kit_pairs *patterns, const char *name)
{
    for (uint32_t i = 0; i < patterns->count; i++)
        if (fnmatch(patterns->items[i].name, name, 0) == 0)
            return true;
    return false;
}

static bool wanted(const struct kit_settings *settings, const struct kit_case *test)
{
    return (settings->include.count == 0 || matches(&settings->include, test->name)) &&
           !matches(&settings->exclude, test->name);
}

/* The reason of the quirks file, or NULL. */
static const char *skip_reason(const struct kit_settings *settings, const char *name)
{
    for (uint32_t i = 0; i < settings->skips.count; i++)
        if (fnmatch(settings->skips.items[i].name, name, 0) == 0)
            return settings->skips.items[i].value;
    return NULL;
}

/* report NULL: counts only. iface_name NULL: a case about the file. */
static uint32_t run_one(struct report *report, const struct kit_settings *settings, const struct plugin_note *note,
                        const struct kit_case *test, uint32_t iface, const char *iface_name)
{
    const char *reason = skip_reason(settings, test->name);
    struct case_result result;

    if (!wanted(settings, test))
        return 0;
    if (!report)
        return 1;
    if (reason) {
        memset(&result, 0, sizeof result);
        result.outcome = CASE_SKIPPED;
        snprintf(result.text, sizeof result.text, "%s", reason);
    } else {
        case_run(settings, note, test, iface, &result);
    }
    report_case(report, test->name, iface_name, &result);
    return 1;
}

static bool iface_wanted(const struct kit_settings *settings, const struct plugin_note *note, uint32_t i)
{
    return (!settings->kind || settings->kind == note->ifaces[i].kind) &&
           (!settings->name || strcmp(settings->name, note->ifaces[i].name) == 0);
}

/* Every case about the file, then every interface with the cases of its kind. Returns how many. */
static uint32_t run_all(struct report *report, const struct kit_settings *settings, const struct plugin_note *note)
{
    uint32_t total = 0;

    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        for (const struct kit_case *test = groups[g]; test->name; test++)
            if (test->flags & KIT_FILE)
                total += run_one(report, settings, note, test, 0, NULL);
    for (uint32_t i = 0; i < note->iface_count; i++) {
        char name[80];

        if (!iface_wanted(settings, note, i))
            continue;
        snprintf(name, sizeof name, "%s %s", plugin_kind_name(note->ifaces[i].kind), note->ifaces[i].name);
        for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
            for (const struct kit_case *test = groups[g]; test->name; test++)
                if (!(test->flags & KIT_FILE) && (test->kind == 0 || test->kind == note->ifaces[i].kind))
                    total += run_one(report, settings, note, test, i, name);
    }
    return total;
}

int main(int argc, char **argv)
{
    static struct kit_settings settings; /* its texts live as long as the process */
    struct plugin_note note;
    struct report report;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    parse(argc, argv, &settings);
    memset(&note, 0, sizeof note);
    if (plugin_note_read(settings.plugin, &note, &err) < 0)
        note.iface_count = 0; /* binary.load says why; there is nothing else to run */
    report_begin(&report, &settings, run_all(NULL, &settings, &note));
    run_all(&report, &settings, &note);
    return report_end(&report, &settings) ? 0 : 1;
}
