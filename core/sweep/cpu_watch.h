/* SPDX-License-Identifier: Apache-2.0 */
/* How busy the CPUs of this host are while a run lasts, from /proc/stat, and how many of them a run may use. */
#ifndef DLFW_CORE_SWEEP_CPU_WATCH_H
#define DLFW_CORE_SWEEP_CPU_WATCH_H

#include <stdbool.h>
#include <stdint.h>

/* One reading of the first line of /proc/stat, in clock ticks since the start. */
struct cpu_ticks {
    uint64_t busy, all;
};

/* Samples of how busy the host was, each over a tenth of a second or more. */
struct cpu_watch {
    struct cpu_ticks last;
    bool has_last;
    uint32_t samples[101]; /* per percent */
    uint32_t count;
};

/* text: what /proc/stat holds. False when it begins otherwise. */
bool cpu_ticks_parse(const char *text, struct cpu_ticks *ret);
/* Takes the share between the last reading and this one, when enough ticks lie between. */
void cpu_watch_add(struct cpu_watch *w, struct cpu_ticks now);
/* Reads /proc/stat and adds it; where there is none, nothing happens. */
void cpu_watch_look(struct cpu_watch *w);
/* Median over the samples, in percent; NAN without any. The beginning and the end of a run do not weigh on it. */
double cpu_watch_median(const struct cpu_watch *w);

/* CPUs that this process and its children may use: its affinity, and its cgroup's quota where one is set. */
double cpu_usable(void);
/* max: what cpu.max of a cgroup holds, "150000 100000" or "max 100000"; 0: no quota. */
double cpu_quota_parse(const char *max);

#endif
