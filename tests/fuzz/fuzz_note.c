/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a plugin file that is only listed: refused with a message and an untouched result, or a note whose words
 * can be printed. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "host/plugin_note.h"
#include "finding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Printable ASCII without blanks, NUL-terminated within cap. */
static bool is_word(const char *text, size_t cap)
{
    size_t len = strnlen(text, cap);

    for (size_t i = 0; i < len; i++)
        if (text[i] <= 0x20 || text[i] > 0x7e)
            return false;
    return len < cap;
}

static void check(const struct plugin_note *note, bool is_ours)
{
    DLFW_BUG_IF((note->abi_major == DLFW_ABI_MAJOR) != is_ours);
    DLFW_BUG_IF(note->iface_count > sizeof note->ifaces / sizeof note->ifaces[0]);
    DLFW_BUG_IF(!is_word(note->version, sizeof note->version));
    DLFW_BUG_IF(is_ours && (!note->version[0] || !note->iface_count));
    for (uint32_t i = 0; i < note->iface_count; i++) {
        DLFW_BUG_IF(strcmp(plugin_kind_name(note->ifaces[i].kind), "unknown") == 0);
        DLFW_BUG_IF(!is_word(note->ifaces[i].name, sizeof note->ifaces[i].name) || !note->ifaces[i].name[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int fd = -1;
    struct plugin_note note, untouched;
    struct error_slot slot;
    dlfw_status st;
    char path[64];

    if (fd < 0)
        fd = memfd_create("note", MFD_CLOEXEC);
    DLFW_BUG_IF(fd < 0 || ftruncate(fd, 0) < 0 || pwrite(fd, data, size, 0) != (ssize_t)size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    error_slot_init(&slot);
    memset(&note, 0xa5, sizeof note);
    untouched = note;
    st = plugin_note_read(path, &note, &slot.e);
    if (st < 0)
        message_is_one_line(slot.text);
    if (st >= 0 || st == DLFW_E_ABI)
        check(&note, st >= 0);
    else
        DLFW_BUG_IF(memcmp(&note, &untouched, sizeof note) != 0);
    return 0;
}
