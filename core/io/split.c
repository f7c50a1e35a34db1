/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hill climbing with hysteresis over windows of a few requests: a larger number of streams is kept when the sum of all
 * reads got faster by a tenth, a smaller one when it lost less than three hundredths. After a try that brought nothing
 * there is a rest, which doubles with each such try, so that a storage whose link is full is left in peace.
 */
#include "io/split.h"

#define GAIN 1.10
#define LOSS 0.97
#define WINDOW_REQUESTS 8u
#define WINDOW_NS 20000000u
#define REST_FIRST 8u
#define REST_MOST 256u
#define FIRST_BYTES 4u /* a part shall last this many times as long as its first byte takes */
#define UNIT ((uint64_t)64 << 10)

void split_init(struct split_control *c, enum split_mode mode, uint64_t fixed_bytes)
{
    *c = (struct split_control){.mode = mode, .fixed_bytes = fixed_bytes, .base = 1, .rest_for = REST_FIRST};
    atomic_store(&c->streams, mode == SPLIT_FIXED ? SPLIT_STREAMS_MAX : 1);
    atomic_store(&c->part_least, mode == SPLIT_FIXED ? fixed_bytes : SPLIT_PART_LEAST);
    pthread_mutex_init(&c->lock, NULL);
}

void split_fini(struct split_control *c)
{
    pthread_mutex_destroy(&c->lock);
}

uint64_t split_from(const struct split_control *c)
{
    if (c->mode == SPLIT_OFF)
        return UINT64_MAX;
    return c->mode == SPLIT_FIXED ? c->fixed_bytes + 1 : 2 * SPLIT_PART_LEAST;
}

static uint64_t least_of(const struct split_control *c)
{
    return atomic_load_explicit(&c->part_least, memory_order_relaxed);
}

uint32_t split_streams(const struct split_control *c, uint64_t left)
{
    uint64_t streams = atomic_load_explicit(&c->streams, memory_order_relaxed);
    uint64_t least = least_of(c);

    if (c->mode == SPLIT_FIXED)
        return (uint32_t)streams;
    return (uint32_t)(left / least < streams ? (left / least ? left / least : 1) : streams);
}

uint64_t split_part(const struct split_control *c, uint64_t left, uint64_t most)
{
    uint64_t part = c->fixed_bytes;

    if (c->mode != SPLIT_FIXED) {
        uint64_t least = least_of(c);

        part = left / split_streams(c, left);
        part = part > SPLIT_PART_MOST ? SPLIT_PART_MOST : part;
        part = part < least ? least : part;
        part = (part + UNIT - 1) / UNIT * UNIT;
        if (left < part + part / 2) /* no crumb at the end */
            part = left;
    }
    if (most && part > most)
        part = most;
    return part < left ? part : left;
}

/* Under the lock. */
static void begin_window(struct split_control *c, uint64_t now)
{
    c->window_bytes = 0;
    c->window_requests = 0;
    c->busy_ns = 0;
    c->busy_since = now;
    c->active_max = c->active;
}

static void use(struct split_control *c, uint32_t streams)
{
    atomic_store_explicit(&c->streams, streams, memory_order_relaxed);
    c->generation++;
}

static void accept(struct split_control *c, uint32_t streams, double rate)
{
    c->base = streams;
    c->base_rate = rate;
    c->rest = 0;
    c->rest_for = REST_FIRST;
    c->changes++;
    c->step = SPLIT_MEASURE;
}

static void reject(struct split_control *c)
{
    use(c, c->base);
    c->rest = c->rest_for;
    c->rest_for = c->rest_for * 2 < REST_MOST ? c->rest_for * 2 : REST_MOST;
    c->step = SPLIT_MEASURE;
}

/* The accepted number was measured once more: is it time to try another one? */
static void go_on(struct split_control *c, double rate)
{
    bool can_fewer = c->base > 1, can_more = c->base < SPLIT_STREAMS_MAX;

    c->base_rate = c->base_rate > 0 ? c->base_rate * 0.7 + rate * 0.3 : rate;
    if (c->rest) {
        c->rest--;
        return;
    }
    if (can_fewer && (c->fewer_next || !can_more)) {
        c->step = SPLIT_TRY_FEWER;
        use(c, c->base / 2);
    } else if (can_more) {
        c->step = SPLIT_TRY_MORE;
        use(c, c->base * 2 < SPLIT_STREAMS_MAX ? c->base * 2 : SPLIT_STREAMS_MAX);
    }
}

static void end_window(struct split_control *c, uint64_t now)
{
    uint64_t busy = c->busy_ns + (c->active ? now - c->busy_since : 0);
    uint32_t streams = atomic_load_explicit(&c->streams, memory_order_relaxed);
    double rate;

    if (c->window_requests < WINDOW_REQUESTS || c->window_requests < 2 * c->active_max || busy < WINDOW_NS)
        return;
    rate = (double)c->window_bytes * 1e9 / (double)busy;
    if (c->step == SPLIT_MEASURE) {
        go_on(c, rate);
    } else if (rate >= c->base_rate * (c->step == SPLIT_TRY_MORE ? GAIN : LOSS)) {
        accept(c, streams, rate);
        c->fewer_next = c->step == SPLIT_TRY_FEWER;
    } else {
        c->fewer_next = c->step == SPLIT_TRY_MORE;
        reject(c);
    }
    begin_window(c, now);
}

static uint64_t mean(uint64_t old, uint64_t value)
{
    return old ? old - old / 8 + value / 8 : value;
}

static void learn(struct split_control *c, uint64_t bytes, uint64_t first_byte_ns, uint64_t took_ns)
{
    uint64_t moving = took_ns > first_byte_ns ? took_ns - first_byte_ns : 1, least;

    if (!first_byte_ns || bytes < UNIT)
        return;
    c->first_byte_ns = mean(c->first_byte_ns, first_byte_ns);
    c->stream_rate = mean(c->stream_rate, (uint64_t)((double)bytes * 1e9 / (double)moving));
    least = (uint64_t)((double)c->stream_rate * (double)c->first_byte_ns / 1e9) * FIRST_BYTES;
    least = least < SPLIT_PART_LEAST ? SPLIT_PART_LEAST : least > SPLIT_PART_MOST ? SPLIT_PART_MOST : least;
    if (c->mode == SPLIT_AUTO)
        atomic_store_explicit(&c->part_least, least, memory_order_relaxed);
}

uint32_t split_begin(struct split_control *c, uint64_t now)
{
    uint32_t generation;

    pthread_mutex_lock(&c->lock);
    if (!c->active++)
        c->busy_since = now;
    c->active_max = c->active > c->active_max ? c->active : c->active_max;
    generation = c->generation;
    pthread_mutex_unlock(&c->lock);
    return generation;
}

void split_done(struct split_control *c, uint32_t generation, uint64_t bytes, uint64_t first_byte_ns, uint64_t took_ns,
                uint64_t now)
{
    pthread_mutex_lock(&c->lock);
    if (!--c->active)
        c->busy_ns += now - c->busy_since;
    if (bytes)
        learn(c, bytes, first_byte_ns, took_ns);
    if (generation != c->generation) {
        /* The window of the new number begins when the last request of the old one has ended. */
        begin_window(c, now);
    } else if (bytes && c->mode == SPLIT_AUTO) {
        c->window_bytes += bytes;
        c->window_requests++;
        end_window(c, now);
    }
    pthread_mutex_unlock(&c->lock);
}
