/* SPDX-License-Identifier: Apache-2.0 */
#include <check.h>
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dlfw/plugin.h"
#include "host/plugin_note.h"

#define PLUGIN(name) TEST_PLUGIN_DIR "/load/" name ".so"

static char text[480];
static dlfw_error err = {.struct_size = sizeof err, .message = text, .message_cap = sizeof text};
static char dir[] = "/tmp/dlfw-note-XXXXXX";
static char path[64];
static unsigned char *image; /* of a good plugin */
static size_t image_len;

static void setup(void)
{
    struct stat st;
    int fd = open(PLUGIN("good"), O_RDONLY);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fstat(fd, &st), 0);
    image_len = (size_t)st.st_size;
    image = malloc(image_len);
    ck_assert_int_eq(read(fd, image, image_len), (ssize_t)image_len);
    close(fd);
    ck_assert_ptr_nonnull(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.so", dir);
}

static void teardown(void)
{
    unlink(path);
    rmdir(dir);
    free(image);
}

static void write_file(const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, data, len), (ssize_t)len);
    close(fd);
}

static Elf64_Ehdr *head(void)
{
    return (Elf64_Ehdr *)(void *)image;
}

static unsigned char *dlfw_note(void)
{
    static const unsigned char owner[] = {1, 0, 0, 0, 'd', 'l', 'f', 'w', 0};

    return memmem(image, image_len, owner, sizeof owner)
               ? (unsigned char *)memmem(image, image_len, owner, sizeof owner) - 8
               : NULL;
}

/* A NULL says: must be readable. */
static void expect(dlfw_status want, const char *says)
{
    struct plugin_note note;
    dlfw_status st;

    write_file(image, image_len);
    st = plugin_note_read(path, &note, &err);
    ck_assert_msg(st == want, "status %d instead of %d: %s", st, want, text);
    if (says)
        ck_assert_msg(strstr(text, says), "message '%s' lacks '%s'", text, says);
}

START_TEST(a_good_note)
{
    struct plugin_note note;

    ck_assert_int_eq(plugin_note_read(PLUGIN("good"), &note, &err), DLFW_OK);
    ck_assert_uint_eq(note.abi_major, DLFW_ABI_MAJOR);
    ck_assert_uint_eq(note.abi_minor, DLFW_ABI_MINOR);
    ck_assert_str_eq(note.version, "1.2.3");
    ck_assert_uint_eq(note.iface_count, 1);
    ck_assert_uint_eq(note.ifaces[0].kind, DLFW_KIND_BACKEND);
    ck_assert_str_eq(note.ifaces[0].name, "tiny");
    ck_assert_int_eq(plugin_note_read(PLUGIN("standard"), &note, &err), DLFW_OK);
    ck_assert_str_eq(note.version, "2.0.1");
    ck_assert_uint_eq(note.ifaces[0].kind, DLFW_KIND_HOOK);
    ck_assert_ptr_null(getenv("DLFW_TEST_CODE_RAN"));
}
END_TEST

START_TEST(refusals_say_what_the_file_is_instead)
{
    static const struct {
        const char *name;
        dlfw_status status;
        const char *says;
    } cases[] = {
        {"note_major", DLFW_E_ABI, "built for plugin ABI 2.2, this dlfw has 1.2"},
        {"note_owner", DLFW_E_NOT_FOUND, "no dlfw note"},
        {"note_twice", DLFW_E_CORRUPT, "named twice"},
        {"note_no_version", DLFW_E_CORRUPT, "no version"},
        {"note_no_equals", DLFW_E_CORRUPT, "without '='"},
        {"symbol_v2", DLFW_E_NOT_FOUND, "missing symbol"},
        {"borrowed", DLFW_E_NOT_FOUND, "missing symbol"},
        {"nothing_here", DLFW_E_NOT_FOUND, "cannot open: No such file"},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct plugin_note note = {.abi_major = 77};
        char file[512];

        snprintf(file, sizeof file, "%s/load/%s.so", TEST_PLUGIN_DIR, cases[i].name);
        ck_assert_msg(plugin_note_read(file, &note, &err) == cases[i].status, "%s: %s", cases[i].name, text);
        ck_assert_msg(strstr(text, cases[i].says), "%s: message '%s'", cases[i].name, text);
        ck_assert_uint_eq(note.abi_major, cases[i].status == DLFW_E_ABI ? 2 : 77);
    }
    ck_assert_int_eq(plugin_note_read("/dev/null", &(struct plugin_note){0}, &err), DLFW_E_INVALID);
    ck_assert_str_eq(text, "not a regular file");
    ck_assert_int_eq(plugin_note_read("/tmp", &(struct plugin_note){0}, &err), DLFW_E_INVALID);
    ck_assert_ptr_null(getenv("DLFW_TEST_CODE_RAN"));
}
END_TEST

START_TEST(a_kind_of_a_later_minor_is_passed_over)
{
    struct plugin_note note;

    ck_assert_int_eq(plugin_note_read(PLUGIN("note_later_kind"), &note, &err), DLFW_OK);
    ck_assert_uint_eq(note.iface_count, 1);
    ck_assert_str_eq(note.ifaces[0].name, "tiny");
}
END_TEST

START_TEST(a_fifo_does_not_block)
{
    ck_assert_int_eq(mkfifo(path, 0600), 0);
    ck_assert_int_eq(plugin_note_read(path, &(struct plugin_note){0}, &err), DLFW_E_INVALID);
}
END_TEST

START_TEST(not_elf)
{
    static const char *const contents[] = {"", "\177", "#!/bin/sh\n", "\177ELG and more text"};

    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        write_file(contents[i], strlen(contents[i]));
        ck_assert_int_eq(plugin_note_read(path, &(struct plugin_note){0}, &err), DLFW_E_INVALID);
        ck_assert_str_eq(text, "not an ELF file");
    }
}
END_TEST

START_TEST(other_elf_files)
{
    uint16_t machine = head()->e_machine;

    head()->e_machine = machine == EM_AARCH64 ? EM_X86_64 : EM_AARCH64;
    expect(DLFW_E_UNSUPPORTED,
           machine == EM_AARCH64 ? "built for x86-64" : "built for aarch64 (ELF machine 183), this dlfw runs on");
    head()->e_machine = machine;
    head()->e_ident[EI_CLASS] = ELFCLASS32;
    expect(DLFW_E_UNSUPPORTED, "32-bit");
    head()->e_ident[EI_CLASS] = ELFCLASS64;
    head()->e_ident[EI_DATA] = 3 - head()->e_ident[EI_DATA];
    expect(DLFW_E_UNSUPPORTED, "byte order");
    head()->e_ident[EI_DATA] = 3 - head()->e_ident[EI_DATA];
    head()->e_type = ET_EXEC;
    expect(DLFW_E_INVALID, "not a shared object");
    head()->e_type = ET_DYN;
    expect(DLFW_OK, NULL);
}
END_TEST

START_TEST(impossible_headers)
{
    Elf64_Ehdr saved = *head();

    head()->e_phnum = 0;
    expect(DLFW_E_CORRUPT, "malformed");
    head()->e_phnum = 65535;
    expect(DLFW_E_CORRUPT, "malformed");
    *head() = saved;
    head()->e_phentsize = 8;
    expect(DLFW_E_CORRUPT, "malformed");
    *head() = saved;
    head()->e_phoff = UINT64_MAX - 4;
    expect(DLFW_E_CORRUPT, "truncated");
    *head() = saved;
    head()->e_shoff = image_len;
    expect(DLFW_E_CORRUPT, "truncated");
    *head() = saved;
    head()->e_shoff = UINT64_MAX - 4;
    expect(DLFW_E_CORRUPT, "truncated");
    *head() = saved;
    ((Elf64_Phdr *)(void *)(image + head()->e_phoff))->p_offset = 1;
    ((Elf64_Phdr *)(void *)(image + head()->e_phoff))->p_filesz = UINT64_MAX;
    expect(DLFW_E_CORRUPT, "impossible size");
}
END_TEST

START_TEST(impossible_note_segments)
{
    Elf64_Phdr *phdr = (Elf64_Phdr *)(void *)(image + head()->e_phoff);

    for (uint32_t i = 0; i < head()->e_phnum; i++) {
        Elf64_Phdr *note = &phdr[i], saved = *note;

        if (note->p_type != PT_NOTE)
            continue;

        note->p_offset = image_len + 1;
        expect(DLFW_E_CORRUPT, "truncated");
        *note = saved;
        note->p_filesz = 1u << 30;
        expect(DLFW_E_CORRUPT, "truncated");
        *note = saved;
        note->p_filesz -= 4;
        expect(DLFW_E_CORRUPT, "malformed");
        *note = saved;
    }
}
END_TEST

START_TEST(impossible_notes)
{
    unsigned char *note = dlfw_note(), saved[24];
    uint32_t value;

    ck_assert_ptr_nonnull(note);
    memcpy(saved, note, sizeof saved);
    value = UINT32_MAX;
    memcpy(note, &value, 4); /* owner's size */
    expect(DLFW_E_CORRUPT, "malformed");
    memcpy(note, saved, sizeof saved);
    memcpy(note + 4, &value, 4); /* description's size */
    expect(DLFW_E_CORRUPT, "malformed");
    memcpy(note, saved, sizeof saved);
    value = 2;
    memcpy(note + 8, &value, 4); /* type */
    expect(DLFW_E_NOT_FOUND, "no dlfw note");
    memcpy(note, saved, sizeof saved);
    memset(note + 28, 0xff, 8); /* text */
    expect(DLFW_E_CORRUPT, "malformed dlfw note");
}
END_TEST

START_TEST(names_must_be_plain_words)
{
    unsigned char *note = dlfw_note(), *backend = memmem(note, 128, "backend=tiny", 12);

    ck_assert_ptr_nonnull(backend);
    memcpy(backend, "backend=\n\n\n\n", 12);
    expect(DLFW_E_CORRUPT, "empty");
    memcpy(backend, "backend=a b\n", 12);
    expect(DLFW_E_CORRUPT, "plain text");
    memcpy(backend, "backend=\x1b[2J", 12);
    expect(DLFW_E_CORRUPT, "plain text");
    memcpy(backend, "unknown=tiny", 12);
    expect(DLFW_E_UNSUPPORTED, "names no interface");
}
END_TEST

START_TEST(without_section_headers_the_loader_must_find_out)
{
    head()->e_shnum = 0;
    head()->e_shoff = 0;
    expect(DLFW_OK, NULL);
}
END_TEST

/* Every cut within the first 4 KiB, then a few hundred over the rest: an error each time, and never a crash or a read
 * outside. */
START_TEST(truncations)
{
    ck_assert_uint_gt(image_len, 4096);
    write_file(image, image_len);
    for (size_t len = 0; len < image_len; len += len < 4096 ? 1 : 97) {
        struct plugin_note note = {.abi_major = 77};
        int fd = open(path, O_WRONLY | O_TRUNC);

        ck_assert_int_eq(write(fd, image, len), (ssize_t)len);
        close(fd);
        ck_assert_msg(plugin_note_read(path, &note, &err) < 0, "%zu of %zu bytes were accepted", len, image_len);
        ck_assert_msg(strstr(text, len < 4 ? "not an ELF" : "truncated"), "%zu bytes: %s", len, text);
        ck_assert_uint_eq(note.abi_major, 77);
    }
}
END_TEST

/* Flips in headers and notes may do anything but crash; sanitizers watch. */
START_TEST(flipped_bytes)
{
    int fd;

    write_file(image, image_len);
    fd = open(path, O_WRONLY);
    for (size_t at = 0; at < 1024; at++) {
        for (unsigned i = 0; i < 3; i++) {
            unsigned char flipped = image[at] ^ (unsigned char)(0xff >> (3 * i));

            ck_assert_int_eq(pwrite(fd, &flipped, 1, (off_t)at), 1);
            plugin_note_read(path, &(struct plugin_note){0}, &err);
        }
        ck_assert_int_eq(pwrite(fd, &image[at], 1, (off_t)at), 1);
    }
    close(fd);
    expect(DLFW_OK, NULL);
}
END_TEST

START_TEST(kind_names)
{
    static const char *const names[] = {"backend", "format", "hook", "coordinator"};

    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_str_eq(plugin_kind_name(i + 1), names[i]);
        ck_assert_uint_eq(plugin_kind_from_name(names[i], strlen(names[i])), i + 1);
    }
    ck_assert_str_eq(plugin_kind_name(0), "unknown");
    ck_assert_str_eq(plugin_kind_name(5), "unknown");
    ck_assert_uint_eq(plugin_kind_from_name("hooks", 5), 0);
    ck_assert_uint_eq(plugin_kind_from_name("hooks", 4), DLFW_KIND_HOOK);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("plugin_note");
    TCase *tc = tcase_create("all");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, a_good_note);
    tcase_add_test(tc, refusals_say_what_the_file_is_instead);
    tcase_add_test(tc, a_kind_of_a_later_minor_is_passed_over);
    tcase_add_test(tc, a_fifo_does_not_block);
    tcase_add_test(tc, not_elf);
    tcase_add_test(tc, other_elf_files);
    tcase_add_test(tc, impossible_headers);
    tcase_add_test(tc, impossible_note_segments);
    tcase_add_test(tc, impossible_notes);
    tcase_add_test(tc, names_must_be_plain_words);
    tcase_add_test(tc, without_section_headers_the_loader_must_find_out);
    tcase_add_test(tc, truncations);
    tcase_add_test(tc, flipped_bytes);
    tcase_add_test(tc, kind_names);
    suite_add_tcase(suite, tc);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
