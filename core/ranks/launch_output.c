/* SPDX-License-Identifier: Apache-2.0 */
#include "ranks/launch_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "base/str.h"
#include "ranks/launch_seen.h"
#include "ranks/launch_terminal.h"

#define LINE_CAP (64u << 10) /* longer lines are cut into pieces of this size */
#define CLEAR_LINE "\r\033[K"

enum { TO_STDOUT, TO_STDERR, SINKS };

/* The launcher's stdout or stderr. */
struct sink {
    int fd;
    struct str text;
    size_t done; /* of text */
    bool gone;   /* what is for it is dropped */
    int failure; /* errno */
};

struct stream {
    int fd; /* -1: ended */
    uint32_t rank;
    uint32_t to; /* TO_* */
    bool is_terminal;
    bool is_open;    /* part of the present line has been passed on */
    bool is_redrawn; /* that line is drawn again and again behind a carriage return: progress */
    size_t used;     /* of buf */
    char *buf;       /* LINE_CAP */
};

struct launch_output {
    struct sink sinks[SINKS];
    struct launch_seen seen;
    struct stream *streams;
    uint32_t count;
};

struct launch_output *launch_output_create(uint32_t ranks)
{
    struct launch_output *o = xcalloc(1, sizeof *o);

    o->streams = xcalloc(2 * (size_t)ranks, sizeof *o->streams);
    for (uint32_t i = 0; i < SINKS; i++)
        o->sinks[i] = (struct sink){.fd = i == TO_STDOUT ? STDOUT_FILENO : STDERR_FILENO, .text = STR_EMPTY};
    return o;
}

void launch_output_free(struct launch_output *o)
{
    if (!o)
        return;
    for (uint32_t i = 0; i < o->count; i++) {
        if (o->streams[i].fd >= 0)
            close(o->streams[i].fd);
        free(o->streams[i].buf);
    }
    for (uint32_t i = 0; i < SINKS; i++)
        str_free(&o->sinks[i].text);
    launch_seen_free(&o->seen);
    free(o->streams);
    free(o);
}

static void add_stream(struct launch_output *o, uint32_t rank, uint32_t to, int fd, bool is_terminal)
{
    fcntl(fd, F_SETFL, O_NONBLOCK);
    o->streams[o->count++] =
        (struct stream){.fd = fd, .rank = rank, .to = to, .is_terminal = is_terminal, .buf = xmalloc(LINE_CAP)};
}

static dlfw_status open_one(struct launch_output *o, uint32_t rank, uint32_t to, int *ret, dlfw_error *err)
{
    int fds[2];
    bool is_terminal = false;

    if (rank == 0 && isatty(o->sinks[to].fd)) {
        is_terminal = launch_terminal_open(o->sinks[to].fd, &fds[0], &fds[1]);
        if (!is_terminal)
            log_warning("no pseudo terminal can be opened (%s): the progress line is not shown", strerror(errno));
    }
    if (!is_terminal && pipe2(fds, O_CLOEXEC) != 0)
        return dlfw_fail_errno(err, errno, "cannot open a pipe for the output of rank %u", rank);
    add_stream(o, rank, to, fds[0], is_terminal);
    *ret = fds[1];
    return DLFW_OK;
}

/* Rank 0 has one terminal for both when the launcher has: what clears the progress line and the text that then takes
 * its place must not overtake each other. */
static bool is_one_terminal(void)
{
    struct stat out, err;

    return isatty(STDOUT_FILENO) && isatty(STDERR_FILENO) && fstat(STDOUT_FILENO, &out) == 0 &&
           fstat(STDERR_FILENO, &err) == 0 && out.st_rdev == err.st_rdev;
}

dlfw_status launch_output_open(struct launch_output *o, uint32_t rank, int ret[2], dlfw_error *err)
{
    int out = -1, error = -1;
    dlfw_status st;

    st = open_one(o, rank, TO_STDERR, &error, err);
    if (st < 0)
        return st;
    if (rank == 0 && is_one_terminal() && o->streams[o->count - 1].is_terminal) {
        out = fcntl(error, F_DUPFD_CLOEXEC, 0);
        st = out < 0 ? dlfw_fail_errno(err, errno, "cannot duplicate the terminal of rank 0") : DLFW_OK;
    } else {
        st = open_one(o, rank, TO_STDOUT, &out, err);
    }
    if (st < 0) {
        close(error);
        return st;
    }
    ret[0] = out;
    ret[1] = error;
    return DLFW_OK;
}

uint32_t launch_output_places(const struct launch_output *o)
{
    return SINKS + o->count;
}

static bool is_waiting(const struct sink *sink)
{
    return sink->done < sink->text.len;
}

bool launch_output_is_waiting(const struct launch_output *o)
{
    return is_waiting(&o->sinks[TO_STDOUT]) || is_waiting(&o->sinks[TO_STDERR]);
}

void launch_output_wanted(const struct launch_output *o, struct pollfd *fds)
{
    for (uint32_t i = 0; i < SINKS; i++)
        fds[i] = (struct pollfd){.fd = is_waiting(&o->sinks[i]) ? o->sinks[i].fd : -1, .events = POLLOUT};
    for (uint32_t i = 0; i < o->count; i++) {
        const struct stream *s = &o->streams[i];

        fds[SINKS + i] = (struct pollfd){.fd = is_waiting(&o->sinks[s->to]) ? -1 : s->fd, .events = POLLIN};
    }
}

static void sink_add(struct sink *sink, const char *text, size_t len)
{
    if (!sink->gone)
        str_add_len(&sink->text, text, len);
}

static void sink_drop(struct sink *sink, int why)
{
    sink->gone = true;
    if (why != EPIPE)
        sink->failure = why;
    str_clear(&sink->text);
    sink->done = 0;
}

/* One line in one write; PIPE_BUF at most, because a pipe that is ready takes that much without blocking. */
static void sink_write(struct sink *sink)
{
    const char *from = sink->text.data + sink->done;
    size_t len = sink->text.len - sink->done;
    const char *newline = memchr(from, '\n', len);
    ssize_t n;

    if (newline)
        len = (size_t)(newline - from) + 1;
    n = write(sink->fd, from, len < PIPE_BUF ? len : PIPE_BUF);
    if (n < 0) {
        if (errno != EINTR && errno != EAGAIN)
            sink_drop(sink, errno);
        return;
    }
    sink->done += (size_t)n;
    if (sink->done == sink->text.len) {
        str_clear(&sink->text);
        sink->done = 0;
    }
}

/* Before something else is written where rank 0 has not ended its line: progress goes, text stays. */
static void leave_line(struct launch_output *o, struct stream *s)
{
    const char *way_out = s->is_redrawn ? CLEAR_LINE : "\n";

    if (s->rank == 0 && s->is_open) {
        sink_add(&o->sinks[s->to], way_out, strlen(way_out));
        s->is_open = false;
    }
}

/* A line without its newline, or a piece of one: then more of it comes. */
static void put_line(struct launch_output *o, struct stream *s, const char *text, size_t len, bool is_piece,
                     bool has_newline)
{
    struct sink *sink = &o->sinks[s->to];
    bool is_whole = !is_piece && !s->is_open;

    s->is_open = is_piece;
    if (is_whole && s->to == TO_STDERR && launch_seen_elsewhere(&o->seen, s->rank, text, len))
        return;
    if (s->rank == 0) {
        sink_add(sink, text, len);
        if (has_newline)
            sink_add(sink, "\n", 1);
        return;
    }
    for (uint32_t i = 0; i < o->count; i++)
        if (o->streams[i].to == s->to)
            leave_line(o, &o->streams[i]);
    if (!sink->gone && !(is_whole && s->to == TO_STDERR && launch_names_rank(text, len)))
        str_add_format(&sink->text, "rank %u: ", s->rank);
    sink_add(sink, text, len);
    sink_add(sink, "\n", 1);
}

static void take_lines(struct launch_output *o, struct stream *s)
{
    char *at = s->buf, *end = s->buf + s->used, *newline;

    while ((newline = memchr(at, '\n', (size_t)(end - at)))) {
        put_line(o, s, at, (size_t)(newline - at), false, true);
        at = newline + 1;
    }
    if (end - at == LINE_CAP) {
        put_line(o, s, at, LINE_CAP, true, false);
        at = end;
    }
    s->used = (size_t)(end - at);
    memmove(s->buf, at, s->used);
}

/* How much of the text has been overwritten on the terminal when all of it was printed: what a carriage return ended.
 */
static size_t overwritten(const char *text, size_t len)
{
    const char *last = memrchr(text, '\r', len);
    size_t at = last ? (size_t)(last - text) + 1 : 0;
    size_t clear = sizeof CLEAR_LINE - 2;

    if (last && len - at >= clear && memcmp(text + at, CLEAR_LINE + 1, clear) == 0)
        at += clear;
    return at;
}

/* Whether this text leaves the line empty. */
static bool is_clearing(const char *text, size_t len)
{
    size_t clear = sizeof CLEAR_LINE - 1;

    return len >= clear && memcmp(text + len - clear, CLEAR_LINE, clear) == 0;
}

/* Text of rank 0's terminal goes on as it comes; only a repeated line is left out, what it took the place of is not. */
static void take_terminal(struct launch_output *o, struct stream *s)
{
    char *at = s->buf, *end = s->buf + s->used;

    while (at < end) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((newline ? newline + 1 : end) - at), hidden = overwritten(at, len);
        bool is_whole = newline && (hidden > 0 || !s->is_open);

        s->is_redrawn = hidden > 0 || (s->is_open && s->is_redrawn);
        s->is_open = !newline && !is_clearing(at, len);
        if (is_whole && launch_seen_elsewhere(&o->seen, s->rank, at + hidden, len - hidden - 1))
            sink_add(&o->sinks[s->to], at, hidden);
        else
            sink_add(&o->sinks[s->to], at, len);
        at += len;
    }
    s->used = 0;
}

static void stream_end(struct launch_output *o, struct stream *s)
{
    if (s->fd < 0)
        return;
    if (s->used) { /* the last line lacks its newline */
        put_line(o, s, s->buf, s->used, false, false);
        s->is_open = true;
    }
    s->used = 0;
    if (s->is_redrawn)
        leave_line(o, s);
    close(s->fd);
    s->fd = -1;
}

static bool stream_read(struct launch_output *o, struct stream *s)
{
    ssize_t n = read(s->fd, s->buf + s->used, LINE_CAP - s->used);

    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return false;
    if (n <= 0) { /* a terminal says EIO when the rank has closed it */
        stream_end(o, s);
        return true;
    }
    s->used += (size_t)n;
    if (s->is_terminal)
        take_terminal(o, s);
    else
        take_lines(o, s);
    return true;
}

bool launch_output_serve(struct launch_output *o, const struct pollfd *fds)
{
    bool moved = false;

    for (uint32_t i = 0; i < SINKS; i++) {
        if (fds[i].fd >= 0 && fds[i].revents) {
            sink_write(&o->sinks[i]);
            moved = true;
        }
    }
    for (uint32_t i = 0; i < o->count; i++)
        if (fds[SINKS + i].fd >= 0 && fds[SINKS + i].revents)
            moved |= stream_read(o, &o->streams[i]);
    return moved;
}

void launch_output_resize(struct launch_output *o)
{
    for (uint32_t i = 0; i < o->count; i++)
        if (o->streams[i].is_terminal && o->streams[i].fd >= 0)
            launch_terminal_resize(o->sinks[o->streams[i].to].fd, o->streams[i].fd);
}

void launch_output_end(struct launch_output *o)
{
    for (uint32_t i = 0; i < o->count; i++) {
        stream_end(o, &o->streams[i]);
        if (o->streams[i].to == TO_STDERR) /* the launcher may have something to say */
            leave_line(o, &o->streams[i]);
    }
}

dlfw_status launch_output_status(const struct launch_output *o, dlfw_error *err)
{
    static const char *const names[] = {"stdout", "stderr"};

    for (uint32_t i = 0; i < SINKS; i++)
        if (o->sinks[i].failure)
            return dlfw_fail_errno(err, o->sinks[i].failure, "cannot write what the ranks printed to %s", names[i]);
    return DLFW_OK;
}
