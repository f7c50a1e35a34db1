#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""check_page.py PAGE.html...: what a reader of a report sees, by headless Chromium without a network. Each page is laid out in frames of a phone's and a desk's width,
in light and in dark, and measured: no messages on the console, no references to anything outside, charts with a size, no overflow, no label over another or cut off,
colours that can be read. Prints what is wrong and exits with 1. With --screenshots FOLDER pictures are left there."""
import argparse
import html
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

WIDTHS = (400, 1280)
SCHEMES = {"dark": 0, "light": 1}
POLICY = "default-src 'none'"
CONTRAST = 4.5  # WCAG AA for text

# Runs in a copy of the page and tells the frame around it.
MEASURE = """
addEventListener('load', () => {
  const rect = e => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const colour = text => { const m = text.match(/[0-9.]+/g) || [0, 0, 0, 0]; return m.map(Number); };
  const behind = e => { for (; e; e = e.parentElement) { const c = colour(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; };
  const light = c => { const [r, g, b] = c.slice(0, 3).map(v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const contrast = (a, b) => { const [x, y] = [light(a), light(b)].sort((p, q) => q - p); return (x + 0.05) / (y + 0.05); };
  for (const e of document.querySelectorAll('details')) e.open = true;
  const charts = [...document.querySelectorAll('svg[role=img]')].map(svg => ({
    name: svg.getAttribute('aria-label'), box: rect(svg), drawn: [svg.getBBox().width, svg.getBBox().height], card: rect(svg.closest('section')),
    shapes: svg.querySelectorAll('rect, circle, path, line').length,
    texts: [...svg.querySelectorAll('text')].filter(t => getComputedStyle(t).display !== 'none').map(t => ({text: t.textContent, box: rect(t), contrast: contrast(colour(getComputedStyle(t).fill), behind(svg))}))}));
  const texts = [...document.querySelectorAll('h1, h2, h3, p, li, dt, dd, th, td, a, summary, figcaption, code')].filter(e => e.textContent.trim())
    .map(e => ({tag: e.tagName, text: e.textContent.trim().slice(0, 60), contrast: contrast(colour(getComputedStyle(e).color), behind(e))}));
  const outside = [...document.querySelectorAll('[src], [href]')].map(e => e.getAttribute('src') || e.getAttribute('href')).filter(u => !/^(#|data:,)/.test(u));
  parent.postMessage({width: innerWidth, scroll: document.documentElement.scrollWidth, title: document.title, language: document.documentElement.lang,
    headings: [...document.querySelectorAll('h1, h2')].map(e => e.textContent), landmarks: ['header', 'main', 'footer', 'nav'].filter(n => document.querySelector(n)),
    links: [...document.querySelectorAll('nav a')].filter(a => !document.getElementById(a.getAttribute('href').slice(1))).length,
    headless: [...document.querySelectorAll('table')].filter(t => !t.querySelector('thead th[scope=col]') || !t.caption).length,
    charts, texts, outside}, '*');
});
"""

FRAMES = """<!doctype html><meta charset="utf-8"><title>frames</title><body><pre id="told">[]</pre><script>
const told = {};
addEventListener('message', e => { told[e.data.width] = e.data; document.getElementById('told').textContent = JSON.stringify(told); });
</script>%s</body>"""


def without_network():
    """A network namespace with nothing in it, where this user may make one."""
    words = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
    return words if subprocess.run([*words, "true"], capture_output=True).returncode == 0 else []


def chromium(work, *words):
    program = shutil.which("chromium")
    if not program:
        raise SystemExit("chromium is not installed; scripts/install-packages test installs it")
    argv = [*without_network(), program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-extensions", f"--user-data-dir={work}/profile", "--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr",
            "--hide-scrollbars", *words]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, env={**os.environ, "HOME": str(work)})


def console_of(done):
    return [line for line in done.stderr.splitlines() if ":CONSOLE" in line]


def measure(page, work, scheme):
    """({width: what the page told}, lines of the console)."""
    text = page.read_text()
    if POLICY not in text:
        raise SystemExit(f"{page} has no policy against scripts and requests")
    copy = work / "copy.html"
    copy.write_text(text.replace(POLICY, POLICY + "; script-src 'unsafe-inline'").replace("</body>", f"<script>{MEASURE}</script></body>"))
    frames = work / "frames.html"
    frames.write_text(FRAMES % "".join(f'<iframe src="copy.html" width="{w}" height="4000" style="border:0"></iframe>' for w in WIDTHS))
    done = chromium(work, f"--blink-settings=preferredColorScheme={SCHEMES[scheme]}", "--virtual-time-budget=5000", "--window-size=1800,4200", "--dump-dom",
                    frames.as_uri())
    found = re.search(r'<pre id="told">(.*?)</pre>', done.stdout, re.S)
    return {int(w): m for w, m in json.loads(html.unescape(found.group(1))).items()} if found else {}, console_of(done)


def overlap(a, b):
    """Pixels that two boxes share, the smaller side of it; a pixel of a box is its line's air."""
    return min(min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])) - 1


def chart_problems(chart):
    name, texts = chart["name"].split(":")[0], [t for t in chart["texts"] if t["text"]]
    if min(chart["box"][2] - chart["box"][0], chart["box"][3] - chart["box"][1], *chart["drawn"]) <= 0 or not chart["shapes"]:
        yield f"chart '{name}' has no size"
    for i, t in enumerate(texts):
        if t["box"][0] < chart["card"][0] or t["box"][2] > chart["card"][2]:
            yield f"chart '{name}': '{t['text']}' is cut off"
        if t["contrast"] < CONTRAST:
            yield f"chart '{name}': '{t['text']}' has a contrast of {t['contrast']:.1f}"
        for other in texts[i + 1:]:
            if overlap(t["box"], other["box"]) > 1:
                yield f"chart '{name}': '{t['text']}' and '{other['text']}' lie over each other"


def told_problems(told):
    if told["scroll"] > told["width"]:
        yield f"is {told['scroll']} pixels wide"
    if not told["title"] or told["language"] != "en" or len(told["landmarks"]) < 4:
        yield f"title '{told['title']}', language '{told['language']}', landmarks {told['landmarks']}"
    if told["links"]:
        yield f"{told['links']} links of the page go nowhere"
    if told["headless"]:
        yield f"{told['headless']} tables have no heads or captions"
    for reference in told["outside"]:
        yield f"refers to '{reference}'"
    for chart in told["charts"]:
        yield from chart_problems(chart)
    for text in told["texts"]:
        if text["contrast"] < CONTRAST:
            yield f"{text['tag']} '{text['text']}' has a contrast of {text['contrast']:.1f}"


def check(page, screenshots=None):
    """(problems, what the page told at the largest width in light)."""
    problems, last = [], None
    with tempfile.TemporaryDirectory(prefix="dlfw-page-") as name:
        work = pathlib.Path(name)
        shown = chromium(work, "--window-size=1280,2400", f"--screenshot={work}/page.png", page.resolve().as_uri())
        problems += [f"as it is: {line}" for line in console_of(shown)]
        if not (work / "page.png").is_file():
            problems.append(f"no screenshot: {shown.stderr[-500:]}")
        elif screenshots:
            shutil.copy(work / "page.png", pathlib.Path(screenshots) / f"{page.stem}.png")
        for scheme in SCHEMES:
            told, console = measure(page, work, scheme)
            problems += [f"{scheme}: {line}" for line in console]
            problems += [f"{scheme}, {w} pixels: nothing was measured" for w in WIDTHS if w not in told]
            for width, one in told.items():
                problems += [f"{scheme}, {width} pixels: {p}" for p in told_problems(one)]
            last = told.get(WIDTHS[-1])
    return problems, last


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("pages", nargs="+", type=pathlib.Path)
    parser.add_argument("--screenshots")
    args = parser.parse_args()
    bad = [f"{page}: {p}" for page in args.pages for p in check(page, args.screenshots)[0]]
    print("\n".join(bad) if bad else "nothing to complain about")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
