/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options that every checkpoint hook takes from the run file's sections `checkpoint`, `model` and `framework`, with
 * DLIO's names. A plugin makes struct checkpoint_options the FIRST member of its options struct and begins its table
 * with CHECKPOINT_OPTION_ROWS.
 */
#ifndef DLFW_CHECKPOINT_OPTIONS_H
#define DLFW_CHECKPOINT_OPTIONS_H

#include "dlfw/option.h"

struct checkpoint_options {
    const char *checkpoint_folder;
    uint64_t checkpoint_after_epoch;
    uint64_t epochs_between_checkpoints;
    int64_t steps_between_checkpoints;
    uint32_t mode; /* CHECKPOINT_MODE_* */
    uint8_t fsync;
    uint8_t recovery_rank_shift;
    uint8_t rank_sync;
    uint8_t randomize_tensor;
    double time_between_checkpoints;
    int64_t num_checkpoints_write;
    int64_t num_checkpoints_read;
    uint64_t content_seed;
    uint64_t ranks_per_node;
    const dlfw_node *model;
};

extern const char *const checkpoint_mode_names[];

#define CHECKPOINT_ROW(kind, member, ...) DLFW_OPT_##kind(struct checkpoint_options, member, __VA_ARGS__)

#define CHECKPOINT_OPTION_ROWS                                                                                         \
    CHECKPOINT_ROW(URI, checkpoint_folder, .def = "./checkpoints/",                                                    \
                   .help = "folder or URI of the checkpoints; relative: below storage.storage_root"),                  \
        CHECKPOINT_ROW(U64, checkpoint_after_epoch, .def = "1", .min = "1", .help = "first epoch with a checkpoint"),  \
        CHECKPOINT_ROW(U64, epochs_between_checkpoints, .def = "1", .min = "1",                                        \
                       .help = "epochs from one checkpoint to the next"),                                              \
        CHECKPOINT_ROW(I64, steps_between_checkpoints, .def = "-1", .min = "-1",                                       \
                       .help = "from 0 on: by steps of the epoch instead of by epochs; 0: never"),                     \
        CHECKPOINT_ROW(ENUM, mode, .def = "default", .choices = checkpoint_mode_names,                                 \
                       .help = "subset: this run's ranks are the first of a larger grid, model.parallelism.data"),     \
        CHECKPOINT_ROW(BOOL, fsync, .def = "false", .help = "a checkpoint counts when it is on stable storage"),       \
        CHECKPOINT_ROW(BOOL, recovery_rank_shift, .def = "false",                                                      \
                       .help = "each rank loads what the same rank of the next node saved"),                           \
        CHECKPOINT_ROW(BOOL, rank_sync, .def = "false", .help = "barrier inside the timed part, without training"),    \
        CHECKPOINT_ROW(BOOL, randomize_tensor, .def = "true", .help = "false: every element is one"),                  \
        CHECKPOINT_ROW(F64, time_between_checkpoints, .def = "-1", .max = "1000000",                                   \
                       .help = "seconds of sleep before each save and load, without training; below 0: none"),         \
        CHECKPOINT_ROW(I64, num_checkpoints_write, .def = "-1", .min = "-1",                                           \
                       .help = "checkpoints to save, without training"),                                               \
        CHECKPOINT_ROW(I64, num_checkpoints_read, .def = "-1", .min = "-1",                                            \
                       .help = "checkpoints to load after that, without training"),                                    \
        CHECKPOINT_ROW(U64, content_seed, .def = "1", .help = "of the random values of tensors"),                      \
        CHECKPOINT_ROW(U64, ranks_per_node, .def = "1", .min = "1", .max = "65536",                                    \
                       .help = "ranks on each node, for recovery_rank_shift"),                                         \
        CHECKPOINT_ROW(NODE, model, .help = "shape of the model; the run file's section 'model'")

#endif
