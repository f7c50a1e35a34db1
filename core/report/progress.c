/* SPDX-License-Identifier: Apache-2.0 */
/* The progress line. Invariant: other lines never end up behind it; whoever writes to stderr hides it first, and it is
 * drawn under the same lock. */
#include "report/progress.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/str.h"
#include "report/units.h"

#define DRAW_INTERVAL_NS 100000000u
#define LINE_CAP 256
#define DEFAULT_COLUMNS 80

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_shown; /* under lock */

bool progress_is_shown(void)
{
    const char *term = getenv("TERM");

    return isatty(STDERR_FILENO) && (!term || strcmp(term, "dumb") != 0);
}

static uint32_t columns(void)
{
    struct winsize size = {0};

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return DEFAULT_COLUMNS;
}

void progress_hide(void)
{
    pthread_mutex_lock(&lock);
    if (is_shown)
        fputs("\r\033[K", stderr);
    is_shown = false;
    pthread_mutex_unlock(&lock);
}

void progress_begin(struct progress *p, const char *what, uint64_t total)
{
    p->what = what;
    p->total = total;
    p->bytes_total = 0;
    atomic_store(&p->done, 0);
    atomic_store(&p->bytes, 0);
    atomic_store(&p->bytes_ns, 0);
    atomic_store(&p->au_permille, 0);
    atomic_store(&p->wait_p99_ns, 0);
    atomic_store(&p->trouble, 0);
    p->samples_each = 0;
    p->start_ns = clock_now_ns();
    p->drawn_ns = p->start_ns;
    p->enabled = progress_is_shown();
    if (p->enabled)
        log_set_terminal_line(progress_hide);
}

void progress_text(const struct progress *p, uint64_t now_ns, char *buf, uint32_t cap)
{
    uint64_t done = atomic_load(&p->done), bytes = atomic_load(&p->bytes), au = atomic_load(&p->au_permille);
    uint64_t part = p->bytes_total ? bytes : done, whole = p->bytes_total ? p->bytes_total : p->total;
    uint64_t wait = atomic_load(&p->wait_p99_ns), trouble = atomic_load(&p->trouble);
    double seconds = now_ns > p->start_ns ? (double)(now_ns - p->start_ns) / (double)NS_PER_S : 0.0;
    uint64_t bytes_at = atomic_load(&p->bytes_ns);
    struct str line = STR_EMPTY;

    if (!bytes_at)
        bytes_at = now_ns;
    str_add(&line, p->what);
    if (p->total)
        str_add_format(&line, "  %3.0f %%  %lu/%lu", 100.0 * (double)part / (double)whole, done, p->total);
    else
        str_add_format(&line, "  %lu", done);
    if (seconds > 0)
        str_add_format(&line, "  %s%s/s",
                       unit_count((double)done * (double)(p->samples_each ? p->samples_each : 1) / seconds).text,
                       p->samples_each ? " samples" : "");
    if (bytes_at > p->start_ns && bytes)
        str_add_format(&line, "  %s/s",
                       unit_bytes((double)bytes * (double)NS_PER_S / (double)(bytes_at - p->start_ns)).text);
    if (au)
        str_add_format(&line, "  AU %.1f %%", (double)au / 10.0);
    if (trouble)
        str_add_format(&line, "  %lu errors", trouble);
    if (part && part < whole)
        str_add_format(&line, "  %s left",
                       unit_clock((uint64_t)(seconds * (double)(whole - part) / (double)part)).text);
    if (wait)
        str_add_format(&line, "  p99 %s", unit_duration((double)wait).text);
    snprintf(buf, cap, "%s", line.data);
    str_free(&line);
}

bool progress_is_due(const struct progress *p)
{
    return p->enabled && clock_now_ns() - p->drawn_ns >= DRAW_INTERVAL_NS;
}

void progress_draw(struct progress *p)
{
    char line[LINE_CAP];
    uint64_t now;
    uint32_t width;

    if (!progress_is_due(p))
        return;
    now = clock_now_ns();
    p->drawn_ns = now;
    width = columns();
    progress_text(p, now, line, width < LINE_CAP ? width : LINE_CAP);
    pthread_mutex_lock(&lock);
    fprintf(stderr, "\r%s\033[K", line);
    is_shown = true;
    pthread_mutex_unlock(&lock);
}

void progress_end(struct progress *p)
{
    if (!p->enabled)
        return;
    p->enabled = false;
    log_set_terminal_line(NULL);
    progress_hide();
}
