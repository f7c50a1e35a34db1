/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A dataset in memory behind the scripted backend, in a format made for tests of the loader: its shape is a table of
 * knobs (units, ranges per unit, rounds of metadata, decoded samples elsewhere), every sample says in its bytes which
 * one it is, and the format checks that the loader keeps its side of the contract.
 */
#ifndef DLFW_TESTS_SUPPORT_MEMORY_DATASET_H
#define DLFW_TESTS_SUPPORT_MEMORY_DATASET_H

#include "loader/loader.h"
#include "support/script_backend.h"

#define MEMORY_UNITS 8u /* of one file at most */

/* One sample's bytes: file and sample number, 8 bytes each, then a pattern. */
#define MEMORY_SAMPLE_MIN 16u

enum memory_fault { FAULT_NONE, FAULT_OPEN, FAULT_METADATA, FAULT_UNIT, FAULT_CONSUME, FAULT_DECODE };

struct memory_config {
    uint64_t files;
    uint64_t samples_per_file;
    uint32_t units;  /* 1 .. MEMORY_UNITS; at most samples_per_file */
    uint32_t ranges; /* of one unit: 1 or 2 */
    uint32_t
        metadata_rounds; /* 0: the format knows without reading; 1: header and table at once; 2: header, then table */
    bool decodes_elsewhere;   /* decode() needs an out buffer */
    uint64_t told_unit;       /* the format says so: units of that many samples, the last one smaller; units follows */
    uint32_t thread_class;    /* DLFW_THREADS_*; the calls check it */
    bool table_aside;         /* the table lies in a side object, and each unit reads its row from there again */
    bool lacks_table;         /* of the last file */
    bool sample_ranges;       /* one unit per sample, readable alone; units is not looked at */
    bool content;             /* samples are generated content, and consume() says so */
    uint64_t sample_bytes;    /* at least MEMORY_SAMPLE_MIN */
    uint64_t sample_more;     /* up to so many more, by file */
    uint64_t tell_bytes;      /* the listing says so much less than there is */
    bool tell_nothing;        /* the listing does not know sizes */
    uint64_t missing_samples; /* that each file lacks */
    enum { FORMAT_GOOD, WANTS_NOTHING, SKIPS_A_UNIT, HUGE_UNIT } lie; /* what the format does wrong */
    struct script_config backend;
};

struct memory_dataset {
    struct memory_config config;
    struct run_config cfg;
    struct dataset ds;
    struct file_list files;
    struct script *script;
    dlfw_backend_ops backend_ops;
    struct storage *storage;
    struct dlfw_iface iface;
    struct plugin_iface format_iface;
    /* what the format saw and does */
    enum memory_fault fault;
    uint64_t fault_at; /* the so-many-th call, from 0 */
    bool fault_is_silent;
    _Atomic uint64_t calls[FAULT_DECODE + 1];
    pthread_mutex_t lock; /* where the loader keeps a serial format's calls apart */
    _Atomic uint32_t calls_now;
    _Atomic uint64_t open_readers;
    _Atomic uint64_t consumed_units; /* to their last byte */
    void (*watch)(void *ctx);        /* called in the reader threads at every format call */
    void *watch_ctx;
};

/* Fails the test when anything goes wrong. cfg holds the defaults of a run: 2 reader threads, prefetch 2, nothing
 * shuffled. */
struct memory_dataset *memory_dataset_create(const struct memory_config *config);
void memory_dataset_destroy(struct memory_dataset *md); /* checks that nothing is left open */
struct loader_args memory_dataset_args(struct memory_dataset *md, uint64_t batch, uint32_t rank, uint32_t ranks);

uint64_t memory_sample_bytes(const struct memory_dataset *md, uint64_t file);
uint64_t memory_file_bytes(const struct memory_dataset *md, uint64_t file);
/* Which sample (file * samples_per_file + sample) a view shows; fails the test when its bytes are not those of any. */
uint64_t memory_identify(const struct memory_dataset *md, const dlfw_view *view);

#endif
