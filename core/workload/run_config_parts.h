/* SPDX-License-Identifier: Apache-2.0 */
/* What the run_config_*.c files share with each other, and with nobody else. */
#ifndef DLFW_CORE_WORKLOAD_RUN_CONFIG_PARTS_H
#define DLFW_CORE_WORKLOAD_RUN_CONFIG_PARTS_H

#include "dlfw/format.h"
#include "workload/run_config.h"

struct section_rows {
    const dlfw_option *rows;
    uint32_t count;
};

/* One mapping of the run file. rows are relative to the part of struct run_config that lies at offset. */
struct section {
    const char *path; /* "reader", "output.metric"; "" for the root */
    const struct section_rows *rows;
    uint32_t offset;
    const char *const
        *inner; /* further keys: mappings with a section or a plugin of their own; NULL-terminated, may be NULL */
};

extern const struct section run_sections[];
extern const uint32_t run_section_count;

/* Tables, one file per group of sections. */
extern const struct section_rows rows_root, rows_model, rows_parallelism, rows_transformer, rows_workflow, rows_dataset,
    rows_hdf5, rows_parquet;
extern const struct section_rows rows_reader, rows_train, rows_evaluation, rows_checkpoint, rows_ksm, rows_storage,
    rows_output, rows_output_metric, rows_profiling, rows_metric, rows_content, rows_compat;

/* The part of struct run_config that a table binds to, as a type. */
#define PART(member) __typeof__(((struct run_config *)0)->member)
#define UNBOUND(opt_type, key, ...)                                                                                    \
    {                                                                                                                  \
        .struct_size = (uint32_t)sizeof(dlfw_option), .type = (opt_type), .offset = DLFW_OPT_UNBOUND, .name = (key),   \
        __VA_ARGS__                                                                                                    \
    }
#define ROWS(table)                                                                                                    \
    {                                                                                                                  \
        (table), (uint32_t)(sizeof(table) / sizeof((table)[0]))                                                        \
    }

extern const char *const dtype_names[];  /* numpy's; index = DLFW_DTYPE_* - 1; NULL-terminated */
extern const char *const format_names[]; /* that DLIO knows; NULL-terminated */

/* The section's node; "reader" also finds data_reader. NULL when absent or null. */
const dlfw_node *section_node(const struct run_config *cfg, const char *path);
const char *section_name(const struct run_config *cfg, const char *path); /* as the user wrote it */
/* The value of a key, by the schema's path ("reader.batch_size"); NULL when absent. */
const dlfw_node *config_node(const struct run_config *cfg, const char *path);

/* The switches of the section compat: those that rename keys act before the tables are read, the others after. */
void run_config_compat_keys(struct run_config *cfg);
void run_config_compat_values(struct run_config *cfg);
void run_config_fill(struct run_config *cfg, struct problem_list *problems);
void run_config_check(struct run_config *cfg, struct problem_list *problems);
void run_config_check_checkpoint(const struct run_config *cfg, struct problem_list *problems);
/* An error at the nearest place to path that the user wrote. */
void config_problem(const struct run_config *cfg, struct problem_list *problems, bool is_error, const char *path,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

#endif
