#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
# timeout_s: 600
"""Runs the command lines of oracle.txt on this machine's Linux and, through the shell of the booted system, in
guests; compares standard output, standard error, exit status and the files named by `check`, byte for byte.

usage: test_system_oracle.py [--only SUBSTRING]
Needs root (chroot, mount). Prints TAP. Files go in and out over the serial line as the shell's files."""
import argparse
import base64
import gzip
import os
import re
import shutil
import subprocess
import sys
import tempfile

import oracle
import run_oracle

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools"))
from runner import build, guest, machine  # noqa: E402

IMAGE = "test-linux"
STATUS = re.compile(rb"\x1e(-?\d+)\n")
ECHO = re.compile(rb"[ -~\t]*\n?")  # a line that `echo` can write
ECHO_LINES = 6
LINE_MAX = 1800      # of the shell's 2048
CHUNK = 1600         # base64 characters in one command
CASE_TIME_S = 30
# Where the emulated machine differs from a real one: a stack access at a non-canonical address is a general protection
# fault (SIGSEGV) in QEMU's TCG, a stack fault (SIGBUS) on the CPU (Intel SDM vol. 3, 6.15, interrupt 12).
EMULATOR_STATUS = {"hostile-stack-not-canonical": 139}
BOOTS_MAX = 4        # how often a hung machine is started again


def quoted(text):
    return "'" + text.replace("'", "'\\''") + "'"


class System:
    """A booted machine with its shell."""

    def __init__(self, arch):
        m = machine.Machine(kernel=build.kernel(arch), initrd=build.image(arch, IMAGE), append="console=plain")
        self.guest = guest.Guest(m)
        self.shell = guest.Shell(self.guest)
        self.send("export USER=root; echo -n > empty")

    def send(self, line, timeout_s=CASE_TIME_S):
        """(exact output, status) of one line."""
        if len(line) > LINE_MAX + 100:
            raise ValueError(f"the line is too long for the shell: {len(line)} characters")
        self.shell.start(line)
        match = self.guest.read_until(STATUS, timeout_s)
        output = match.string[:match.start()]
        return output.removeprefix(guest.PROMPT), int(match.group(1))

    def put(self, name, data):
        """A file of the shell with these bytes."""
        lines = data.splitlines(keepends=True)
        if len(lines) <= ECHO_LINES and len(data) < LINE_MAX // 2 and all(ECHO.fullmatch(line) for line in lines):
            commands = [f"echo -n > {name}"]
            for line in lines:
                text = line.decode().removesuffix("\n")
                option = "" if line.endswith(b"\n") else "-n "
                commands.append(f"echo {option}{quoted(text)} >> {name}")
            self.send("; ".join(commands))
            return
        packed = base64.b64encode(gzip.compress(data, mtime=0)).decode()
        for at in range(0, len(packed), CHUNK):
            self.send(f"echo {packed[at:at + CHUNK]} {'>>' if at else '>'} packed")
        _, status = self.send(f"linux busybox base64 -d < packed | linux busybox gunzip > {name}")
        if status != 0:
            raise ValueError(f"{name} could not be handed in")

    def get(self, name):
        output, status = self.send(f"cat {name}")
        return output if status == 0 else None

    def run(self, case):
        words, files = ["linux", "--time", str(run_oracle.FILE_TIME)], []
        for directory in case.directories:
            words += ["--directory", f"/tmp/{directory}"]
        for index, (path, mode, data) in enumerate(case.files):
            self.put(f"f{index}", data)
            files.append(f"f{index}")
            words += ["--file", f"f{index}=/tmp/{path}:{mode:o}"]
        for path, target in case.links:
            words += ["--link", f"/tmp/{path}={target}"]
        for index, path in enumerate(case.checks):
            files.append(f"o{index}")
            words += ["--output", f"/tmp/{path}=o{index}"]
        if case.stdin:
            self.put("in", case.stdin)
            files.append("in")
        words += [f"/bin/{case.program}", *case.arguments]
        command = " ".join(map(quoted, words)) + f" < {'in' if case.stdin else 'empty'} > out 2> err"
        _, status = self.send(command)
        result = self.result(case, status)
        self.send("rm out err packed " + " ".join(files))
        return result

    def result(self, case, status):
        errors, outputs = self.get("err"), {}
        for index, path in enumerate(case.checks):
            missing = f"linux: /tmp/{path}: is no file: nothing is written out\n".encode()
            outputs[path] = None if missing in errors else self.get(f"o{index}")
            errors = errors.replace(missing, b"")
        return {"status": status, "stdout": self.get("out"), "stderr": errors, "files": outputs, "log": ""}

    def close(self):
        """What the log says that it should not."""
        log, _ = self.send("log")
        bad = [line for line in log.decode(errors="replace").splitlines() if "still given out" in line]
        self.shell.poweroff()
        self.guest.kill()
        return bad


class Runner:
    def __init__(self, arch):
        self.arch, self.system, self.boots = arch, None, 0

    def run(self, case):
        if self.system is None:
            self.boots += 1
            self.system = System(self.arch)
        try:
            return self.system.run(case)
        except guest.GuestError as error:
            print(f"# {case.name}: {error}; the machine is started again")
            self.system.guest.kill()
            self.system = None
            return {"status": f"lost: {error}", "stdout": b"", "stderr": b"", "files": {}, "log": ""}


def run_all(options, scratch):
    cases = [case for case in oracle.read_cases(run_oracle_list()) if options.only in case.name]
    guests = sorted({f"{options.guests}/{case.program}" for case in cases if case.program != "busybox"})
    os.mkdir(f"{scratch}/root")
    root = run_oracle.Root(f"{scratch}/root", f"{options.guests}/busybox", guests)
    runner, passed = Runner(options.arch), 0
    print(f"1..{len(cases) + 1}")
    for number, case in enumerate(cases, 1):
        if runner.boots > BOOTS_MAX:
            print(f"Bail out! the machine was lost {BOOTS_MAX} times")
            return 1
        linux = run_oracle.run_linux(root, case)
        linux["status"] = EMULATOR_STATUS.get(case.name, linux["status"])
        passed += run_oracle.report(number, case, linux, runner.run(case), False)
        sys.stdout.flush()
    bad = runner.system.close() if runner.system else ["the last machine was lost"]
    print(f"{'not ' if bad else ''}ok {len(cases) + 1} - every container gave its memory back")
    print("".join(f"# {line}\n" for line in bad) + f"# {passed} of {len(cases)} agree, {runner.boots} boots")
    return 0 if passed == len(cases) and not bad else 1


def run_oracle_list():
    return os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle.txt")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    options.arch = os.environ.get("TESSERA_ARCH", "x86_64")
    if os.geteuid() != 0:
        print("1..1\nok 1 - Linux programs as on Linux # SKIP needs root for chroot and mount")
        return 0
    if "TESSERA_ORACLE_UNSHARED" not in os.environ:
        build.build_system(options.arch, IMAGE)
        os.environ["TESSERA_ORACLE_UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
    options.guests = os.path.join(os.path.dirname(build.image(options.arch, IMAGE)), "components")
    scratch = tempfile.mkdtemp(prefix="oracle.")
    try:
        return run_all(options, scratch)
    finally:
        subprocess.run(["umount", "-R", f"{scratch}/root"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
