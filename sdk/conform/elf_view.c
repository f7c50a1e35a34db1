/* SPDX-License-Identifier: Apache-2.0 */
/* See elf_view.h. Every offset of the file is checked before it is used. */
#include "elf_view.h"

#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct image {
    const unsigned char *base;
    uint64_t size;
};

/* NULL when [offset, offset + bytes) is not inside the file. */
static const void *at(const struct image *image, uint64_t offset, uint64_t bytes)
{
    return offset <= image->size && bytes <= image->size - offset ? image->base + offset : NULL;
}

/* A string table entry, "" when it lies outside. */
static const char *string_at(const struct image *image, uint64_t table, uint64_t table_size, uint64_t index)
{
    const char *text = index < table_size ? at(image, table + index, table_size - index) : NULL;

    return text && memchr(text, '\0', table_size - index) ? text : "";
}

static const Elf64_Shdr *section(const struct image *image, const Elf64_Ehdr *header, uint32_t type, uint32_t index)
{
    for (uint32_t i = 0; i < header->e_shnum; i++) {
        const Elf64_Shdr *row = at(image, header->e_shoff + (uint64_t)i * sizeof *row, sizeof *row);

        if (row && (index ? i == index : row->sh_type == type))
            return row;
    }
    return NULL;
}

static void read_segments(const struct image *image, const Elf64_Ehdr *header, struct elf_view *ret)
{
    ret->stack_executable = true;
    for (uint32_t i = 0; i < header->e_phnum; i++) {
        const Elf64_Phdr *row = at(image, header->e_phoff + (uint64_t)i * sizeof *row, sizeof *row);

        if (!row)
            return;
        if (row->p_type == PT_GNU_STACK)
            ret->stack_executable = (row->p_flags & PF_X) != 0;
        if (row->p_type == PT_GNU_RELRO)
            ret->relro = true;
    }
}

static void read_dynamic(const struct image *image, const Elf64_Ehdr *header, struct elf_view *ret)
{
    const Elf64_Shdr *table = section(image, header, SHT_DYNAMIC, 0);
    const Elf64_Shdr *strings = table && table->sh_link ? section(image, header, 0, table->sh_link) : NULL;

    if (!table || !strings)
        return;
    for (uint64_t done = 0; done + sizeof(Elf64_Dyn) <= table->sh_size; done += sizeof(Elf64_Dyn)) {
        const Elf64_Dyn *row = at(image, table->sh_offset + done, sizeof *row);
        const char *text;

        if (!row || row->d_tag == DT_NULL)
            return;
        text = string_at(image, strings->sh_offset, strings->sh_size, row->d_un.d_val);
        if (row->d_tag == DT_FLAGS && (row->d_un.d_val & DF_BIND_NOW))
            ret->bind_now = true;
        if (row->d_tag == DT_FLAGS_1 && (row->d_un.d_val & DF_1_NOW))
            ret->bind_now = true;
        if (row->d_tag == DT_FLAGS_1 && (row->d_un.d_val & DF_1_NODELETE))
            ret->nodelete = true;
        if (row->d_tag == DT_SONAME)
            snprintf(ret->soname, sizeof ret->soname, "%s", text);
        if (row->d_tag == DT_RPATH || row->d_tag == DT_RUNPATH)
            snprintf(ret->search_path, sizeof ret->search_path, "%s", text);
    }
}

static void read_symbols(const struct image *image, const Elf64_Ehdr *header, struct elf_view *ret)
{
    const Elf64_Shdr *table = section(image, header, SHT_DYNSYM, 0);
    const Elf64_Shdr *strings = table && table->sh_link ? section(image, header, 0, table->sh_link) : NULL;

    if (!table || !strings)
        return;
    for (uint64_t done = 0; done + sizeof(Elf64_Sym) <= table->sh_size; done += sizeof(Elf64_Sym)) {
        const Elf64_Sym *row = at(image, table->sh_offset + done, sizeof *row);
        const char *name;

        if (!row)
            return;
        if (row->st_shndx == SHN_UNDEF || row->st_shndx == SHN_ABS || ELF64_ST_BIND(row->st_info) == STB_LOCAL)
            continue;
        if (ELF64_ST_VISIBILITY(row->st_other) == STV_HIDDEN || ELF64_ST_VISIBILITY(row->st_other) == STV_INTERNAL)
            continue;
        name = string_at(image, strings->sh_offset, strings->sh_size, row->st_name);
        if (strncmp(name, "dlfw_", 5) == 0) {
            if (ret->exported++ == 0 || strcmp(ret->first_export, "dlfw_plugin_v1") == 0)
                snprintf(ret->first_export, sizeof ret->first_export, "%s", name);
        } else if (ret->exported_other++ == 0) {
            snprintf(ret->first_other, sizeof ret->first_other, "%s", name);
        }
    }
}

static const char *read_image(const struct image *image, struct elf_view *ret)
{
    const Elf64_Ehdr *header = at(image, 0, sizeof *header);

    if (!header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return "not an ELF file";
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB || header->e_type != ET_DYN)
        return "not a 64-bit little-endian shared object";
    read_segments(image, header, ret);
    read_dynamic(image, header, ret);
    read_symbols(image, header, ret);
    return NULL;
}

const char *elf_view_read(const char *path, struct elf_view *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct image image = {NULL, 0};
    const char *wrong = "cannot be read";
    struct stat st;
    void *map;

    memset(ret, 0, sizeof *ret);
    if (fd < 0 || fstat(fd, &st) != 0 || st.st_size <= 0)
        goto out;
    map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED)
        goto out;
    image = (struct image){map, (uint64_t)st.st_size};
    wrong = read_image(&image, ret);
    munmap(map, (size_t)st.st_size);
out:
    if (fd >= 0)
        close(fd);
    return wrong;
}
