/* SPDX-License-Identifier: Apache-2.0 */
/* The results directory in DLIO's layout (docs/results.md), and DLIO's log lines. */
#ifndef DLFW_CORE_REPORT_RESULTS_H
#define DLFW_CORE_REPORT_RESULTS_H

#include <stdio.h>

#include "report/run_record.h"

/* /proc/meminfo as it was when an epoch began; {rank}_output.json shows it. */
struct epoch_memory {
    uint32_t epoch;
    char *text; /* owned; NULL: could not be read */
};

struct results {
    char *folder;       /* created */
    FILE *log;          /* dlio.log, line-buffered; NULL on ranks other than 0 */
    bool quiet_console; /* no copy of the log lines on stderr */
    const struct run_config *cfg;
    uint32_t rank;
    struct epoch_memory *memory; /* owned */
    uint32_t memory_count;
    uint64_t epoch_steps; /* of the blocks of this epoch that have ended; numbers the lines of steps */
};

/* output.folder, else hydra.run.dir, else a folder named after the model and the time. Caller frees. */
char *results_choose_folder(const struct run_config *cfg);
/* Creates the folder; rank 0 removes what an earlier run left there, of any of its ranks, opens the log and stores the
 * configuration below <folder>/<hydra_output_subdir>. Nothing is written by other ranks before rank 0 is through. */
dlfw_status results_open(const struct run_config *cfg, uint32_t rank, bool quiet_console, struct results *ret,
                         dlfw_error *err);
/* "[OUTPUT] <timestamp> text" into dlio.log and, unless quiet, on stderr. Only rank 0 prints. */
void results_log(struct results *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same at another level: "WARNING", "ERROR", "INFO". */
void results_log_as(struct results *r, const char *level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* DLIO's lines at their moments (docs/results.md lists them). */
void log_run_begin(struct results *r, const struct run_config *cfg, uint32_t ranks);
void log_generate_begin(struct results *r);
void log_generate_end(struct results *r);
/* train_steps: before train.total_training_steps caps them; that cap is a line of its own. */
void log_max_steps(struct results *r, const struct run_config *cfg, uint64_t train_steps, uint64_t eval_steps,
                   uint32_t ranks);
/* Also keeps this moment's /proc/meminfo; called outside of measured blocks. */
void log_epoch_begin(struct results *r, uint32_t epoch, uint64_t steps);
void log_block_begin(struct results *r, uint32_t block);
void log_block_end(struct results *r, const struct run_config *cfg, uint32_t epoch, uint32_t block,
                   const struct block_record *b, uint64_t expected_steps, uint32_t ranks);
void log_epoch_end(struct results *r, const struct epoch_record *e);
void log_eval_begin(struct results *r, uint64_t steps);
void log_eval_end(struct results *r, const struct run_config *cfg, const struct epoch_record *e, uint32_t ranks);
void log_checkpoint_model(struct results *r, const struct checkpoint_model *m);
void log_checkpoint_begin(struct results *r, uint32_t epoch, const struct checkpoint_record *c);
void log_checkpoint_end(struct results *r, uint32_t epoch, const struct checkpoint_record *c);
void log_checkpoint_phase(struct results *r, uint32_t what); /* DLFW_CHECKPOINT_WRITES_BEGIN .. READS_END */
/* The final block of METRIC lines; also the text that `dlfw run` ends with. After results_write: it says where the
 * results are. */
void log_summary(struct results *r, const struct run_record *rec);
/* dlfw's own last words: AU, rates from real bytes, waits, memory, coverage, what limited the run, advice. */
void results_print_human(const struct run_record *rec, FILE *out);

/* summary.json (rank 0), {rank}_per_epoch_stats.json, {rank}_output.json, {rank}_steps.csv. Each is written to a
 * temporary name and renamed. Numbers are finite or the key is left out. A run that ended early is written too;
 * dlfw.status says so. */
dlfw_status results_write(struct results *r, const struct run_record *rec, dlfw_error *err);
void results_close(struct results *r);

#endif
