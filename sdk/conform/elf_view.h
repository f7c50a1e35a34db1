/* SPDX-License-Identifier: Apache-2.0 */
/* What the linker left in a shared object: dynamic entries, segments, exported names. Reads the file, maps no code. */
#ifndef DLFW_CONFORM_ELF_VIEW_H
#define DLFW_CONFORM_ELF_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct elf_view {
    bool bind_now;
    bool nodelete;
    bool relro;
    bool stack_executable; /* or not said, which means executable */
    char soname[128];      /* "": none */
    char search_path[512]; /* RPATH or RUNPATH, "": none */
    uint32_t exported;     /* defined global symbols whose name begins with dlfw_ */
    char first_export[128];
    uint32_t exported_other; /* all others */
    char first_other[128];
};

/* NULL, or what is wrong with the file. */
const char *elf_view_read(const char *path, struct elf_view *ret);

#endif
