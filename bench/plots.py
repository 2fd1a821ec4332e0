# Draws plots as SVG, with gnuplot.
# SPDX-License-Identifier: GPL-2.0-or-later
import subprocess


def _script(plot, file):
    lines = ["set terminal svg size 800,400 background 'white'", f"set output '{file}'", f"set title '{plot.title}'",
             f"set xlabel '{plot.x}'", f"set ylabel '{plot.y}'", "set grid", "set key outside right top",
             "set decimalsign '.'", "set format y '%.10g'"]
    lines.append("set logscale x" if plot.log_x else "set xrange [0:*]")
    lines.append("set logscale y" if plot.log_y else "set yrange [0:*]")
    for number, points in enumerate(plot.series.values()):
        lines += [f"$data{number} << EOD", *(f"{x} {y}" for x, y in points), "EOD"]
    drawn = (f"$data{number} using 1:2 with linespoints linewidth 2 pointtype 7 pointsize 0.5 title '{name}'"
             for number, name in enumerate(plot.series))
    return "\n".join([*lines, "plot " + ", ".join(drawn), ""])


def draw(plot, folder):
    """Writes the plot, and returns its file."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"bench-{plot.name}.svg"
    subprocess.run(["gnuplot"], input=_script(plot, file), text=True, check=True)
    return file
