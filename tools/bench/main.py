# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera bench: runs every tests/bench/*.run of kind bench, prints "bench: NAME VALUE UNIT" and compares counted
# values with tests/bench/baseline-ARCH.txt. Units that do not depend on the host (GATED) fail when they are more
# than 2 % worse; host time is printed and never judged. kernel_lines and boot_wall_ms are measured from here.
import os
import re
import sys

from bench import baseline
from check import kernel_lines
from runner import build, guest, jobs, machine, options, runfile, tests

LINE = re.compile(r"^bench: (\S+) (-?[0-9.]+) (\S+)", re.MULTILINE)
BOOT_RUNS = 5
BOOT_TIMEOUT_S = 60
MS_PER_S = 1000


class BenchError(Exception):
    pass


def type_steps(run, g, timeout_s):
    shell = guest.Shell(g, timeout_s)
    for step in run.steps:
        output, status = shell.run(step.command, timeout_s)
        if status != step.status:
            raise BenchError(f"{run.path}:{step.line}: status {status}\n{jobs.tail(output)}")
    g.write(b"poweroff\n")


def measure_once(run, arch, kind, smp):
    timeout_s = float(run.values["timeout_s"])
    with guest.Guest(jobs.machine_of(run, arch, kind, smp)) as g:
        try:
            if run.steps:
                type_steps(run, g, timeout_s)
            code = g.wait(timeout_s)
        except guest.GuestError as error:
            raise BenchError(f"{run.path}: {error}\n{jobs.tail(g.transcript)}") from error
        text = guest.clean(bytes(g.transcript)).replace(guest.PROMPT, b"").decode("utf-8", "replace")
    if code != machine.EXIT_POWEROFF:
        raise BenchError(f"{run.path}: exit code {code}\n{jobs.tail(g.transcript)}")
    return {name: (float(value), unit) for name, value, unit in LINE.findall(text)}


def measure(run, arch):
    """The best of the repetitions, for each name."""
    best = {}
    for kind, smp in run.variants():
        for _ in range(int(run.values["repeat"])):
            for name, (value, unit) in measure_once(run, arch, kind, smp).items():
                if name not in best or baseline.is_better(value, best[name][0], unit):
                    best[name] = (value, unit)
    if not best:
        raise BenchError(f"{run.path}: printed no bench: line")
    return best


def boot_wall(arch):
    """QEMU's start to the shell's prompt on q35, best of several."""
    m = machine.Machine(kernel=build.kernel(arch), initrd=build.image(arch, "default"), arch=arch,
                        append="console=plain")
    times = []
    for _ in range(BOOT_RUNS):
        with guest.Guest(m) as g:
            times.append(guest.Shell(g, BOOT_TIMEOUT_S).boot_seconds)
    return {"boot_wall_ms": (round(min(times) * MS_PER_S), "ms")}


def bench_runs(arch):
    paths = tests.files_below(("tests",), lambda name: name.endswith(".run"))
    found = [runfile.read(path) for path in paths]
    return [r for r in found if r.values["kind"] == "bench" and arch in (r.values["arch"].split() or [arch])]


def all_measurements(arch):
    found = bench_runs(arch)
    if not found:
        raise BenchError("there is no tests/**/*.run of kind bench yet")
    images = sorted({r.values["image"] for r in found} | {"default"})
    build.make("kernel", *(build.image(arch, name) for name in images), arch=arch)
    for run in found:
        yield from measure(run, arch).items()
    yield "kernel_lines", (kernel_lines.total(arch), "lines")
    yield from boot_wall(arch).items()


def show(value):
    return str(int(value)) if float(value).is_integer() else f"{value:g}"


def report_tap(verdicts):
    for number, (name, is_ok, text) in enumerate(verdicts, 1):
        print(f"{'ok' if is_ok else 'not ok'} {number} - bench {name}: {text}")
    print(f"1..{len(verdicts)}")


def main():
    p = options.parser("bench", "Measures and compares with the baseline.")
    p.add_argument("--only", default="", metavar="TEXT", help="only names that contain TEXT")
    p.add_argument("--update", action="store_true", help="write the measured values as the new baseline")
    p.add_argument("--tap", action="store_true", help="print the verdicts as TAP")
    args = p.parse_args()
    path = f"tests/bench/baseline-{args.arch}.txt"
    measured = {}
    try:
        for name, (value, unit) in all_measurements(args.arch):
            if args.only in name:
                measured[name] = (value, unit)
                if not args.tap:
                    print(f"bench: {name} {show(value)} {unit}", flush=True)
    except (BenchError, build.BuildError, runfile.RunFileError, guest.GuestError) as error:
        print(f"tessera: bench: {error}", file=sys.stderr)
        return 1
    if args.update:
        baseline.write(path, measured)
        return 0
    known = baseline.read(path) if os.path.isfile(path) else {}
    verdicts = baseline.compare(measured, {k: v for k, v in known.items() if args.only in k})
    if args.tap:
        report_tap(verdicts)
    for name, is_ok, text in verdicts:
        if not is_ok and not args.tap:
            print(f"tessera: bench: regression: {name}: {text}", file=sys.stderr)
    return 0 if all(is_ok for _, is_ok, _ in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
