"""Times the C kernels on all engines, interleaved, and writes the tables of reports/benchmarks/interpreter.md.

A run of all kernels and engines with at least five rounds is written to reports/benchmarks/, any other only printed.
"""

import argparse
import json
import math
import pathlib
import re
import statistics
import subprocess
import sys

import engines
import machine

FOLDER = pathlib.Path(__file__).parent
ROOT = FOLDER.parent.parent
MODULES = ROOT / ".build" / "kernels"


class Kernel:
    """A C file of one kernel, with its settings from the comment lines at its top."""

    def __init__(self, path):
        self.name = path.stem
        self.path = path
        settings = dict(re.findall(r"^// (count|flags): (.*)$", path.read_text(), re.MULTILINE))
        self.count = int(settings.get("count", 0))
        self.is_simd = "-msimd128" in settings.get("flags", "")
        self.module = str(MODULES / f"{self.name}.wasm")


def parse_options():
    parser = argparse.ArgumentParser(prog="scripts/bench kernels", description=__doc__)
    parser.add_argument("--program", default="stablefuzz", help="the stablefuzz to time")
    parser.add_argument("--engines", default=",".join(engines.NAMES), help="default: %(default)s")
    parser.add_argument("--newer-wasmkit", metavar="PATH", help="another wasmkit, besides the one on the PATH")
    parser.add_argument("--kernels", default="", help="default: all")
    parser.add_argument("--rounds", type=int, default=5, help="default: %(default)s")
    options = parser.parse_args()
    options.engines = options.engines.split(",")
    for name in options.engines:
        if name not in engines.NAMES:
            parser.error(f"unknown engine '{name}': {', '.join(engines.NAMES)}")
    if options.newer_wasmkit:
        options.engines.insert(2, engines.NEWER_WASMKIT)
    if options.rounds < 1:
        parser.error("--rounds has to be at least 1")
    return parser, options


def compile_kernels(parser, options):
    """The kernels to run, and the module that does nothing."""
    subprocess.run([FOLDER / "compile", MODULES], check=True)
    kernels = {path.stem: Kernel(path) for path in sorted((FOLDER / "kernels").glob("*.c"))}
    empty = kernels.pop("empty")
    chosen = options.kernels.split(",") if options.kernels else list(kernels)
    for name in chosen:
        if name not in kernels:
            parser.error(f"unknown kernel '{name}': {', '.join(kernels)}")
    return [kernels[name] for name in chosen], empty


def measure(kernel, available, rounds):
    """Seconds of each round by engine. All engines have to agree on the checksum."""
    functions, times, results = {}, {}, {}
    for name, engine in available.items():
        try:
            functions[name] = engine.load(kernel.module)
        except engines.Unavailable as error:
            print(f"  {name} cannot run {kernel.name}: {error}", file=sys.stderr)
    for number in range(rounds):
        names = list(functions)
        for name in names[number % len(names):] + names[:number % len(names)]:
            result, seconds = functions[name](kernel.count)
            times.setdefault(name, []).append(seconds)
            results.setdefault(result, set()).add(name)
    if len(results) > 1:
        sys.exit(f"bench: engines disagree on {kernel.name}: {results}")
    return times


def geometric_mean(values):
    return math.exp(statistics.fmean(map(math.log, values)))


class Report:
    """Tables over the measured times, by kernel and engine."""

    def __init__(self, kernels, available, times, rounds, is_complete):
        self.kernels = kernels
        self.is_complete = is_complete
        self.available = available
        self.times = times
        self.rounds = rounds
        self.names = list(available)

    def median(self, kernel, name):
        times = self.times[kernel.name].get(name)
        return statistics.median(times) if times else None

    def ratio(self, kernel, name):
        """How many times longer the engine takes than stablefuzz; None where one of them cannot run the kernel."""
        own, other = self.median(kernel, "stablefuzz"), self.median(kernel, name)
        return other / own if own and other else None

    def ratios(self, name, are_simd=False):
        ratios = [self.ratio(kernel, name) for kernel in self.kernels if kernel.is_simd == are_simd]
        return [ratio for ratio in ratios if ratio]

    def time_text(self, kernel, name):
        times = self.times[kernel.name].get(name)
        if not times:
            return "–"
        median, least, most = (1000 * value for value in (statistics.median(times), min(times), max(times)))
        return f"{median:.1f} ({least:.1f}–{most:.1f})"

    def markdown(self):
        lines = ["Milliseconds: median (least–most).", ""]
        lines += table(
            ["kernel", *self.names],
            [[kernel.name, *(self.time_text(kernel, name) for name in self.names)] for kernel in self.kernels])
        others = [name for name in self.names if name != "stablefuzz"]
        if "stablefuzz" in self.names and others:
            lines += ["", "Times of the others over stablefuzz's: above 1, stablefuzz is faster.", ""]
            rows = [[kernel.name, *(decimal(self.ratio(kernel, name)) for name in others)] for kernel in self.kernels]
            means = [self.ratios(name) for name in others]
            rows.append(
                ["**geometric mean without SIMD**"]
                + [f"**{geometric_mean(ratios):.2f}**" if ratios else "–" for ratios in means])
            lines += table(["kernel", *others], rows)
            if self.is_complete:
                lines += ["", *self.targets()]
        return "\n".join(lines)

    def targets(self):
        """The targets of the interpreter; a kernel that stablefuzz cannot run misses its target."""
        rows = []

        def add(text, values, summary, target):
            value = summary(values) if values else None
            reached = "yes" if value and value >= target else "**no**"
            rows.append([text, f"≥ {target}", decimal(value), reached])

        def add_simd(name, target):
            if any(name in self.times[kernel.name] for kernel in self.kernels if kernel.is_simd):
                add(f"SIMD against {name}", self.ratios(name, are_simd=True), geometric_mean, target)
                return True

        if "wasmkit" in self.names:
            add("geometric mean against wasmkit", self.ratios("wasmkit"), geometric_mean, 1.5)
            add("slowest kernel against wasmkit", self.ratios("wasmkit"), min, 1)
        if "wasm3" in self.names:
            add("geometric mean against wasm3", self.ratios("wasm3"), geometric_mean, 1)
        # A WasmKit without SIMD is replaced by Pulley, of which WasmKits with SIMD need ten times the time or more.
        add_simd("wasmkit", 5) or add_simd(engines.NEWER_WASMKIT, 5) or add_simd("pulley", 0.5)
        return table(["target", "ratio", "measured", "reached"], rows)

    def record(self):
        return {
            "machine": machine.description(),
            "rounds": self.rounds,
            "engines": {name: engine.version for name, engine in self.available.items()},
            "kernels": {kernel.name: kernel.count for kernel in self.kernels},
            "seconds": self.times,
        }


def decimal(value):
    return f"{value:.2f}" if value else "–"


def table(header, rows):
    return ["| " + " | ".join(cells) + " |" for cells in [header, ["---"] * len(header), *rows]]


def main():
    parser, options = parse_options()
    kernels, empty = compile_kernels(parser, options)
    available = {}
    for name in options.engines:
        try:
            available[name] = engines.make(name, options, empty.module)
        except engines.Unavailable as error:
            print(f"bench: skipping {name}: {error}", file=sys.stderr)
    times = {}
    for kernel in kernels:
        print(f"{kernel.name} …", file=sys.stderr)
        times[kernel.name] = measure(kernel, available, options.rounds)
    report = Report(kernels, available, times, options.rounds, is_complete=not options.kernels)
    text = report.markdown()
    print(text)
    if options.kernels or not available.keys() >= set(engines.NAMES) or options.rounds < 5:
        return
    folder = ROOT / "reports" / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    newer = " --newer-wasmkit PATH" if options.newer_wasmkit else ""
    versions = ", ".join(f"{name} {engine.version}".strip() for name, engine in available.items())
    heading = [
        "# The interpreter on C kernels",
        "",
        f"`scripts/bench kernels --rounds {options.rounds}{newer}` on {machine.description()}: {options.rounds} rounds, in each"
        " of which every engine runs the kernel once; all have to return the same checksum. The kernels and what they do:"
        " `scripts/benchmarks/kernels`. The same module for all, from the Swift toolchain's clang with `-O2`.",
        "",
        f"Engines: {versions} (pulley, winch and cranelift are Wasmtime's). Times are"
        " processor times: of stablefuzz, wasm3 and Wasmtime of the call alone, of wasmkit of the process, less that of a"
        " process that calls an empty function.",
        "",
    ]
    (folder / "interpreter.md").write_text("\n".join(heading) + "\n" + text + "\n")
    (folder / "interpreter.json").write_text(json.dumps(report.record(), indent=1) + "\n")


if __name__ == "__main__":
    main()
