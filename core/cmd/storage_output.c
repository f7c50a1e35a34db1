/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of listings are made by hand: at a million names a second a document per name would cost more than the names.
 */
#include "cmd/storage_output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/utf8.h"

#define LINE_INTERVAL_NS (10 * NS_PER_S)

void output_begin(struct output *out)
{
    *out = (struct output){.terminal = isatty(STDOUT_FILENO) == 1};
    pthread_mutex_init(&out->lock, NULL);
    fflush(stdout);
}

bool output_write_bytes(struct output *out, const void *data, size_t len)
{
    const char *at = data, *end = at + len;
    bool taken;

    pthread_mutex_lock(&out->lock);
    if (out->terminal && at < end)
        progress_hide();
    while (at < end && !out->gone && !out->failed) {
        ssize_t n = write(STDOUT_FILENO, at, (size_t)(end - at));

        if (n > 0)
            at += n;
        else if (n < 0 && errno == EPIPE)
            out->gone = true;
        else if (n < 0 && errno != EINTR)
            out->failed = errno;
    }
    taken = !out->gone && !out->failed;
    pthread_mutex_unlock(&out->lock);
    return taken;
}

bool output_write(struct output *out, struct str *text)
{
    bool taken = output_write_bytes(out, text->data, text->len);

    str_clear(text);
    return taken;
}

int output_end(struct output *out, int status)
{
    pthread_mutex_destroy(&out->lock);
    if (out->failed) {
        log_error("cannot write to standard output: %s", strerror(out->failed));
        return EXIT_FAILED;
    }
    return status;
}

void time_text(uint64_t ns_since_epoch, bool fraction, char *buf, uint32_t cap)
{
    time_t seconds = (time_t)(ns_since_epoch / NS_PER_S);
    struct tm tm;
    size_t n;

    gmtime_r(&seconds, &tm);
    n = strftime(buf, cap, "%Y-%m-%dT%H:%M:%S", &tm);
    if (fraction && ns_since_epoch % NS_PER_S)
        snprintf(buf + n, cap - n, ".%09" PRIu64 "Z", (uint64_t)(ns_since_epoch % NS_PER_S));
    else
        snprintf(buf + n, cap - n, "Z");
}

/* Bytes at the beginning of text that stand for themselves, also inside JSON. */
static size_t plain_len(const char *text, size_t len)
{
    size_t n = 0;

    while (n < len && text[n] >= 0x20 && text[n] < 0x7f && text[n] != '"' && text[n] != '\\')
        n++;
    return n;
}

void json_add_text(struct str *line, const char *text, size_t len)
{
    const char *end = text + len;

    str_add_len(line, "\"", 1);
    while (text < end) {
        size_t plain = plain_len(text, (size_t)(end - text)), n;
        uint32_t c = 0;

        str_add_len(line, text, plain);
        text += plain;
        if (text == end)
            break;
        n = utf8_decode(text, (size_t)(end - text), &c);
        if (!n)
            str_add_format(line, "\\\\x%02x", (unsigned char)*text);
        else if (c == '"' || c == '\\')
            str_add_format(line, "\\%c", (int)c);
        else if (utf8_is_control(c))
            str_add_format(line, "\\u%04x", c);
        else
            str_add_len(line, text, n);
        text += n ? n : 1;
    }
    str_add_len(line, "\"", 1);
}

void name_add(struct str *line, const char *name, size_t len, bool escape)
{
    size_t plain = escape ? plain_len(name, len) : len;

    str_add_len(line, name, plain);
    if (plain < len)
        utf8_add_escaped(line, name + plain, len - plain);
}

void tool_progress_begin(struct tool_progress *p, const struct tool *t, const char *what)
{
    progress_begin(&p->line, what, 0);
    if (t->quiet || t->no_progress)
        progress_end(&p->line);
    p->lines = !p->line.enabled && !t->quiet && !t->no_progress;
    p->told_ns = p->line.start_ns;
}

void tool_progress_tick(struct tool_progress *p)
{
    char text[160];
    uint64_t now;

    progress_draw(&p->line);
    if (!p->lines)
        return;
    now = clock_now_ns();
    if (now - p->told_ns < LINE_INTERVAL_NS)
        return;
    p->told_ns = now;
    progress_text(&p->line, now, text, sizeof text);
    fprintf(stderr, "dlfw: %s\n", text);
}

void tool_progress_end(struct tool_progress *p)
{
    progress_end(&p->line);
}

void tool_log_error(const char *text)
{
    struct str line = STR_EMPTY;

    utf8_add_escaped(&line, text, strlen(text));
    log_error("%s", line.data);
    str_free(&line);
}
