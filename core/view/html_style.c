/* SPDX-License-Identifier: Apache-2.0 */
/* Colours have names once; dark screens and paper only change their values. */
#include "view/html_sections.h"

#define LIGHT                                                                                                          \
    "--bg:#f4f6f9;--card:#fff;--ink:#182030;--soft:#556072;--edge:#d5dbe4;--grid:#e5e9ef;--good:#11704f;--bad:#"       \
    "b3261e;"                                                                                                          \
    "--blue:#2f6fd0;--orange:#c9620d;--violet:#7448c4;--red:#c2385f;--grey:#6b7788;--green:#0f806a;--gold:#9a7400"
#define DARK                                                                                                           \
    "--bg:#12161d;--card:#1b212b;--ink:#e8edf4;--soft:#a6b1c2;--edge:#343d4b;--grid:#2a323e;--good:#59d3a2;--bad:#"    \
    "ff8a80;"                                                                                                          \
    "--blue:#6ea8ff;--orange:#ffa657;--violet:#b99cff;--red:#ff8fae;--grey:#98a4b5;--green:#4ecdb4;--gold:#e3c15c"
#define FILLED(classes, colour) classes "{fill:var(--" colour ");background:var(--" colour ")}"
#define DRAWN(classes, colour) classes "{stroke:var(--" colour ")}"

const char html_style[] =
    ":root{color-scheme:light dark;" LIGHT "}\n"
    "@media(prefers-color-scheme:dark){:root{" DARK "}}\n"
    "*{box-sizing:border-box}\n"
    "body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}\n"
    "header,main,footer{max-width:1100px;margin:0 auto;padding:0 16px}\n"
    "header{padding-top:24px}\n"
    "h1{font-size:1.7rem;line-height:1.2;margin:0 0 4px;overflow-wrap:anywhere}\n"
    "h2{font-size:1.15rem;margin:0 0 10px}\n"
    "h3{font-size:.95rem;margin:16px 0 6px}\n"
    "p{margin:0 0 10px;overflow-wrap:anywhere}\n"
    ".soft,figcaption,footer{color:var(--soft)}\n"
    "nav ul{display:flex;flex-wrap:wrap;gap:4px 14px;list-style:none;margin:12px 0 0;padding:0}\n"
    "a{color:var(--blue)}\n"
    "section,.notice{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:16px;margin:16px 0;"
    "min-width:0}\n"
    ".notice{border-left:4px solid var(--bad)}\n"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:10px;margin:16px 0 0}\n"
    ".tiles div{background:var(--card);border:1px solid var(--edge);border-radius:10px;padding:10px 12px;min-width:0}\n"
    ".tiles dt{color:var(--soft);font-size:.85rem}\n"
    ".tiles dd{margin:0;font-size:1.3rem;font-weight:600;overflow-wrap:anywhere}\n"
    ".tiles dd.note{font-size:.85rem;font-weight:400;color:var(--soft)}\n"
    ".good{color:var(--good)!important}.bad{color:var(--bad)!important}\n"
    "ul.lines{margin:0 0 10px;padding-left:20px;overflow-wrap:anywhere}\n"
    "figure{margin:0 0 14px}\n"
    "figcaption{font-size:.85rem;margin-top:4px}\n"
    "svg{display:block;overflow:visible}\n"
    "svg.plot{width:calc(100% - 116px);margin:22px 64px 26px 52px}\n"
    "svg.bars{width:calc(100% - 180px);margin:22px 72px 26px 108px}\n"
    "svg.wide{width:100%;margin:6px 0}\n"
    "svg.list{width:calc(100% - 180px);margin:6px 72px 6px 108px}\n"
    "svg text{fill:var(--soft);font-size:12px}\n"
    "svg text.strong{fill:var(--ink);font-weight:600}\n"
    "svg "
    "text.asked{fill:var(--bad);font-weight:600}i.asked{background:var(--bad);height:3px!important;vertical-align:4px!"
    "important}\n"
    ".grid{stroke:var(--grid)}.axis{stroke:var(--edge)}\n"
    ".line{fill:none;stroke-width:1.6;vector-effect:non-scaling-stroke}.area{opacity:.18}\n"
    "rect.hover{fill:transparent}\n"
    "rect.track{fill:var(--grid)}\n"
    "rect.mark{opacity:.35}rect.mark.eval{opacity:.12}\n"
    "line.mark{stroke-width:1.5}\n"
    ".epoch{stroke:var(--soft);stroke-dasharray:2 4;opacity:.6}\n"
    ".threshold{stroke:var(--bad);stroke-width:1.5;stroke-dasharray:6 4}\n"
    ".median{stroke:var(--ink);stroke-width:2}\n"
    "circle{opacity:.75}\n"
    "@media(max-width:640px){text.spare{display:none}}\n"
    ".p50{opacity:1}.p90{opacity:.6}.p99{opacity:.32}\n" FILLED(".compute,.strict,.train,.dot,.stage,.box,.au", "blue")
        FILLED(".batch_wait,.storage,.wait", "orange") FILLED(".barrier,.load", "violet") FILLED(
            ".hooks,.overshoot", "red") FILLED(".other,.client,.memory", "grey") FILLED(".eval,.strictau", "green")
            FILLED(".save", "gold") "\n" DRAWN(".line.train,.line.au,line.box", "blue") DRAWN(
                ".line.wait", "orange") DRAWN(".line.eval,.line.strictau",
                                              "green") DRAWN("line.eval", "green") DRAWN("line.save", "gold")
                DRAWN("line.load",
                      "violet") "\n"
                                ".line{fill:none;background:none}\n"
                                "line.max{stroke:var(--ink);stroke-width:2}\n"
                                ".legend{display:flex;flex-wrap:wrap;gap:4px 16px;list-style:none;margin:6px 0 "
                                "0;padding:0;font-size:.85rem}\n"
                                ".legend "
                                "i{display:inline-block;width:12px;height:12px;border-radius:3px;margin-right:6px;"
                                "vertical-align:-1px;"
                                "-webkit-print-color-adjust:exact;print-color-adjust:exact}\n"
                                ".scroll{overflow-x:auto;margin:0 0 6px}\n"
                                ".scroll:focus-visible,a:focus-visible,summary:focus-visible{outline:2px solid "
                                "var(--blue);outline-offset:2px}\n"
                                "table{border-collapse:collapse;width:100%;font-size:.88rem;font-variant-numeric:"
                                "tabular-nums}\n"
                                "caption{position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)}\n"
                                ".scroll{position:relative}\n"
                                "th,td{text-align:left;padding:4px 12px 4px 0;border-bottom:1px solid "
                                "var(--grid);vertical-align:top}\n"
                                "thead th{color:var(--soft);font-weight:600;white-space:nowrap}\n"
                                "tbody th{font-weight:500}\n"
                                "td.n,th.n{text-align:right;white-space:nowrap}\n"
                                "td.long,td.key,th.long{overflow-wrap:anywhere;min-width:12em}\n"
                                "summary{cursor:pointer;color:var(--blue)}\n"
                                "code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}\n"
                                "footer{padding:8px 16px 32px;font-size:.85rem}\n"
                                "@media print{:root{color-scheme:light;" LIGHT
                                "}body{background:none}section{break-inside:avoid}nav{display:none}"
                                "section,.tiles div{border-color:#bbb}}\n";
