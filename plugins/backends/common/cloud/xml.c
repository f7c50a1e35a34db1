/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads the services' XML. Nothing from the network makes it work or allocate without bound: no DTD (and so no entities
 * but XML's own five), a depth, a path and a text of limited size. Prefixes of names are dropped, services differ in
 * them.
 *
 * Only elements without children have a text; for the others each() gets "".
 */
#include "cloud.h"

#include <expat.h>
#include <limits.h>
#include <string.h>

#define DEPTH_MAX 32u
#define PATH_CAP 512u
#define TEXT_MAX (256u << 10)

struct walk {
    XML_Parser parser;
    const struct cloud_xml *xml;
    char path[PATH_CAP];
    size_t path_len;
    uint16_t ends[DEPTH_MAX]; /* path_len of the elements around */
    uint32_t depth;
    bool leaf; /* no child has begun since the innermost open element did */
    bool stopped;
    bool corrupt; /* *why says what a bound refused */
    const char *why;
    struct text text;
};

static void stop(struct walk *w)
{
    w->stopped = true;
    (void)XML_StopParser(w->parser, XML_FALSE);
}

static void refuse(struct walk *w, const char *why)
{
    w->corrupt = true;
    w->why = why;
    stop(w);
}

static void XMLCALL element_begins(void *ctx, const XML_Char *name, const XML_Char **attributes)
{
    struct walk *w = ctx;
    const char *colon = strrchr(name, ':');
    const char *local = colon ? colon + 1 : name;
    size_t len = strlen(local);

    if (w->stopped)
        return;
    if (w->depth == DEPTH_MAX) {
        refuse(w, "its elements are nested too deeply");
        return;
    }
    if (len + 2 > PATH_CAP - w->path_len) {
        refuse(w, "its names are too long");
        return;
    }
    w->ends[w->depth++] = (uint16_t)w->path_len;
    if (w->path_len > 0)
        w->path[w->path_len++] = '/';
    memcpy(w->path + w->path_len, local, len + 1);
    w->path_len += len;
    w->leaf = true;
    text_clear(&w->text);
    if (w->xml->begin && !w->xml->begin(w->xml->ctx, w->path))
        stop(w);
    for (; w->xml->attribute && !w->stopped && attributes[0]; attributes += 2)
        if (!w->xml->attribute(w->xml->ctx, w->path, attributes[0], attributes[1]))
            stop(w);
}

static void XMLCALL element_ends(void *ctx, const XML_Char *name)
{
    struct walk *w = ctx;

    (void)name;
    if (w->stopped || w->depth == 0)
        return;
    if (!w->xml->each(w->xml->ctx, w->path, w->leaf && w->text.data ? w->text.data : "", w->leaf ? w->text.len : 0))
        stop(w);
    w->path_len = w->ends[--w->depth];
    w->path[w->path_len] = '\0';
    w->leaf = false;
}

static void XMLCALL characters(void *ctx, const XML_Char *data, int len)
{
    struct walk *w = ctx;

    if (w->stopped || !w->leaf || len <= 0)
        return;
    if ((size_t)len > TEXT_MAX - w->text.len) {
        refuse(w, "a text in it is too long");
        return;
    }
    text_add(&w->text, data, (size_t)len);
    if (w->text.failed)
        stop(w);
}

static void XMLCALL doctype_begins(void *ctx, const XML_Char *name, const XML_Char *system_id,
                                   const XML_Char *public_id, int internal)
{
    (void)name;
    (void)system_id;
    (void)public_id;
    (void)internal;
    refuse(ctx, "it has a document type declaration");
}

static dlfw_status outcome(const struct walk *w, bool parsed, dlfw_error *err)
{
    if (w->corrupt)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the XML document of the answer is refused in line %lu: %s",
                         (unsigned long)XML_GetCurrentLineNumber(w->parser), w->why);
    if (w->text.failed || (!parsed && XML_GetErrorCode(w->parser) == XML_ERROR_NO_MEMORY))
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to read the XML document of an answer");
    if (!parsed && !w->stopped)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the XML document of the answer is not well-formed in line %lu: %s",
                         (unsigned long)XML_GetCurrentLineNumber(w->parser),
                         XML_ErrorString(XML_GetErrorCode(w->parser)));
    return DLFW_OK;
}

dlfw_status cloud_xml_walk(const char *data, size_t len, const struct cloud_xml *xml, dlfw_error *err)
{
    struct walk w = {.xml = xml};
    dlfw_status st;
    bool parsed;

    if (len > INT_MAX)
        return dlfw_fail(err, DLFW_E_CORRUPT, "the XML document of the answer has %zu bytes, too many", len);
    w.parser = XML_ParserCreate(NULL);
    if (!w.parser)
        return dlfw_fail(err, DLFW_E_NO_MEMORY, "no memory to read the XML document of an answer");
    XML_SetUserData(w.parser, &w);
    XML_SetElementHandler(w.parser, element_begins, element_ends);
    XML_SetCharacterDataHandler(w.parser, characters);
    XML_SetStartDoctypeDeclHandler(w.parser, doctype_begins);
    parsed = XML_Parse(w.parser, data ? data : "", (int)len, XML_TRUE) == XML_STATUS_OK;
    st = outcome(&w, parsed, err);
    XML_ParserFree(w.parser);
    text_free(&w.text);
    return st;
}

void cloud_xml_escape(struct text *to, const char *data, size_t len)
{
    size_t begin = 0;

    for (size_t i = 0; i < len; i++) {
        const char *as = NULL;

        switch (data[i]) {
        case '&':
            as = "&amp;";
            break;
        case '<':
            as = "&lt;";
            break;
        case '>':
            as = "&gt;";
            break;
        case '"':
            as = "&quot;";
            break;
        case '\t': /* these three would be normalised away */
            as = "&#9;";
            break;
        case '\n':
            as = "&#10;";
            break;
        case '\r':
            as = "&#13;";
            break;
        default:
            continue;
        }
        text_add(to, data + begin, i - begin);
        text_str(to, as);
        begin = i + 1;
    }
    text_add(to, data + begin, len - begin);
}
