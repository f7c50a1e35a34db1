/* SPDX-License-Identifier: Apache-2.0 */
/* The documents of a results directory (docs/results.md); each function is a file of its own and only builds, results.c
 * writes. */
#ifndef DLFW_CORE_REPORT_RESULT_PARTS_H
#define DLFW_CORE_REPORT_RESULT_PARTS_H

#include <jansson.h>
#include <stdio.h>

#include "report/host_facts.h"
#include "report/metrics.h"
#include "report/results.h"

json_t *summary_json(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m);
json_t *dlfw_object_json(const struct run_record *rec, const struct host_facts *host, const struct run_metrics *m);
/* parts of it that are about storage */
json_t *storage_json(const struct run_record *rec);
json_t *io_json(const struct run_record *rec);
json_t *latency_json(const struct run_record *rec);
json_t *memory_json(const struct run_record *rec);
/* "ranks": who they were, what each of them measured */
json_t *ranks_json(const struct run_record *rec);
json_t *checkpoints_json(const struct run_record *rec, const struct run_metrics *m);
json_t *epoch_stats_json(const struct run_record *rec);
json_t *rank_output_json(const struct run_record *rec, const struct host_facts *host, const struct epoch_memory *memory,
                         uint32_t memory_count);
void steps_csv_write(const struct run_record *rec, FILE *out); /* the caller checks the stream */

/* "host_cpuinfo" and "host_meminfo": values as the kernel prints them. */
json_t *facts_json(const struct fact_list *facts);
/* GiB that one host reads in one epoch; 0 when nothing is trained on. */
double data_gib_per_host(const struct run_record *rec);
/* All of a host's data fits into its memory, so later epochs may never reach the storage. */
bool may_be_cached(const struct run_record *rec, const struct host_facts *host);

#endif
