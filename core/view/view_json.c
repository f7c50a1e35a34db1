/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python writes NaN and Infinity into JSON, and DLIO has such values (the mean of saves that never were); they are
 * nothing that a report could show, so they become null. Invariant: what is no JSON apart from that is refused with the
 * place in the file as it is.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/result_read.h"
#include "view/run_view.h"

static dlfw_status read_text(const char *path, struct str *ret, dlfw_error *err)
{
    FILE *in = fopen(path, "re");
    char piece[16384];
    dlfw_status st = DLFW_OK;
    size_t n;

    if (!in)
        return dlfw_fail_errno(err, errno, "cannot open '%s'", path);
    while ((n = fread(piece, 1, sizeof piece, in)) > 0)
        str_add_len(ret, piece, n);
    if (ferror(in))
        st = dlfw_fail_errno(err, errno, "cannot read '%s'", path);
    fclose(in);
    return st;
}

/* Bytes of the JSON string that begins with the quote at text, quotes included. */
static size_t string_length(const char *text)
{
    size_t n = 1;

    while (text[n] && text[n] != '"')
        n += text[n] == '\\' && text[n + 1] ? 2 : 1;
    return n + (text[n] == '"');
}

static void nulls_for_words(const char *text, struct str *out)
{
    static const char *const words[] = {"NaN", "-Infinity", "Infinity"};

    while (*text) {
        size_t n = *text == '"' ? string_length(text) : 1;
        const char *copy = text;

        for (size_t i = 0; i < sizeof words / sizeof *words; i++)
            if (strncmp(text, words[i], strlen(words[i])) == 0) {
                n = strlen(words[i]);
                copy = NULL;
                break;
            }
        if (copy)
            str_add_len(out, copy, n);
        else
            str_add(out, "null");
        text += n;
    }
}

static json_t *read_with_words(const char *path)
{
    struct str text = STR_EMPTY, mended = STR_EMPTY;
    json_t *root = NULL;

    if (read_text(path, &text, NULL) >= 0) {
        nulls_for_words(text.data, &mended);
        root = json_loadb(mended.data, mended.len, JSON_REJECT_DUPLICATES, NULL);
    }
    str_free(&text);
    str_free(&mended);
    return root;
}

dlfw_status view_json_read(const char *folder, const char *name, json_t **ret, dlfw_error *err)
{
    dlfw_status st = result_read_json(folder, name, ret, err);
    char *path;

    if (st != DLFW_E_CORRUPT)
        return st;
    path = xformat("%s/%s", folder, name);
    *ret = read_with_words(path);
    free(path);
    if (!json_is_object(*ret)) {
        json_decref(*ret);
        *ret = NULL;
    }
    return *ret ? DLFW_OK : st;
}
