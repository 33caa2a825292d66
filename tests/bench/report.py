#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""What the bench found, into the documentation: the tables of docs/performance.md, and its picture.

    report.py RESULTS DOCS

RESULTS holds bench.json, bench.md, wire.json and wire.md, as `make bench` leaves them. In DOCS/performance.md what is
between the markers "<!-- NAME -->" and "<!-- /NAME -->" is replaced; DOCS/performance.svg is drawn anew.
"""
import json
import math
import pathlib
import re
import sys
from html import escape

WIDTH, HEIGHT = 880, 400
# Of one panel: where its axes are.
TOP, BOTTOM, LEFT, RIGHT = 56, 290, 48, 400
PANEL = 440
# Mid-tones, to be read on white and on black; told apart by their dashes too.
SERIES = {
    "flat": ("#2a9d5c", ""), "flat, IPv6": ("#2a9d5c", "6 4"), "maps": ("#c77d1e", ""),
    "nft netdev": ("#4a86d8", ""), "nft + conntrack": ("#4a86d8", "6 4"), "iptables + ipset": ("#b55bb5", ""),
    "flat, flood": ("#2a9d5c", "2 3"), "maps, flood": ("#c77d1e", "2 3"), "empty": ("#8a8a8a", "2 3"),
}
LABELS = {"empty": "stack, no rules", "flat": "sallyport flat", "maps": "sallyport maps"}
STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #333; }
.title { font-weight: 600; } .axis { stroke: #888; } .grid { stroke: #8885; } .end { font-size: 11px; }
@media (prefers-color-scheme: dark) { text { fill: #ddd; } }
</style>"""


def figures(bench, value, **wanted):
    """Prefixes -> nanoseconds, of the results that are as wanted."""
    return {result["prefixes"]: result[value] for result in bench["results"]
            if value in result and all(result[key] == each for key, each in wanted.items())}


def panels(bench):
    """(title, {series: {prefixes: ns}}) of both panels."""
    dropped = {"packet": "unknown peer", "direction": "in", "flows": 1024, "family": 4, "way": "stack"}
    whole = {
        "empty": figures(bench, "total_ns", contender="stack", **dropped),
        "flat": figures(bench, "total_ns", contender="flat", **dropped),
        "nft netdev": figures(bench, "total_ns", contender="nft netdev", **dropped),
        "nft + conntrack": figures(bench, "total_ns", contender="nft conntrack", **dropped),
        "iptables + ipset": figures(bench, "total_ns", contender="iptables + ipset", **dropped),
    }
    passed = {"packet": "in rule", "direction": "in", "flows": 1024, "way": "program"}
    flood = {"packet": "unknown peer", "direction": "in", "flows": 1 << 20, "way": "program", "family": 4}
    alone = {
        "flat": figures(bench, "net_ns", contender="flat", family=4, **passed),
        "flat, IPv6": figures(bench, "net_ns", contender="flat", family=6, **passed),
        "maps": figures(bench, "net_ns", contender="maps", family=4, **passed),
        "flat, flood": figures(bench, "net_ns", contender="flat", **flood),
        "maps, flood": figures(bench, "net_ns", contender="maps", **flood),
    }
    return [("A denied packet, whole (IPv4, 1,024 sources)", whole), ("A decision alone, above an empty program", alone)]


def short(number):
    for limit, suffix in ((1_000_000, "M"), (1000, "k")):
        if number >= limit:
            return f"{number // limit}{suffix}"
    return str(number)


class Panel:
    def __init__(self, left, title, series):
        self.left, self.title = left, title
        self.series = {name: points for name, points in series.items() if points}
        self.prefixes = sorted({each for points in self.series.values() for each in points}) or [1, 10]
        values = [max(value, 1) for points in self.series.values() for value in points.values()] or [1, 10]
        self.low = 10 ** math.floor(math.log10(min(values)))
        self.high = 10 ** math.ceil(math.log10(max(values) + 1))

    def x(self, prefixes):
        first, last = math.log10(self.prefixes[0]), math.log10(self.prefixes[-1])
        share = (math.log10(prefixes) - first) / ((last - first) or 1)
        return self.left + LEFT + share * (RIGHT - LEFT)

    def y(self, nanoseconds):
        low, high = math.log10(self.low), math.log10(self.high)
        return BOTTOM - (math.log10(max(nanoseconds, self.low)) - low) / (high - low) * (BOTTOM - TOP)

    def draw(self):
        yield f'<text class="title" x="{self.left + LEFT}" y="24">{escape(self.title)}</text>'
        yield f'<text class="end" x="{self.left + LEFT}" y="42">ns a packet</text>'
        tick = self.low
        while tick <= self.high:
            for part in (1, 2, 5):
                if tick * part <= self.high:
                    y = self.y(tick * part)
                    yield (f'<path class="grid" d="M{self.left + LEFT} {y:.1f}H{self.left + RIGHT}"/>'
                           f'<text class="end" text-anchor="end" x="{self.left + LEFT - 5}" y="{y + 4:.1f}">'
                           f'{tick * part:,}</text>')
            tick *= 10
        for prefixes in self.prefixes:
            yield (f'<text class="end" text-anchor="middle" x="{self.x(prefixes):.1f}" y="{BOTTOM + 18}">'
                   f'{short(prefixes)}</text>')
        yield f'<text class="end" text-anchor="end" x="{self.left + RIGHT}" y="{BOTTOM + 34}">prefixes of each family</text>'
        yield f'<path class="axis" d="M{self.left + LEFT} {BOTTOM}H{self.left + RIGHT}"/>'
        for name, points in self.series.items():
            yield from self.draw_series(name, points)
        yield from self.draw_legend()

    def draw_series(self, name, points):
        colour, dashes = SERIES[name]
        path = "L".join(f"{self.x(prefixes):.1f} {self.y(points[prefixes]):.1f}" for prefixes in sorted(points))
        yield f'<path fill="none" stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}" d="M{path}"/>'
        for prefixes in sorted(points):
            yield (f'<circle fill="{colour}" r="3" cx="{self.x(prefixes):.1f}" cy="{self.y(points[prefixes]):.1f}">'
                   f'<title>{escape(name)}, {prefixes:,} prefixes: {points[prefixes]} ns</title></circle>')

    def draw_legend(self):
        for index, name in enumerate(self.series):
            colour, dashes = SERIES[name]
            x, y = self.left + LEFT + index % 3 * 128, BOTTOM + 58 + index // 3 * 20
            label = LABELS.get(name, name)
            yield (f'<path stroke="{colour}" stroke-width="2" stroke-dasharray="{dashes}" d="M{x} {y - 4}h22"/>'
                   f'<text class="end" x="{x + 27}" y="{y}">{escape(label)}</text>')


def picture(bench):
    lines = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
             'aria-label="Cost of a packet against the number of prefixes">', STYLE]
    for index, (title, series) in enumerate(panels(bench)):
        lines += Panel(index * PANEL, title, series).draw()
    lines.append(f'<text class="end" x="{LEFT}" y="{HEIGHT - 8}">{escape(bench["date"])}, Linux '
                 f'{escape(bench["kernel"])}, {escape(bench["cpu"])}. Both scales are logarithmic.</text></svg>')
    return "\n".join(lines) + "\n"


def fill(page, name, text):
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if begin not in page or end not in page:
        sys.exit(f"report.py: performance.md has no {begin} ... {end}")
    return re.sub(f"{begin}.*?{end}", lambda _: f"{begin}\n{text.strip()}\n{end}", page, flags=re.S)


def main():
    results, docs = map(pathlib.Path, sys.argv[1:])
    page = docs / "performance.md"
    text = page.read_text(encoding="utf-8")
    for name in ("bench", "wire"):
        text = fill(text, name, (results / f"{name}.md").read_text(encoding="utf-8"))
    page.write_text(text, encoding="utf-8")
    bench = json.loads((results / "bench.json").read_text(encoding="utf-8"))
    (docs / "performance.svg").write_text(picture(bench), encoding="utf-8")


if __name__ == "__main__":
    main()
