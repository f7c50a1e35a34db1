/* SPDX-License-Identifier: Apache-2.0 */
/* The options that cp, put, get and sync have in common, beside those of all storage tools. */
#ifndef DLFW_CORE_CMD_COPY_REQUEST_H
#define DLFW_CORE_CMD_COPY_REQUEST_H

#include "cmd/storage_args.h"

enum {
    COPY_OPT_CHECKSUM = 1024,
    COPY_OPT_VERIFY,
    COPY_OPT_NO_CLOBBER,
    COPY_OPT_RESUME,
    COPY_OPT_FAIL_FAST,
    COPY_OPT_DURABLE,
    COPY_OPT_MEMORY,
    COPY_OPT_OWN /* where a command's own begin */
};

struct copy_request {
    struct tool tool;
    const char *doing, *done; /* "copying", "copied" */
    bool recursive, dry_run, checksum, verify, no_clobber, resume, fail_fast, durable;
    bool discard; /* what is read is dropped */
    uint64_t memory;
    int32_t compress; /* zstd's level; 0: not */
};

/* clang-format off */
#define COPY_SHORT_OPTIONS "n" TOOL_SHORT_OPTIONS
#define COPY_LONG_OPTIONS                                                                                              \
    TOOL_LONG_OPTIONS, TOOL_LONG_OPTIONS_OF_SIDES, TOOL_LONG_OPTIONS_OF_NAMES,                                         \
    {"dry-run", no_argument, NULL, 'n'}, {"checksum", no_argument, NULL, COPY_OPT_CHECKSUM},                           \
    {"verify", no_argument, NULL, COPY_OPT_VERIFY}, {"fail-fast", no_argument, NULL, COPY_OPT_FAIL_FAST},              \
    {"durable", no_argument, NULL, COPY_OPT_DURABLE}, {"memory", required_argument, NULL, COPY_OPT_MEMORY}
/* Of commands that take objects by name. */
#define COPY_LONG_OPTIONS_OF_OPERANDS                                                                                  \
    {"recursive", no_argument, NULL, 'r'}, {"no-clobber", no_argument, NULL, COPY_OPT_NO_CLOBBER},                     \
    {"resume", no_argument, NULL, COPY_OPT_RESUME}
#define COPY_USAGE                                                                                                     \
    "  -n, --dry-run            say what would be copied\n"                                                            \
    "  --verify                 read each copy back and compare its CRC-32C\n"                                         \
    "  --fail-fast              stop at the first object that fails\n"                                                 \
    "  --durable                each object is on stable storage before it counts as copied\n"                         \
    "  --memory SIZE            of buffers, at most (256MiB)\n"
#define COPY_USAGE_OF_OPERANDS                                                                                         \
    "  -r, --recursive          folders with all below them\n"                                                         \
    "  --no-clobber             leave objects that exist as they are\n"                                                \
    "  --resume                 leave objects that exist with the same size and are not older\n"                       \
    "  --checksum               compare CRC-32C: of what is read, and of what the storages keep\n"
/* clang-format on */

/* As tool_option. */
int copy_request_option(struct copy_request *r, int c, char **argv);
/* Options that contradict each other: EXIT_USAGE, printed. */
int copy_request_check(const struct copy_request *r);

/* Text of an option to a number; EXIT_USAGE, printed. */
int copy_size(const struct copy_request *r, const char *option, const char *text, uint64_t *ret);
int copy_number(const struct copy_request *r, const char *option, const char *text, uint64_t *ret);

#endif
