# SPDX-License-Identifier: MIT OR Apache-2.0
# The kinds of test job: a host program, a Python script, a booted image. Each returns a list of tap.Result.
import os
import re
import subprocess
import sys

from runner import build, guest, machine, runfile, tap

TAIL_BYTES = 6000
HOST_TIMEOUT_S = 300
SANITIZERS = {"ASAN_OPTIONS": "detect_leaks=1:abort_on_error=0", "UBSAN_OPTIONS": "print_stacktrace=1"}


def tail(data):
    return guest.clean(bytes(data[-TAIL_BYTES:])).decode("utf-8", "replace")


def process_results(name, command, timeout_s, environment=None):
    """Runs a program that prints TAP, or says by its exit code alone how it went."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=timeout_s, preexec_fn=guest.die_with_parent,
                              env={**os.environ, **(environment or {})})
    except subprocess.TimeoutExpired as error:
        return [tap.Result(f"{name} ends within {timeout_s} s", False, detail=tail(error.stdout or b""))]
    except OSError as error:
        return [tap.Result(name, False, detail=str(error))]
    text = done.stdout.decode("utf-8", "replace")
    if not any(tap.RESULT.match(line) or tap.PLAN.match(line) for line in text.split("\n")):
        return [tap.Result(name, done.returncode == 0, detail=tail(done.stdout))]
    results = tap.parse(text)
    if done.returncode and all(r.is_ok for r in results):
        results.append(tap.Result(f"{name} leaves with 0", False, detail=tail(done.stdout)))
    return results


def host_test(path):
    return process_results(os.path.basename(path), [os.path.abspath(path)], HOST_TIMEOUT_S, SANITIZERS)


def script_timeout(path):
    with open(path, encoding="utf-8") as text:
        found = re.search(r"^# timeout_s: (\d+)$", text.read(), re.MULTILINE)
    return int(found.group(1)) if found else HOST_TIMEOUT_S


def script_test(path, arch):
    command = [sys.executable, path] if path.endswith(".py") else ["sh", path]
    return process_results(path, command, script_timeout(path), {"TESSERA_ARCH": arch})


def machine_of(run, arch, kind, smp):
    v = run.values
    append = v["append"] + (" console=plain" if run.steps else "")
    initrd = os.path.join(os.path.dirname(run.path), v["initrd"]) if v["initrd"] else build.image(arch, v["image"])
    return machine.Machine(kernel=build.kernel(arch), initrd=initrd, arch=arch, machine=kind, smp=smp,
                           mem=v["mem"], append=append.strip(), disk=v["disk"], is_counted=run.flag("counted"))


def exit_result(run, g, timeout_s):
    wanted = {"poweroff": machine.EXIT_POWEROFF, "panic": machine.EXIT_PANIC}[run.values["exit"]]
    code = g.wait(timeout_s)
    return tap.Result(f"ends by {run.values['exit']}", code == wanted,
                      detail=f"exit code {code}, expected {wanted}\n{tail(g.transcript)}" if code != wanted else "")


def shell_steps(run, g, timeout_s):
    results = []
    shell = guest.Shell(g, timeout_s)
    for step in run.steps:
        output, status = shell.run(step.command, timeout_s)
        wrong = runfile.differences(step, output, status)
        results.append(tap.Result(f"line {step.line}: {step.command}", not wrong, detail="\n".join(wrong)))
    g.write(b"poweroff\n")
    return results


def booted_test(run, arch, kind, smp):
    timeout_s = float(run.values["timeout_s"])
    results = []
    with guest.Guest(machine_of(run, arch, kind, smp)) as g:
        try:
            if run.values["kind"] == "shell":
                results += shell_steps(run, g, timeout_s)
            end = exit_result(run, g, timeout_s)
        except guest.GuestError as error:
            end = tap.Result("runs to its end", False, detail=f"{error}\n{tail(g.transcript)}")
        text = guest.clean(bytes(g.transcript)).decode("utf-8", "replace")
    if run.values["kind"] == "tap":
        results += tap.parse(text)
    for pattern in run.expects:
        found = re.search(pattern, text, re.MULTILINE)
        results.append(tap.Result(f"says {pattern}", bool(found), detail="" if found else text[-TAIL_BYTES:]))
    return results + [end]
