# Draws what the soak has sampled, with gnuplot, as SVG for docs/RELIABILITY.md.
# SPDX-License-Identifier: GPL-2.0-or-later
import subprocess

import figures

PLOTS = (("memory", "memory of the HTTPD process, KiB", [("memory", 1 / 1024, "")]),
         ("descriptors", "descriptors of the HTTPD process", [("descriptors", 1, "")]),
         ("latency", "time of a request of the normal client, ms", [("p50", 1000, "p50"), ("p99", 1000, "p99")]))


def draw(samples):
    """Writes the plots, and returns the lines that show them."""
    figures.PLOTS.mkdir(exist_ok=True)
    lines = []
    for name, title, curves in PLOTS:
        file = figures.PLOTS / f"soak-{name}.svg"
        data = "\n".join(" ".join([f"{one['seconds'] / 60:.2f}",
                                   *(f"{one[key] * factor:.3f}" for key, factor, _ in curves)]) for one in samples)
        drawn = ", ".join(f"$data using 1:{column} with lines {'title ' + repr(label) if label else 'notitle'}"
                          for column, (_, _, label) in enumerate(curves, 2))
        script = (f"set terminal svg size 800,300 background 'white'\nset output '{file}'\nset xlabel 'minutes'\n"
                  f"set ylabel '{title}'\nset yrange [0:*]\nset grid\n$data << EOD\n{data}\nEOD\nplot {drawn}\n")
        subprocess.run(["gnuplot"], input=script, text=True, check=True)
        lines.append(f"![{title}]({file.relative_to(figures.DOCUMENT.parent)})")
    return "\n".join(lines)
