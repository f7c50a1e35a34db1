/* SPDX-License-Identifier: Apache-2.0 */
#include "sweep/cpu_watch.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"

#define TICKS_LEAST 8 /* of all CPUs; fewer make a coarse share */

/* At most cap - 1 bytes of a file; false when it cannot be read. */
static bool read_text(const char *path, char *buf, size_t cap)
{
    FILE *in = fopen(path, "re");
    size_t n;

    if (!in)
        return false;
    n = fread(buf, 1, cap - 1, in);
    fclose(in);
    buf[n] = '\0';
    return n > 0;
}

/* "cpu  user nice system idle iowait irq softirq steal guest guest_nice"; guest is part of user. */
bool cpu_ticks_parse(const char *text, struct cpu_ticks *ret)
{
    unsigned long v[8] = {0};
    uint64_t all = 0;
    int n;

    n = sscanf(text, "cpu %lu %lu %lu %lu %lu %lu %lu %lu", &v[0], &v[1], &v[2], &v[3], &v[4], &v[5], &v[6], &v[7]);
    if (n < 4)
        return false;
    for (uint32_t i = 0; i < 8; i++)
        all += v[i];
    *ret = (struct cpu_ticks){.busy = all - v[3] - v[4], .all = all};
    return true;
}

void cpu_watch_add(struct cpu_watch *w, struct cpu_ticks now)
{
    uint64_t all = now.all - w->last.all;
    double percent;

    if (!w->has_last) {
        w->last = now;
        w->has_last = true;
        return;
    }
    if (now.all < w->last.all || all < TICKS_LEAST)
        return;
    /* idle time may be counted backwards by a tick */
    percent = now.busy > w->last.busy ? 100.0 * (double)(now.busy - w->last.busy) / (double)all : 0;
    w->samples[(uint32_t)fmin(100.0, percent + 0.5)]++;
    w->count++;
    w->last = now;
}

void cpu_watch_look(struct cpu_watch *w)
{
    struct cpu_ticks now;
    char text[256];

    if (read_text("/proc/stat", text, sizeof text) && cpu_ticks_parse(text, &now))
        cpu_watch_add(w, now);
}

double cpu_watch_median(const struct cpu_watch *w)
{
    uint32_t below = 0;

    for (uint32_t percent = 0; percent <= 100 && w->count; percent++) {
        below += w->samples[percent];
        if (2 * below > w->count)
            return percent;
    }
    return NAN;
}

double cpu_quota_parse(const char *max)
{
    double quota = 0, period = 0;

    if (sscanf(max, "%lf %lf", &quota, &period) != 2 || period <= 0 || quota <= 0)
        return 0;
    return quota / period;
}

/* The quota of this process's cgroup (version 2) or of one above it, whichever is least; 0: none. */
static double cgroup_quota(void)
{
    char line[512], text[64], *at, *name, *path;
    double least = 0;

    if (!read_text("/proc/self/cgroup", line, sizeof line))
        return 0;
    name = strstr(line, "0::/");
    if (!name)
        return 0;
    name += strlen("0::");
    name[strcspn(name, "\n")] = '\0';
    do {
        double quota = 0;

        path = xformat("/sys/fs/cgroup%s/cpu.max", name);
        if (read_text(path, text, sizeof text))
            quota = cpu_quota_parse(text);
        if (quota > 0 && (least <= 0 || quota < least))
            least = quota;
        free(path);
        at = strrchr(name, '/');
        if (at)
            *at = '\0';
    } while (at);
    return least;
}

double cpu_usable(void)
{
    double quota = cgroup_quota(), cpus;
    cpu_set_t set;

    cpus = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : (double)sysconf(_SC_NPROCESSORS_ONLN);
    return quota > 0 && quota < cpus ? quota : cpus;
}
