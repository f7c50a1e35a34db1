/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the dlfw note of a plugin file says. Listing plugins reads nothing else, so a file that is old, broken or
 * hostile is refused before any of its code could run.
 */
#include "plugin_note.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dlfw/plugin.h"
#include "elf_file.h"

static const char *const kind_names[] = {
    [DLFW_KIND_BACKEND] = "backend",
    [DLFW_KIND_FORMAT] = "format",
    [DLFW_KIND_HOOK] = "hook",
    [DLFW_KIND_COORDINATOR] = "coordinator",
};

const char *plugin_kind_name(uint32_t kind)
{
    return kind && kind < sizeof kind_names / sizeof *kind_names ? kind_names[kind] : "unknown";
}

uint32_t plugin_kind_from_name(const char *name, size_t len)
{
    for (uint32_t kind = 1; kind < sizeof kind_names / sizeof *kind_names; kind++) {
        if (strlen(kind_names[kind]) == len && memcmp(kind_names[kind], name, len) == 0)
            return kind;
    }
    return 0;
}

/* Copies len bytes that must be printable ASCII without spaces. */
static bool copy_word(char *to, size_t cap, const char *from, size_t len)
{
    if (len == 0 || len >= cap)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (from[i] <= 0x20 || from[i] > 0x7e)
            return false;
    }
    memcpy(to, from, len);
    to[len] = '\0';
    return true;
}

/* One "key=value" of the text. Keys of kinds that came after this dlfw are passed over: the plugin may offer more than
 * we can use. */
static dlfw_status parse_line(struct plugin_note *note, const char *line, size_t len, dlfw_error *err)
{
    const char *equals = memchr(line, '=', len);
    size_t key = equals ? (size_t)(equals - line) : 0;
    const char *value = line + key + 1;
    uint32_t kind = plugin_kind_from_name(line, key);

    if (!equals)
        return dlfw_fail(err, DLFW_E_CORRUPT, "malformed dlfw note: a line without '='");
    if (key == 7 && memcmp(line, "version", 7) == 0) {
        if (note->version[0] || !copy_word(note->version, sizeof note->version, value, len - key - 1))
            return dlfw_fail(err, DLFW_E_CORRUPT,
                             "malformed dlfw note: its version is given twice, empty or longer than %zu bytes",
                             sizeof note->version - 1);
        return DLFW_OK;
    }
    if (!kind)
        return DLFW_OK;
    if (note->iface_count == sizeof note->ifaces / sizeof *note->ifaces)
        return dlfw_fail(err, DLFW_E_CORRUPT, "malformed dlfw note: more than %zu interfaces",
                         sizeof note->ifaces / sizeof *note->ifaces);
    note->ifaces[note->iface_count].kind = kind;
    if (!copy_word(note->ifaces[note->iface_count].name, sizeof note->ifaces[0].name, value, len - key - 1))
        return dlfw_fail(err, DLFW_E_CORRUPT,
                         "malformed dlfw note: the name of a %s is empty, too long or not plain text",
                         plugin_kind_name(kind));
    for (uint32_t i = 0; i < note->iface_count; i++) {
        if (note->ifaces[i].kind == kind && strcmp(note->ifaces[i].name, note->ifaces[note->iface_count].name) == 0)
            return dlfw_fail(err, DLFW_E_CORRUPT, "malformed dlfw note: %s '%s' is named twice", plugin_kind_name(kind),
                             note->ifaces[i].name);
    }
    note->iface_count++;
    return DLFW_OK;
}

static dlfw_status parse_text(struct plugin_note *note, const char *text, size_t cap, dlfw_error *err)
{
    const char *end = text + strnlen(text, cap);

    while (text < end) {
        const char *newline = memchr(text, '\n', (size_t)(end - text));
        dlfw_status st;

        if (!newline)
            newline = end;
        st = newline > text ? parse_line(note, text, (size_t)(newline - text), err) : DLFW_OK;
        if (st < 0)
            return st;
        text = newline < end ? newline + 1 : end;
    }
    if (!note->version[0])
        return dlfw_fail(err, DLFW_E_CORRUPT, "malformed dlfw note: no version");
    if (!note->iface_count)
        return dlfw_fail(err, DLFW_E_UNSUPPORTED, "its dlfw note names no interface of a kind that this dlfw knows");
    return DLFW_OK;
}

static dlfw_status parse_note(struct plugin_note *note, const uint8_t *desc, uint32_t len, dlfw_error *err)
{
    const uint32_t fixed = 8; /* two versions and a reserved word */
    dlfw_status st;

    if (len < fixed)
        return dlfw_fail(err, DLFW_E_CORRUPT, "malformed dlfw note: %u bytes", len);
    memcpy(&note->abi_major, desc, sizeof note->abi_major);
    memcpy(&note->abi_minor, desc + 2, sizeof note->abi_minor);
    if (note->abi_major == DLFW_ABI_MAJOR)
        return parse_text(note, (const char *)desc + fixed, len - fixed, err);
    /* the text of another major need not look like ours; what can be read of it makes a better listing */
    st = parse_text(note, (const char *)desc + fixed, len - fixed, NULL);
    if (st < 0) {
        note->version[0] = '\0';
        note->iface_count = 0;
    }
    return dlfw_fail(err, DLFW_E_ABI, "built for plugin ABI %u.%u, this dlfw has %d.%d", note->abi_major,
                     note->abi_minor, DLFW_ABI_MAJOR, DLFW_ABI_MINOR);
}

dlfw_status plugin_note_read(const char *path, struct plugin_note *ret, dlfw_error *err)
{
    struct plugin_note note = {.abi_major = 0};
    struct elf_file elf = {.fd = 0};
    uint8_t *desc = NULL;
    bool defined = false;
    uint32_t len = 0;
    dlfw_status st;

    st = elf_file_open(path, &elf, err);
    if (st < 0)
        goto out;
    st = elf_file_note(&elf, DLFW_NOTE_OWNER, DLFW_NOTE_TYPE, &desc, &len, err);
    if (st < 0)
        goto out;
    st = parse_note(&note, desc, len, err);
    if (st == DLFW_E_ABI)
        *ret = note;
    if (st < 0)
        goto out;
    st = elf_file_defines(&elf, "dlfw_plugin_v1", &defined, err);
    if (st == DLFW_OK && !defined)
        st = dlfw_fail(err, DLFW_E_NOT_FOUND,
                       "missing symbol: it has a dlfw note but does not itself define 'dlfw_plugin_v1' (one from a "
                       "library it links does not count)");
    if (st == DLFW_OK)
        *ret = note;
out:
    free(desc);
    elf_file_close(&elf);
    return st;
}
