/* SPDX-License-Identifier: Apache-2.0 */
/* The dialect of ini files that Amazon's tools share: comments, quoted profile names, one level of indented settings.
 */
#include "profile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (1u << 20)

struct reading {
    struct s3_ini *ini;
    const char *section; /* NULL: rows of no interest */
    char *parent;        /* key with an empty value, above indented lines */
    char *keys;          /* room for "parent.key" */
    size_t keys_len, keys_room;
    uint32_t room;
    bool named;
};

static char *trim(char *s)
{
    size_t len;

    s += strspn(s, " \t\r");
    len = strlen(s);
    while (len > 0 && strchr(" \t\r", s[len - 1]))
        s[--len] = '\0';
    return s;
}

/* A comment begins after a blank: " #" or " ;". */
static void cut_comment(char *s)
{
    for (char *at = s; *at; at++)
        if ((*at == '#' || *at == ';') && at > s && (at[-1] == ' ' || at[-1] == '\t')) {
            *at = '\0';
            return;
        }
}

/* "x" of "profile x", "profile \"x\"" and "default", or of "x" in the credentials file; "services x" stays. NULL:
 * another kind of section. */
static const char *section_name(char *text, bool named)
{
    char *name = trim(text);

    if (named && strncmp(name, "profile", 7) == 0 && (name[7] == ' ' || name[7] == '\t'))
        name = trim(name + 7);
    else if (named && strcmp(name, "default") != 0)
        return strncmp(name, "services ", 9) == 0 ? name : NULL;
    if (*name == '"' || *name == '\'') {
        size_t len = strlen(name);

        if (len >= 2 && name[len - 1] == *name) {
            name[len - 1] = '\0';
            name++;
        }
    }
    return name;
}

static dlfw_status add_row(struct reading *r, const char *key, const char *value, dlfw_error *err)
{
    struct s3_ini *ini = r->ini;

    if (ini->count == r->room) {
        uint32_t room = r->room ? r->room * 2 : 32;
        struct s3_ini_row *rows = realloc(ini->rows, room * sizeof *rows);

        if (!rows)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for '%s'", ini->path ? ini->path : "a profile");
        ini->rows = rows;
        r->room = room;
    }
    ini->rows[ini->count++] = (struct s3_ini_row){r->section, key, value};
    return DLFW_OK;
}

/* "parent.key", kept in the room behind the text. */
static const char *nested_key(struct reading *r, const char *key)
{
    size_t a = strlen(r->parent), b = strlen(key);
    char *at = r->keys + r->keys_len;

    if (r->keys_room - r->keys_len < a + b + 2)
        return NULL;
    memcpy(at, r->parent, a);
    at[a] = '.';
    memcpy(at + a + 1, key, b + 1);
    r->keys_len += a + b + 2;
    return at;
}

static dlfw_status take_line(struct reading *r, char *line, dlfw_error *err)
{
    bool indented = *line == ' ' || *line == '\t';
    char *text = trim(line);
    char *equals, *key, *value;
    const char *name;

    if (!*text || *text == '#' || *text == ';')
        return DLFW_OK;
    if (*text == '[') {
        char *end = strchr(text, ']');

        r->parent = NULL;
        r->section = NULL;
        if (end) {
            *end = '\0';
            r->section = section_name(text + 1, r->named);
        }
        return r->section ? add_row(r, "", "", err) : DLFW_OK; /* also an empty profile exists */
    }
    equals = strchr(text, '=');
    if (!r->section || !equals)
        return DLFW_OK; /* a line of another tool's */
    *equals = '\0';
    key = trim(text);
    value = equals + 1;
    cut_comment(value);
    value = trim(value);
    if (indented && r->parent) {
        name = nested_key(r, key);
        return name ? add_row(r, name, value, err)
                    : dlfw_fail(err, DLFW_E_CONFIG, "'%s' has too long names of settings",
                                r->ini->path ? r->ini->path : "a profile");
    }
    r->parent = *value ? NULL : key;
    return add_row(r, key, value, err);
}

dlfw_status s3_ini_parse(struct s3_ini *ini, const char *text, size_t len, bool profiles_named, dlfw_error *err)
{
    struct reading r = {.ini = ini, .named = profiles_named};
    dlfw_status st = DLFW_OK;
    char *line;

    ini->text_len = len * 8 + 1024; /* nested keys repeat their parent's */
    ini->text = calloc(1, ini->text_len);
    if (!ini->text)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for '%s'", ini->path ? ini->path : "a profile");
    memcpy(ini->text, text, len);
    r.keys = ini->text + len + 1;
    r.keys_room = ini->text_len - len - 1;
    line = ini->text;
    while (st == DLFW_OK && line < ini->text + len) {
        size_t n = strcspn(line, "\n");

        line[n] = '\0';
        st = take_line(&r, line, err);
        line += n + 1;
    }
    return st;
}

static dlfw_status read_all(int fd, const char *path, struct text *to, dlfw_error *err)
{
    for (;;) {
        char *at = text_room(to, 4096);
        ssize_t n;

        if (!at)
            return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for '%s'", path);
        n = read(fd, at, 4096);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dlfw_fail_errno(err, errno, "cannot read '%s'", path);
        if (n == 0)
            return DLFW_OK;
        text_grown(to, (size_t)n);
        if (to->len > FILE_MAX)
            return dlfw_fail(err, DLFW_E_CONFIG, "'%s' is larger than %u bytes, too large for a file of profiles", path,
                             FILE_MAX);
    }
}

dlfw_status s3_ini_load(struct s3_ini *ini, const char *path, bool profiles_named, dlfw_error *err)
{
    struct text text = {0};
    dlfw_status st;
    int fd;

    *ini = (struct s3_ini){.path = strdup(path)};
    if (!ini->path)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory for '%s'", path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
        return DLFW_OK;
    if (fd < 0)
        return dlfw_fail_errno(err, errno, "cannot open '%s'", path);
    ini->exists = true;
    st = read_all(fd, path, &text, err);
    close(fd);
    if (st == DLFW_OK)
        st = s3_ini_parse(ini, text.data ? text.data : "", text.len, profiles_named, err);
    if (text.data)
        explicit_bzero(text.data, text.room);
    text_free(&text);
    return st;
}

void s3_ini_free(struct s3_ini *ini)
{
    if (ini->text)
        explicit_bzero(ini->text, ini->text_len);
    free(ini->text);
    free(ini->path);
    free(ini->rows);
    *ini = (struct s3_ini){0};
}

/* The last of equal keys holds, as in Amazon's tools. */
const char *s3_ini_get(const struct s3_ini *ini, const char *section, const char *key)
{
    for (uint32_t i = ini->count; i-- > 0;)
        if (strcmp(ini->rows[i].section, section) == 0 && strcmp(ini->rows[i].key, key) == 0)
            return *ini->rows[i].value ? ini->rows[i].value : NULL;
    return NULL;
}

bool s3_ini_has(const struct s3_ini *ini, const char *section)
{
    for (uint32_t i = 0; i < ini->count; i++)
        if (strcmp(ini->rows[i].section, section) == 0)
            return true;
    return false;
}
