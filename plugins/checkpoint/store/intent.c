/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process is known by machine (boot id), name space of process numbers, number and start time: containers share the
 * boot id but not the numbers, and numbers come again but not at the same time.
 */
#define _GNU_SOURCE
#include "intent.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define IDENTITY_MAX 128u
#define START_TIME_FIELD 22 /* of /proc/PID/stat, from 1 */

/* The first line of a small file; "" when it cannot be read. */
static void read_line(const char *path, char *buf, uint32_t cap)
{
    FILE *f = fopen(path, "re");

    buf[0] = '\0';
    if (!f)
        return;
    if (fgets(buf, (int)cap, f))
        buf[strcspn(buf, "\n")] = '\0';
    fclose(f);
}

/* "BOOT-ID pid:[NUMBER]"; "" where the system does not tell. */
static void machine(char buf[IDENTITY_MAX])
{
    char boot[48], space[48];
    ssize_t n = readlink("/proc/self/ns/pid", space, sizeof space - 1);

    read_line("/proc/sys/kernel/random/boot_id", boot, sizeof boot);
    space[n > 0 ? n : 0] = '\0';
    buf[0] = '\0';
    if (boot[0] && space[0])
        snprintf(buf, IDENTITY_MAX, "%s %s", boot, space);
}

/* In clock ticks since boot; 0: there is no such process, or it has ended and waits for its parent. */
static uint64_t start_time(long pid)
{
    char path[48], line[1024];
    const char *p;

    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    read_line(path, line, sizeof line);
    p = strrchr(line, ')'); /* the end of field 2, which may hold anything */
    if (!p || strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0)
        return 0;
    for (int field = 2; p && field < START_TIME_FIELD; field++) {
        p = strchr(p, ' ');
        p = p ? p + 1 : NULL;
    }
    return p ? strtoull(p, NULL, 10) : 0;
}

static json_t *describe(const char *name, enum intent_kind kind)
{
    char here[IDENTITY_MAX], host[64] = "";

    machine(here);
    gethostname(host, sizeof host - 1);
    return json_pack("{ss ss ss ss sI sI}", "intent", kind == INTENT_REMOVE ? "remove" : "save", "checkpoint", name,
                     "host", host, "machine", here, "pid", (json_int_t)getpid(), "start_time",
                     (json_int_t)start_time((long)getpid()));
}

static dlfw_status write_intent(const struct store *s, const char *name, enum intent_kind kind, uint32_t flags,
                                dlfw_error *reterr)
{
    json_t *object = describe(name, kind);
    char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;
    char key[STORE_KEY_MAX];
    dlfw_status st;

    json_decref(object);
    if (!text)
        return dlfw_fail(reterr, DLFW_E_NO_MEMORY, "cannot make the intent of '%s'", name);
    layout_intent_key(name, key);
    st = store_put(s, key, text, strlen(text), flags, reterr);
    free(text);
    return st;
}

dlfw_status intent_begin(const struct store *s, const char *name, enum intent_kind kind, dlfw_error *reterr)
{
    return write_intent(s, name, kind, DLFW_REQ_EXCLUSIVE, reterr);
}

dlfw_status intent_take_over(const struct store *s, const char *name, enum intent_kind kind, dlfw_error *reterr)
{
    return write_intent(s, name, kind, 0, reterr);
}

dlfw_status intent_end(const struct store *s, const char *name, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX];

    layout_intent_key(name, key);
    return store_remove(s, key, reterr);
}

static enum intent_owner owner_of(const json_t *object)
{
    const char *there = json_string_value(json_object_get(object, "machine"));
    uint64_t began = (uint64_t)json_integer_value(json_object_get(object, "start_time"));
    json_int_t pid = json_integer_value(json_object_get(object, "pid"));
    char here[IDENTITY_MAX];

    machine(here);
    if (!there || !here[0] || strcmp(there, here) != 0 || pid <= 0 || pid > INT32_MAX || !began)
        return OWNER_UNKNOWN;
    return start_time((long)pid) == began ? OWNER_ALIVE : OWNER_GONE;
}

dlfw_status intent_read(const struct store *s, const char *name, struct intent *ret, dlfw_error *reterr)
{
    char key[STORE_KEY_MAX], *text = NULL;
    uint64_t len = 0;
    const char *what;
    json_t *object;
    dlfw_status st;

    *ret = (struct intent){.kind = INTENT_NONE};
    layout_intent_key(name, key);
    st = store_get(s, key, SMALL_BYTES_MAX, &text, &len, reterr);
    if (st < 0)
        return st == DLFW_E_NOT_FOUND ? DLFW_OK : st;
    object = json_loadb(text, len, 0, NULL);
    what = json_string_value(json_object_get(object, "intent"));
    ret->kind = what && strcmp(what, "remove") == 0 ? INTENT_REMOVE : INTENT_SAVE;
    ret->owner = owner_of(object);
    json_decref(object);
    free(text);
    return DLFW_OK;
}
