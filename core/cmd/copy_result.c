/* SPDX-License-Identifier: Apache-2.0 */
/* The last line of cp, put, get and sync. */
#include <inttypes.h>

#include "cmd/copy_session.h"
#include "report/json_put.h"
#include "report/units.h"

static void add_count(struct str *line, uint64_t n, const char *one, const char *many)
{
    if (n)
        str_add_format(line, ", %" PRIu64 " %s", n, n == 1 ? one : many);
}

static void add_text(const struct copy_session *s, struct str *line, double seconds, bool is_stopped)
{
    const struct copy_totals *t = &s->totals;
    const char *verb = s->request->done;

    str_add_format(line, "%s%s%s %" PRIu64 " object%s", is_stopped ? "stopped; " : "",
                   s->request->dry_run ? "would have " : "", verb, t->copied, t->copied == 1 ? "" : "s");
    if (!s->request->dry_run)
        str_add_format(line, ", %s in %.2f s (%s/s)", unit_bytes((double)t->bytes).text, seconds,
                       unit_bytes(seconds > 0 ? (double)t->bytes / seconds : 0).text);
    if (t->stored_bytes)
        str_add_format(line, ", stored as %s", unit_bytes((double)t->stored_bytes).text);
    add_count(line, t->verified, "compared with its source", "compared with their sources");
    add_count(line, t->same, "left as it is", "left as they are");
    add_count(line, s->removed, s->request->dry_run ? "would be removed" : "removed",
              s->request->dry_run ? "would be removed" : "removed");
    add_count(line, s->markers, "folder marker left out", "folder markers left out");
    add_count(line, t->stopped, "not finished", "not finished");
    add_count(line, t->failed + s->refused, "failed", "failed");
    add_count(line, s->not_removed, "could not be removed", "could not be removed");
    if (s->request->discard && t->read_ns.count)
        str_add_format(line, "; %" PRIu64 " requests, p50 %s, p99 %s", t->read_ns.count,
                       unit_duration((double)histogram_percentile(&t->read_ns, 50)).text,
                       unit_duration((double)histogram_percentile(&t->read_ns, 99)).text);
    str_add(line, "\n");
}

static json_t *result_json(const struct copy_session *s, double seconds, bool is_stopped)
{
    const struct copy_totals *t = &s->totals;
    json_t *o = json_object();

    put_text(o, "command", s->request->tool.command->name);
    put_flag(o, "dry_run", s->request->dry_run);
    put_flag(o, "stopped", is_stopped);
    put_u64(o, "attempted", t->copied + t->same + t->failed + t->stopped + s->refused);
    put_u64(o, "objects", t->copied);
    put_u64(o, "bytes", t->bytes);
    if (s->request->compress)
        put_u64(o, "stored_bytes", t->stored_bytes);
    put_real(o, "seconds", seconds);
    put_real(o, "bytes_per_s", seconds > 0 ? (double)t->bytes / seconds : 0);
    put_u64(o, "same", t->same);
    put_u64(o, "failed", t->failed + s->refused);
    put_u64(o, "not_finished", t->stopped);
    put_u64(o, "verified", t->verified);
    put_u64(o, "copied_by_service", t->by_service);
    put_u64(o, "markers", s->markers);
    put_u64(o, "removed", s->removed);
    put_u64(o, "not_removed", s->not_removed);
    put_u64(o, "retries", t->retries);
    if (s->request->discard)
        put_histogram(o, "read_ns", &t->read_ns);
    return o;
}

void session_print(struct copy_session *s, double seconds, bool is_stopped)
{
    struct str line = STR_EMPTY;

    if (s->request->tool.json) {
        tool_print_json(result_json(s, seconds, is_stopped));
        tool_finish_output(EXIT_OK);
        return;
    }
    if (s->request->tool.quiet)
        return;
    add_text(s, &line, seconds, is_stopped);
    output_write(&s->out, &line);
    str_free(&line);
}
