/* SPDX-License-Identifier: Apache-2.0 */
#include "view/cache_facts.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "report/result_read.h"
#include "report/units.h"

#define GIB 1073741824.0

static void say(struct cache_facts *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(struct cache_facts *f, const char *format, ...)
{
    va_list args;

    if (f->count == CACHE_FACTS_MAX)
        return;
    va_start(args, format);
    vsnprintf(f->lines[f->count++], sizeof f->lines[0], format, args);
    va_end(args);
}

static double first_item(const json_t *root, const char *key)
{
    const json_t *item = json_array_get(json_object_get(root, key), 0);

    return json_is_number(item) ? json_number_value(item) : VIEW_UNKNOWN;
}

static bool is_on(const char *text)
{
    return text && (strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcasecmp(text, "on") == 0);
}

/* How much of the data was resident, in figures. */
static void say_resident(const struct run_view *v, struct cache_facts *f)
{
    double files = 0;
    uint32_t count = 0;

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        const struct view_epoch *e = &v->epochs[i];

        if (!is_known(e->resident_percent))
            continue;
        f->first_resident = count++ ? f->first_resident : e->resident_percent;
        f->last_resident = e->resident_percent;
        f->most_resident = fmax(f->most_resident, e->resident_percent); /* NaN gives way */
        files = is_known(e->resident_files) ? e->resident_files : files;
    }
    if (!count)
        say(f, "the residency of the bytes that were read was not measured; what is known:");
    else if (count == 1)
        say(f, "%.1f %% of the data lay in the page cache of rank 0's host when the epoch began (%.0f files looked at)",
            f->first_resident, files);
    else
        say(f,
            "of the data lay in the page cache of rank 0's host: %.1f %% when the first epoch began, %.1f %% when the "
            "last did, %.1f %% at most (%.0f files looked at)",
            f->first_resident, f->last_resident, f->most_resident, files);
}

/* The way that reads take. */
static void say_path(const struct run_view *v, struct cache_facts *f)
{
    const json_t *storage = json_object_get(v->dlfw, "storage");
    const char *scheme = result_text(storage, "scheme", NULL);

    if (json_is_false(json_object_get(storage, "real_data")))
        say(f, "the storage moves no data, so no cache matters");
    else if (json_is_true(json_object_get(storage, "direct")))
        say(f, "reads went past the page cache (direct)");
    else if (scheme && strcmp(scheme, "file") == 0)
        say(f, "reads went through the page cache%s",
            is_on(stored_key_find(&v->config, "reader.drop_cache")) ? ", and what was read left it (reader.drop_cache)"
                                                                    : "; reader.drop_cache is off");
    else if (scheme)
        say(f, "reads went to '%.40s' without this host's page cache; the storage's own caches are not known", scheme);
}

static void say_sizes(const struct run_view *v, struct cache_facts *f)
{
    double potential = first_item(v->summary, "potential_caching");

    f->memory_bytes = first_item(v->summary, "host_memory_GB") * GIB;
    f->data_bytes = result_number(v->summary, VIEW_UNKNOWN, "data_size_per_host_GB", NULL) * GIB;
    if (is_known(f->memory_bytes) && is_known(f->data_bytes))
        say(f, "data per host %s, memory of the host %s: %s", unit_bytes(f->data_bytes).text,
            unit_bytes(f->memory_bytes).text,
            f->data_bytes < f->memory_bytes ? "all of it can stay in memory" : "not all of it can stay in memory");
    else if (is_known(potential))
        say(f, "the host's memory is %s than the data that it reads (potential_caching)",
            potential > 0 ? "larger" : "smaller");
}

/* Both ends of what is known per epoch. */
static void say_epochs(const struct run_view *v, struct cache_facts *f)
{
    double later = 0, first = VIEW_UNKNOWN;
    uint32_t later_count = 0;

    for (uint32_t i = 0; i < v->epoch_count; i++) {
        const struct view_epoch *e = &v->epochs[i];

        if (is_known(e->page_cache)) {
            f->first_cache = is_known(f->first_cache) ? f->first_cache : e->page_cache;
            f->last_cache = e->page_cache;
        }
        if (!i) {
            first = e->samples_per_second;
        } else if (is_known(e->samples_per_second) && e->in_means) {
            later += e->samples_per_second;
            later_count++;
        }
    }
    if (is_known(f->first_cache) && v->epoch_count > 1)
        say(f,
            "the page cache of rank 0's host, of all programs, held %s when the first epoch began and %s when the last "
            "did",
            unit_bytes(f->first_cache).text, unit_bytes(f->last_cache).text);
    if (is_known(first) && first > 0 && later_count)
        say(f, "the first epoch gave %.2f samples/s, later ones %.2f (ratio %.3f); a cache that fills shows here",
            first, later / later_count, later / later_count / first);
}

void cache_facts_of(const struct run_view *v, struct cache_facts *ret)
{
    *ret = (struct cache_facts){.first_cache = VIEW_UNKNOWN, .last_cache = VIEW_UNKNOWN};
    ret->memory_bytes = ret->data_bytes = VIEW_UNKNOWN;
    ret->first_resident = ret->last_resident = ret->most_resident = VIEW_UNKNOWN;
    if (!v->epoch_count)
        return;
    say_resident(v, ret);
    say_path(v, ret);
    say_sizes(v, ret);
    say_epochs(v, ret);
}
