/* SPDX-License-Identifier: Apache-2.0 */
#include "elf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_MACHINE EM_X86_64
#elif defined(__aarch64__)
#define THIS_MACHINE EM_AARCH64
#elif defined(__riscv)
#define THIS_MACHINE EM_RISCV
#elif defined(__powerpc64__)
#define THIS_MACHINE EM_PPC64
#else
#error "name this machine's e_machine here"
#endif

enum {
    SEGMENTS_MAX = 256,
    SECTIONS_MAX = 4096,
    NOTES_MAX = 64 * 1024, /* bytes of one PT_NOTE */
    SYMBOLS_MAX = 256 * 1024,
    SYMBOLS_AT_ONCE = 256
};

static const char *machine_name(uint16_t machine)
{
    switch (machine) {
    case EM_X86_64:
        return "x86-64";
    case EM_AARCH64:
        return "aarch64";
    case EM_RISCV:
        return "riscv";
    case EM_PPC64:
        return "ppc64";
    case EM_S390:
        return "s390";
    default:
        return "another machine";
    }
}

static bool inside(const struct elf_file *elf, uint64_t offset, uint64_t len)
{
    return offset <= elf->size && len <= elf->size - offset;
}

/* Exactly len bytes, or an error: a file that shrinks while it is read is truncated like any other. */
static dlfw_status read_at(const struct elf_file *elf, uint64_t offset, void *buf, size_t len, dlfw_error *err)
{
    size_t done = 0;

    if (!inside(elf, offset, len))
        return dlfw_fail(err, DLFW_E_CORRUPT, "truncated: its headers name byte %llu, the file has %llu",
                         (unsigned long long)(offset > UINT64_MAX - len ? offset : offset + len),
                         (unsigned long long)elf->size);
    while (done < len) {
        ssize_t n = pread(elf->fd, (char *)buf + done, len - done, (off_t)(offset + done));

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dlfw_fail_errno(err, errno, "cannot read");
        if (n == 0)
            return dlfw_fail(err, DLFW_E_CORRUPT, "truncated: the file shrank while it was read");
        done += (size_t)n;
    }
    return DLFW_OK;
}

static dlfw_status check_head(const Elf64_Ehdr *head, dlfw_error *err)
{
    const uint16_t one = 1;
    uint8_t order = *(const uint8_t *)&one ? ELFDATA2LSB : ELFDATA2MSB;

    if (head->e_ident[EI_CLASS] != ELFCLASS64)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "a 32-bit ELF file; this dlfw loads 64-bit ones");
    if (head->e_ident[EI_DATA] != order)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "an ELF file of the other byte order");
    if (head->e_machine != THIS_MACHINE)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "built for %s (ELF machine %u), this dlfw runs on %s",
                         machine_name(head->e_machine), head->e_machine, machine_name(THIS_MACHINE));
    if (head->e_type != ET_DYN)
        return dlfw_fail(err, DLFW_E_INVALID, "an ELF file but not a shared object (ELF type %u)", head->e_type);
    if (head->e_phentsize != sizeof(Elf64_Phdr) || head->e_phnum == 0 || head->e_phnum > SEGMENTS_MAX)
        return dlfw_fail(err, DLFW_E_CORRUPT, "malformed: %u program headers of %u bytes", head->e_phnum,
                         head->e_phentsize);
    return DLFW_OK;
}

/* A segment that the file does not hold would end the process with SIGBUS once it is mapped. */
static dlfw_status check_segments(const struct elf_file *elf, dlfw_error *err)
{
    const Elf64_Ehdr *head = &elf->head;
    uint64_t need = 0;

    for (uint16_t i = 0; i < elf->segment_count; i++) {
        const Elf64_Phdr *segment = &elf->segments[i];

        if (segment->p_offset > UINT64_MAX - segment->p_filesz)
            return dlfw_fail(err, DLFW_E_CORRUPT, "malformed: segment %u has an impossible size", i);
        if (segment->p_offset + segment->p_filesz > need)
            need = segment->p_offset + segment->p_filesz;
    }
    if (head->e_shnum && head->e_shoff <= UINT64_MAX - (uint64_t)head->e_shnum * head->e_shentsize &&
        head->e_shoff + (uint64_t)head->e_shnum * head->e_shentsize > need)
        need = head->e_shoff + (uint64_t)head->e_shnum * head->e_shentsize;
    if (need > elf->size)
        return dlfw_fail(err, DLFW_E_CORRUPT, "truncated: its headers name byte %llu, the file has %llu",
                         (unsigned long long)need, (unsigned long long)elf->size);
    return DLFW_OK;
}

static dlfw_status open_regular(const char *path, struct elf_file *elf, dlfw_error *err)
{
    struct stat st;

    /* O_NONBLOCK: a FIFO of that name must not hold up a listing */
    elf->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (elf->fd < 0)
        return dlfw_fail_errno(err, errno, "cannot open");
    elf->is_open = true;
    if (fstat(elf->fd, &st) < 0)
        return dlfw_fail_errno(err, errno, "cannot stat");
    if (!S_ISREG(st.st_mode))
        return dlfw_fail(err, DLFW_E_INVALID, "not a regular file");
    elf->size = (uint64_t)st.st_size;
    return DLFW_OK;
}

dlfw_status elf_file_open(const char *path, struct elf_file *elf, dlfw_error *err)
{
    size_t ident;
    dlfw_status st;

    memset(elf, 0, sizeof *elf);
    st = open_regular(path, elf, err);
    if (st < 0)
        goto out;
    ident = elf->size < SELFMAG ? (size_t)elf->size : SELFMAG;
    st = read_at(elf, 0, elf->head.e_ident, ident, err);
    if (st < 0)
        goto out;
    if (memcmp(elf->head.e_ident, ELFMAG, SELFMAG) != 0) {
        st = dlfw_fail(err, DLFW_E_INVALID, "not an ELF file");
        goto out;
    }
    st = read_at(elf, 0, &elf->head, sizeof elf->head, err);
    if (st == DLFW_OK)
        st = check_head(&elf->head, err);
    if (st < 0)
        goto out;
    elf->segment_count = elf->head.e_phnum;
    elf->segments = calloc(elf->segment_count, sizeof *elf->segments);
    if (!elf->segments) {
        st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory");
        goto out;
    }
    st = read_at(elf, elf->head.e_phoff, elf->segments, elf->segment_count * sizeof *elf->segments, err);
    if (st == DLFW_OK)
        st = check_segments(elf, err);
out:
    if (st < 0)
        elf_file_close(elf);
    return st;
}

void elf_file_close(struct elf_file *elf)
{
    free(elf->segments);
    if (elf->is_open)
        close(elf->fd);
    memset(elf, 0, sizeof *elf);
}

/* The next note of a segment at *pos; false at its end. Notes of a segment aligned to 8 are padded to 8, all others
 * to 4. */
struct note {
    const char *owner;
    uint32_t owner_size;
    uint32_t type;
    const uint8_t *desc;
    uint32_t desc_size;
};

static bool next_note(const uint8_t *data, uint64_t len, uint64_t align, uint64_t *pos, struct note *ret,
                      bool *malformed)
{
    uint64_t mask = align == 8 ? 7 : 3, desc, end;
    Elf64_Nhdr head;

    if (*pos >= len)
        return false;
    *malformed = true;
    if (len - *pos < sizeof head)
        return false;
    memcpy(&head, data + *pos, sizeof head);
    desc = (*pos + sizeof head + head.n_namesz + mask) & ~mask;
    end = desc + head.n_descsz; /* no overflow: pos < 64 KiB, sizes are 32 bits */
    if (end > len)
        return false;
    *malformed = false;
    ret->owner = (const char *)data + *pos + sizeof head;
    ret->owner_size = head.n_namesz;
    ret->type = head.n_type;
    ret->desc = data + desc;
    ret->desc_size = head.n_descsz;
    *pos = (end + mask) & ~mask;
    return true;
}

static dlfw_status note_in_segment(const struct elf_file *elf, const Elf64_Phdr *segment, const char *owner,
                                   uint32_t type, uint8_t **ret, uint32_t *ret_len, dlfw_error *err)
{
    uint8_t *data = NULL;
    bool malformed = false;
    struct note note;
    uint64_t pos = 0;
    dlfw_status st;

    if (segment->p_filesz > NOTES_MAX)
        return dlfw_fail(err, DLFW_E_CORRUPT, "malformed: a note segment of %llu bytes, at most %d are read",
                         (unsigned long long)segment->p_filesz, NOTES_MAX);
    data = malloc(segment->p_filesz ? (size_t)segment->p_filesz : 1);
    if (!data)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory");
    st = read_at(elf, segment->p_offset, data, (size_t)segment->p_filesz, err);
    while (st == DLFW_OK && next_note(data, segment->p_filesz, segment->p_align, &pos, &note, &malformed)) {
        if (note.type != type || note.owner_size != strlen(owner) + 1 ||
            memcmp(note.owner, owner, note.owner_size) != 0)
            continue;
        if (*ret) {
            st = dlfw_fail(err, DLFW_E_CORRUPT, "malformed: it has two %s notes", owner);
            break;
        }
        *ret = malloc(note.desc_size ? note.desc_size : 1);
        if (!*ret) {
            st = dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory");
            break;
        }
        memcpy(*ret, note.desc, note.desc_size);
        *ret_len = note.desc_size;
    }
    if (st == DLFW_OK && malformed)
        st = dlfw_fail(err, DLFW_E_CORRUPT, "malformed: a note ends outside its segment");
    free(data);
    return st;
}

dlfw_status elf_file_note(const struct elf_file *elf, const char *owner, uint32_t type, uint8_t **ret,
                          uint32_t *ret_len, dlfw_error *err)
{
    uint8_t *desc = NULL;
    uint32_t len = 0;
    dlfw_status st = DLFW_OK;

    for (uint16_t i = 0; i < elf->segment_count && st == DLFW_OK; i++) {
        if (elf->segments[i].p_type == PT_NOTE)
            st = note_in_segment(elf, &elf->segments[i], owner, type, &desc, &len, err);
    }
    if (st == DLFW_OK && !desc)
        st = dlfw_fail(err, DLFW_E_NOT_FOUND, "no %s note: not a plugin of %s", owner, owner);
    if (st < 0) {
        free(desc);
        return st;
    }
    *ret = desc;
    *ret_len = len;
    return DLFW_OK;
}

/* Whether one of the symbols of a .dynsym section is ours; names are read only for those that could be. */
static dlfw_status search_symbols(const struct elf_file *elf, const Elf64_Shdr *symbols, const Elf64_Shdr *names,
                                  const char *symbol, bool *ret, dlfw_error *err)
{
    uint64_t count = symbols->sh_size / sizeof(Elf64_Sym);
    size_t want = strlen(symbol) + 1;
    Elf64_Sym chunk[SYMBOLS_AT_ONCE];
    char name[64];

    *ret = want > sizeof name || count > SYMBOLS_MAX;
    for (uint64_t first = 0; first < count && !*ret; first += SYMBOLS_AT_ONCE) {
        uint64_t n = count - first < SYMBOLS_AT_ONCE ? count - first : SYMBOLS_AT_ONCE;
        dlfw_status st =
            read_at(elf, symbols->sh_offset + first * sizeof *chunk, chunk, (size_t)n * sizeof *chunk, err);

        for (uint64_t i = 0; i < n && st == DLFW_OK && !*ret; i++) {
            if (chunk[i].st_shndx == SHN_UNDEF || ELF64_ST_BIND(chunk[i].st_info) == STB_LOCAL)
                continue;
            if (chunk[i].st_name >= names->sh_size || names->sh_size - chunk[i].st_name < want)
                continue;
            st = read_at(elf, names->sh_offset + chunk[i].st_name, name, want, err);
            *ret = st == DLFW_OK && memcmp(name, symbol, want) == 0;
        }
        if (st < 0)
            return st;
    }
    return DLFW_OK;
}

dlfw_status elf_file_defines(const struct elf_file *elf, const char *symbol, bool *ret, dlfw_error *err)
{
    uint32_t count = elf->head.e_shnum;
    Elf64_Shdr *sections = NULL;
    dlfw_status st;

    *ret = true;
    if (!count || count > SECTIONS_MAX || elf->head.e_shentsize != sizeof *sections)
        return DLFW_OK;
    sections = calloc(count, sizeof *sections);
    if (!sections)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "out of memory");
    st = read_at(elf, elf->head.e_shoff, sections, count * sizeof *sections, err);
    for (uint32_t i = 0; i < count && st == DLFW_OK; i++) {
        const Elf64_Shdr *names = sections[i].sh_link < count ? &sections[sections[i].sh_link] : NULL;

        if (sections[i].sh_type != SHT_DYNSYM)
            continue;
        if (!names || !inside(elf, sections[i].sh_offset, sections[i].sh_size) ||
            !inside(elf, names->sh_offset, names->sh_size))
            st = dlfw_fail(err, DLFW_E_CORRUPT, "malformed: its symbol table lies outside the file");
        else
            st = search_symbols(elf, &sections[i], names, symbol, ret, err);
        break;
    }
    free(sections);
    return st;
}
