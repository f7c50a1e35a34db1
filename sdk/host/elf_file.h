/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A shared object looked at with pread, never mapped or run: the file may be anything, so every number in it is checked
 * against the size of the file before it is used, and all work is bounded.
 */
#ifndef DLFW_SDK_HOST_ELF_FILE_H
#define DLFW_SDK_HOST_ELF_FILE_H

#include <elf.h>
#include <stdbool.h>

#include "dlfw/base.h"

struct elf_file {
    int fd; /* valid when is_open */
    bool is_open;
    uint64_t size;
    Elf64_Ehdr head;
    uint16_t segment_count;
    Elf64_Phdr *segments;
};

/* Fails unless path is a complete shared object for this machine; messages say what it is instead, without naming it.
 */
dlfw_status elf_file_open(const char *path, struct elf_file *elf, dlfw_error *err);
void elf_file_close(struct elf_file *elf); /* safe on a zeroed one, after a failed open, and twice */

/* The description of the only note of this owner and type, in malloc'ed memory. NOT_FOUND, or CORRUPT also when there
 * are two. */
dlfw_status elf_file_note(const struct elf_file *elf, const char *owner, uint32_t type, uint8_t **ret,
                          uint32_t *ret_len, dlfw_error *err);

/* Whether the file itself defines a global symbol of that name. True also when that cannot be told without running the
 * dynamic linker (no section headers, an absurd number of symbols): loading finds out. */
dlfw_status elf_file_defines(const struct elf_file *elf, const char *symbol, bool *ret, dlfw_error *err);

#endif
