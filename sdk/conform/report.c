/* SPDX-License-Identifier: Apache-2.0 */
/* TAP version 13 or one JSON document. A skipped case is shown with its reason and never counted as passed. */
#include "report.h"

#include <jansson.h>
#include <string.h>

void report_begin(struct report *report, const struct kit_settings *settings, uint32_t planned)
{
    *report = (struct report){.json = settings->json};
    if (report->json) {
        report->cases = json_array();
        return;
    }
    printf("TAP version 13\n1..%u\n", planned);
    printf("# %s, seed %llu\n", settings->plugin, (unsigned long long)settings->seed);
    fflush(stdout);
}

static void print_tap(const struct report *report, const char *name, const char *iface,
                      const struct case_result *result)
{
    const char *note = result->notes;

    printf("%s %u - %s%s%s%s", result->outcome == CASE_FAILED ? "not ok" : "ok", report->total, name, iface ? " (" : "",
           iface ? iface : "", iface ? ")" : "");
    if (result->outcome == CASE_SKIPPED)
        printf(" # SKIP %s", result->text);
    printf("\n");
    if (result->outcome == CASE_FAILED)
        printf("# failed: %s\n", result->text);
    while (*note) {
        size_t len = strcspn(note, "\n");

        printf("# %.*s\n", (int)len, note);
        note += len + (note[len] == '\n');
    }
    fflush(stdout);
}

static const char *outcome_name(enum case_outcome outcome)
{
    return outcome == CASE_PASSED ? "passed" : outcome == CASE_FAILED ? "failed" : "skipped";
}

/* Texts come from a plugin and may be no UTF-8; JSON must be. */
static json_t *text_json(const char *text)
{
    json_t *value = json_string(text);
    char ascii[1024];
    size_t n = 0;

    if (value)
        return value;
    for (; text[n] && n + 1 < sizeof ascii; n++)
        ascii[n] = (unsigned char)text[n] < 0x80 ? text[n] : '?';
    ascii[n] = '\0';
    return json_string(ascii);
}

void report_case(struct report *report, const char *name, const char *iface, const struct case_result *result)
{
    json_t *row;

    report->total++;
    report->passed += result->outcome == CASE_PASSED;
    report->failed += result->outcome == CASE_FAILED;
    report->skipped += result->outcome == CASE_SKIPPED;
    if (!report->json) {
        print_tap(report, name, iface, result);
        return;
    }
    row = json_pack("{s:s, s:s, s:f}", "case", name, "outcome", outcome_name(result->outcome), "seconds",
                    (double)result->wall_ns / 1e9);
    if (iface)
        json_object_set_new(row, "interface", text_json(iface));
    if (result->text[0])
        json_object_set_new(row, "text", text_json(result->text));
    if (result->notes[0])
        json_object_set_new(row, "notes", text_json(result->notes));
    json_array_append_new(report->cases, row);
}

bool report_end(struct report *report, const struct kit_settings *settings)
{
    bool good = report->failed == 0 && report->passed > 0;

    if (report->json) {
        json_t *root =
            json_pack("{s:s, s:I, s:b, s:i, s:i, s:i, s:o}", "plugin", settings->plugin, "seed",
                      (json_int_t)settings->seed, "good", good, "passed", (int)report->passed, "failed",
                      (int)report->failed, "skipped", (int)report->skipped, "cases", (json_t *)report->cases);

        json_dumpf(root, stdout, JSON_INDENT(2));
        printf("\n");
        json_decref(root);
    } else {
        printf("# passed %u, failed %u, skipped %u\n", report->passed, report->failed, report->skipped);
    }
    return fflush(stdout) == 0 && good;
}
