/* SPDX-License-Identifier: Apache-2.0 */
/* binary.*: the file as the linker left it, and what loading it does to a process. */
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elf_view.h"
#include "kit.h"

#define LOAD_LIMIT_NS 100000000u

static void read_elf(struct kit *kit, struct elf_view *elf)
{
    const char *wrong = elf_view_read(kit->settings->plugin, elf);

    KIT_CHECK(kit, !wrong, "'%s': %s", kit->settings->plugin, wrong);
}

static void one_export(struct kit *kit)
{
    struct elf_view elf;

    read_elf(kit, &elf);
    KIT_CHECK(kit, elf.exported == 1,
              "%u exported symbols begin with dlfw_ ('%s'); link with plugin.map so that only "
              "dlfw_plugin_v1 is seen",
              elf.exported, elf.first_export);
    KIT_CHECK(kit, strcmp(elf.first_export, "dlfw_plugin_v1") == 0, "the exported symbol is '%s', not 'dlfw_plugin_v1'",
              elf.first_export);
    if (elf.exported_other)
        kit_note(kit, "%u other exported symbols, for instance '%s'", elf.exported_other, elf.first_other);
}

static void link_flags(struct kit *kit)
{
    struct elf_view elf;

    read_elf(kit, &elf);
    KIT_CHECK(kit, elf.bind_now, "not linked with -Wl,-z,now");
    KIT_CHECK(kit, elf.relro, "not linked with -Wl,-z,relro");
    KIT_CHECK(kit, elf.nodelete, "not linked with -Wl,-z,nodelete");
    KIT_CHECK(kit, !elf.stack_executable, "the stack is executable; link with -Wl,-z,noexecstack");
}

static void no_names(struct kit *kit)
{
    struct elf_view elf;
    const char *part;

    read_elf(kit, &elf);
    KIT_CHECK(kit, elf.soname[0] == '\0', "has the SONAME '%s'; plugins are found by file name", elf.soname);
    for (part = elf.search_path; *part; part += strcspn(part, ":") + (part[strcspn(part, ":")] == ':'))
        KIT_CHECK(kit, strncmp(part, "$ORIGIN", 7) == 0,
                  "has the library search path '%s'; only $ORIGIN travels to another "
                  "machine",
                  elf.search_path);
}

/* The note is what a listing shows; the object is what runs. */
static void note_equals_object(struct kit *kit)
{
    struct plugin_note note;
    char text[512];
    dlfw_error err = FAKE_ERROR(text);

    if (plugin_note_read(kit->settings->plugin, &note, &err) < 0)
        kit_skip(kit, "%s (see binary.load)", text);
    kit_load(kit);
    KIT_CHECK(kit, strcmp(note.version, kit->file->plugin->version) == 0, "the note says version '%s', the object '%s'",
              note.version, kit->file->plugin->version);
    KIT_CHECK(kit, note.iface_count == kit->file->iface_count, "the note names %u interfaces, the object has %u",
              note.iface_count, kit->file->iface_count);
    for (uint32_t i = 0; i < note.iface_count; i++)
        kit_choose(kit, note.ifaces[i].kind, note.ifaces[i].name);
}

static void loads(struct kit *kit)
{
    kit_load(kit);
    KIT_CHECK(kit, kit->file->plugin->license && kit->file->plugin->license[0], "the plugin object names no licence");
    KIT_CHECK(kit, kit->file->plugin->id && kit->file->plugin->id[0], "the plugin object has no id");
    for (uint32_t i = 0; i < kit->file->iface_count; i++) {
        const dlfw_iface *iface = kit->file->ifaces[i].iface;

        KIT_CHECK(kit, iface->summary && iface->summary[0], "interface '%s' has no summary", iface->name);
    }
}

static void no_threads(struct kit *kit)
{
    uint32_t before = kit_thread_count(kit), after;

    kit_load(kit);
    after = kit_thread_count(kit);
    KIT_CHECK(kit, after == before,
              "%u threads run after load(); threads do not survive the fork of a worker, start them in "
              "create or queue_create",
              after - before);
}

static void no_fds(struct kit *kit)
{
    uint32_t before = kit_fd_count(kit), after;

    kit_load(kit);
    after = kit_fd_count(kit);
    KIT_CHECK(kit, after == before, "%u file descriptors are open after load()", after - before);
}

static uint64_t load_in_child(struct kit *kit)
{
    int fds[2];
    uint64_t ns = UINT64_MAX;
    pid_t pid;

    if (pipe(fds) != 0)
        kit_skip(kit, "cannot make a pipe");
    pid = fork();
    if (pid == 0) {
        dlfw_error err = {.struct_size = sizeof err};
        uint64_t begin = kit_now_ns();

        ns = plugin_file_load(kit->settings->plugin, &kit->host.table, &kit->file, &err) < 0 ? UINT64_MAX
                                                                                             : kit_now_ns() - begin;
        _exit(write(fds[1], &ns, sizeof ns) != sizeof ns);
    }
    close(fds[1]);
    if (pid < 0 || read(fds[0], &ns, sizeof ns) != sizeof ns)
        ns = UINT64_MAX;
    close(fds[0]);
    if (pid > 0)
        waitpid(pid, NULL, 0);
    return ns;
}

/* The best of three, so that a busy machine is not taken for a slow plugin. */
static void load_time(struct kit *kit)
{
    uint64_t best = UINT64_MAX;

    for (int i = 0; i < 3; i++) {
        uint64_t ns = load_in_child(kit);

        if (ns < best)
            best = ns;
    }
    if (best == UINT64_MAX)
        kit_skip(kit, "the plugin does not load (see binary.load)");
    kit_note(kit, "loads in %llu us", (unsigned long long)(best / 1000));
    KIT_CHECK(kit, best < LOAD_LIMIT_NS, "loading takes %llu ms, more than 100", (unsigned long long)(best / 1000000));
}

const struct kit_case kit_cases_binary[] = {
    {"binary.exports", 0, KIT_FILE, one_export},
    {"binary.link_flags", 0, KIT_FILE, link_flags},
    {"binary.names", 0, KIT_FILE, no_names},
    {"binary.load", 0, KIT_FILE, loads},
    {"binary.note", 0, KIT_FILE, note_equals_object},
    {"binary.load_threads", 0, KIT_FILE, no_threads},
    {"binary.load_fds", 0, KIT_FILE, no_fds},
    {"binary.load_time", 0, KIT_FILE, load_time},
    {0},
};
