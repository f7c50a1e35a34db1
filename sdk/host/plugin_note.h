/* SPDX-License-Identifier: Apache-2.0 */
/* Reads the ELF note of a plugin file with pread: who it is and for which ABI, without running or mapping it. */
#ifndef DLFW_SDK_HOST_PLUGIN_NOTE_H
#define DLFW_SDK_HOST_PLUGIN_NOTE_H

#include "dlfw/base.h"

struct plugin_note {
    uint16_t abi_major;
    uint16_t abi_minor;
    char version[32];
    uint32_t iface_count;
    struct {
        uint32_t kind; /* DLFW_KIND_* */
        char name[48];
    } ifaces[8];
};

/* Messages say what the file is instead: not ELF, wrong architecture, no dlfw note, truncated, malformed note, built
 * for ABI n. A wrong abi_major is DLFW_E_ABI with *ret filled. */
dlfw_status plugin_note_read(const char *path, struct plugin_note *ret, dlfw_error *err);

const char *plugin_kind_name(uint32_t kind);                  /* "backend" ...; never NULL */
uint32_t plugin_kind_from_name(const char *name, size_t len); /* 0: unknown */

#endif
