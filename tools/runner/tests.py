# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera test: finds and runs every test of an architecture, two at a time, and counts.
# What is found: host tests (module kind hosttest), tests/**/*.run, test_*.py and test_*.sh under tests/ and tools/,
# and the benchmarks' gate. Nothing run, a hang, a panic and a leak are failures.
import concurrent.futures
import dataclasses
import os
import sys
import time
import typing

from runner import build, jobs, options, runfile, tap

MAX_DETAIL_LINES = 60


@dataclasses.dataclass
class Job:
    name: str
    run: typing.Callable
    is_long: bool = False


def files_below(tops, matches):
    for top in tops:
        for folder, folders, names in os.walk(top):
            folders.sort()
            yield from (os.path.join(folder, n) for n in sorted(names) if matches(n))


def host_jobs(arch):
    return [Job(f"host {os.path.basename(path)}", lambda p=path: jobs.host_test(p))
            for path in build.listing("list-hosttests", arch)]


def is_script(name):
    return name.startswith("test_") and name.endswith((".py", ".sh"))


def script_jobs(arch):
    found = []
    for path in files_below(("tests", "tools", "third_party"), is_script):
        with open(path, encoding="utf-8") as text:
            is_long = "\n# long: yes\n" in text.read()
        found.append(Job(path, lambda p=path: jobs.script_test(p, arch), is_long))
    return found


def booted_jobs(arch):
    found, images = [], set()
    for path in files_below(("tests",), lambda n: n.endswith(".run")):
        run = runfile.read(path)
        if run.values["kind"] == "bench" or arch not in (run.values["arch"].split() or [arch]):
            continue
        images.add(run.values["image"])
        for kind, smp in run.variants():
            found.append(Job(f"{path} {kind} smp={smp}", lambda r=run, k=kind, s=smp:
                             jobs.booted_test(r, arch, k, s), run.flag("long")))
    return found, sorted(images)


def bench_job(arch):
    def gate():
        return jobs.process_results("bench", [sys.executable, "-m", "bench.main", "--arch", arch, "--tap"],
                                    jobs.HOST_TIMEOUT_S * 2)
    return [Job("bench gate", gate)] if os.path.isfile(f"tests/bench/baseline-{arch}.txt") else []


def build_all(arch, images):
    """A part that does not build is a failed test, the others still run."""
    results = []
    goals = {"host tests": ["hosttests"], "host tools": ["tools"]}
    if images:
        goals["kernel"] = ["kernel"]
        goals.update({f"image {name}": [build.image(arch, name)] for name in images})
    for name, goal in goals.items():
        try:
            build.make(*goal, arch=arch, keep_going=True)
        except build.BuildError as error:
            results.append(tap.Result(f"{name} builds", False, detail=str(error)))
    return results


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def add(self, job_name, results, seconds):
        bad = [r for r in results if not r.is_ok and not r.is_skipped]
        skipped = sum(r.is_skipped for r in results)
        good = len(results) - len(bad) - skipped
        if not results:
            bad = [tap.Result("runs at least one test", False)]
        self.passed += good
        self.failed += len(bad)
        self.skipped += skipped
        word = "FAIL" if bad else "pass"
        print(f"{word} {job_name}: {good} passed, {len(bad)} failed, {skipped} skipped ({seconds:.1f} s)")
        for r in bad:
            print(f"  not ok - {r.name}")
            for line in r.detail.split("\n")[-MAX_DETAIL_LINES:] if r.detail else []:
                print(f"    | {line}")
        sys.stdout.flush()

    def close(self):
        if self.passed + self.failed == 0:
            print("FAIL: no test was run")
            self.failed = 1
        print(f"{self.passed} passed, {self.failed} failed" + (f", {self.skipped} skipped" if self.skipped else ""))
        return 1 if self.failed else 0


def run_job(job):
    began = time.monotonic()
    try:
        results = job.run()
    except Exception as error:  # A broken test is a failed test; the others go on.
        results = [tap.Result("can be run", False, detail=repr(error))]
    return job, results, time.monotonic() - began


def run_jobs(found, tally, workers):
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run_job, job) for job in found]):
            job, results, seconds = done.result()
            tally.add(job.name, results, seconds)


def main():
    p = options.parser("test", "Runs all tests.")
    p.add_argument("--only", default="", metavar="TEXT", help="only tests whose name contains TEXT")
    p.add_argument("--long", action="store_true", help="also those marked long (hours)")
    p.add_argument("--jobs", type=int, default=build.JOBS)
    p.add_argument("--list", action="store_true", help="print the names only")
    args = p.parse_args()
    tally = Tally()
    booted, images = [], []
    try:
        booted, images = booted_jobs(args.arch)
        found = host_jobs(args.arch) + booted + script_jobs(args.arch) + bench_job(args.arch)
    except (build.BuildError, runfile.RunFileError) as error:
        tally.add("finding tests", [tap.Result("can be listed", False, detail=str(error))], 0)
        return tally.close()
    found = [j for j in found if args.only in j.name and (args.long or not j.is_long)]
    if args.list:
        print("\n".join(j.name for j in found))
        return 0
    if not any(job in found for job in booted):
        images = []
    wrong = build_all(args.arch, images)
    if wrong:
        tally.add("build", wrong, 0)
    run_jobs(found, tally, args.jobs)
    return tally.close()


if __name__ == "__main__":
    sys.exit(main())
