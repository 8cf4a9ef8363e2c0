#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the command lines of oracle.txt on this machine's Linux and under the Linux personality, and
compares standard output, standard error, exit status and the files named by `check`, byte for byte.

usage: run_oracle.py LINUX_HOST [--busybox FILE] [--guests FOLDER] [--only SUBSTRING] [--verbose]
Needs root (chroot, mount). Prints TAP.
"""
import argparse
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

import oracle

FILE_TIME = 1704164645  # 2024-01-02 03:04:05 UTC
TIME_LIMIT_S = 20
SHOWN = 300  # characters of a difference
ENVIRONMENT = {"PATH": "/bin", "HOME": "/", "USER": "root"}
PASSWD = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1:daemon:/:/bin/false\nuser:x:1000:1000::/tmp:/bin/sh\n"
GROUP = "root:x:0:\ndaemon:x:1:\nuser:x:1000:\n"
DEVICES = (("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0))
LINKS = (("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"),
         ("stderr", "/proc/self/fd/2"))
BASE_FILES = (("/etc/passwd", PASSWD), ("/etc/group", GROUP))


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


class Root:
    """A root directory like the container's: tmpfs, the same devices and files."""

    def __init__(self, path, busybox, guests):
        self.path = path
        mount("-t", "tmpfs", "none", path)
        for name in ("bin", "dev", "etc", "proc", "tmp"):
            os.mkdir(f"{path}/{name}")
        mount("-t", "proc", "none", f"{path}/proc")
        shutil.copy(busybox, f"{path}/bin/busybox")
        os.chmod(f"{path}/bin/busybox", 0o755)
        for guest in guests:
            shutil.copy(guest, f"{path}/bin/")
            os.chmod(f"{path}/bin/{os.path.basename(guest)}", 0o755)
        for name, major, minor in DEVICES:
            os.mknod(f"{path}/dev/{name}", 0o666 | stat.S_IFCHR, os.makedev(major, minor))
            os.chmod(f"{path}/dev/{name}", 0o666)
        for name, target in LINKS:
            os.symlink(target, f"{path}/dev/{name}")
        for name, text in BASE_FILES:
            with open(path + name, "w", encoding="ascii") as file:
                file.write(text)
            os.utime(path + name, (FILE_TIME, FILE_TIME))

    def fill(self, case):
        subprocess.run(["umount", f"{self.path}/tmp"], check=False, stderr=subprocess.DEVNULL)
        mount("-t", "tmpfs", "-o", "mode=0755", "none", f"{self.path}/tmp")
        for directory in case.directories:
            os.makedirs(f"{self.path}/tmp/{directory}", exist_ok=True)
        for path, mode, data in case.files:
            full = f"{self.path}/tmp/{path}"
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, "wb") as file:
                file.write(data)
            os.chmod(full, mode)
            os.utime(full, (FILE_TIME, FILE_TIME))
        for path, target in case.links:
            os.symlink(target, f"{self.path}/tmp/{path}")

    def enter(self):
        os.setsid()
        os.umask(0o022)
        os.chroot(self.path)
        os.chdir("/tmp")
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)

    def files(self, case):
        result = {}
        for name in case.checks:
            full = f"{self.path}/tmp/{name}"
            result[name] = read_optional(full)
        return result


def read_optional(path):
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None


def run(command, stdin, **options):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                               **options)
    try:
        out, err = process.communicate(stdin, timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        return {"status": "timeout", "stdout": out, "stderr": err}
    status = process.returncode if process.returncode >= 0 else 128 - process.returncode
    return {"status": status, "stdout": out, "stderr": err}


def run_linux(root, case):
    root.fill(case)
    result = run([f"/bin/{case.program}", *case.arguments], case.stdin, preexec_fn=root.enter, env=ENVIRONMENT)
    result["files"] = root.files(case)
    return result


def run_personality(options, case, scratch):
    command = [options.program, "--log", f"{scratch}/log", "--time", str(FILE_TIME), "--cwd", "/tmp",
               "--file", f"/bin/busybox={options.busybox}", "--directory", "/tmp"]
    for name, text in BASE_FILES:
        host = f"{scratch}/{os.path.basename(name)}"
        with open(host, "w", encoding="ascii") as file:
            file.write(text)
        command += ["--file", f"{name}={host}"]
    if case.program != "busybox":
        command += ["--file", f"/bin/{case.program}={options.guests}/{case.program}"]
    for directory in case.directories:
        command += ["--directory", f"/tmp/{directory}"]
    for index, (path, mode, data) in enumerate(case.files):
        host = f"{scratch}/in{index}"
        with open(host, "wb") as file:
            file.write(data)
        os.chmod(host, mode)
        command += ["--file", f"/tmp/{path}={host}"]
    for path, target in case.links:
        command += ["--link", f"/tmp/{path}={target}"]
    for index, name in enumerate(case.checks):
        command += ["--export", f"/tmp/{name}={scratch}/out{index}"]
    for name, value in ENVIRONMENT.items():
        command += ["--env", f"{name}={value}"]
    result = run([*command, f"/bin/{case.program}", *case.arguments], case.stdin)
    result["files"] = {name: read_optional(f"{scratch}/out{index}") for index, name in enumerate(case.checks)}
    result["log"] = (read_optional(f"{scratch}/log") or b"").decode(errors="replace")
    return result


def differences(linux, personality):
    keys = [key for key in ("status", "stdout", "stderr", "files") if linux[key] != personality[key]]
    return keys + (["log"] if "still given out" in personality["log"] else [])


def around_difference(value, other):
    """What to show of a long value: the part where it begins to differ."""
    if not isinstance(value, bytes) or not isinstance(other, bytes):
        return repr(value)[:SHOWN]
    start = 0
    while start < min(len(value), len(other)) and value[start] == other[start]:
        start += 1
    return f"at {start}: " + repr(value[max(0, start - SHOWN // 4):start + SHOWN])


def report(number, case, linux, personality, verbose):
    wrong = differences(linux, personality)
    print(f"{'not ' if wrong else ''}ok {number} - {case.name}")
    for key in wrong:
        print(f"#   {key}: Linux {around_difference(linux.get(key), personality[key])}")
        print(f"#   {key}: here  {around_difference(personality[key], linux.get(key))}")
    if personality["log"] and (wrong or verbose):
        print("".join(f"#   log: {line}\n" for line in personality["log"].splitlines()), end="")
    return not wrong


def run_all(options, scratch):
    cases = [case for case in oracle.read_cases(options.list) if options.only in case.name and
             (options.guests or case.program == "busybox")]
    guests = {f"{options.guests}/{case.program}" for case in cases if case.program != "busybox"}
    os.mkdir(f"{scratch}/root")
    root = Root(f"{scratch}/root", options.busybox, sorted(guests))
    print(f"1..{len(cases)}")
    passed = 0
    for number, case in enumerate(cases, 1):
        place = tempfile.mkdtemp(dir=scratch)
        linux = run_linux(root, case)
        personality = run_personality(options, case, place)
        passed += report(number, case, linux, personality, options.verbose)
        shutil.rmtree(place)
        sys.stdout.flush()
    print(f"# {passed} of {len(cases)} agree")
    return 0 if passed == len(cases) else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--busybox", default="/bin/busybox")
    parser.add_argument("--guests", help="folder with the guest programs of the tests; without it their cases are left out")
    parser.add_argument("--list", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle.txt"))
    parser.add_argument("--only", default="")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    options.program = os.path.abspath(options.program)
    options.guests = options.guests and os.path.abspath(options.guests)
    if "TESSERA_ORACLE_UNSHARED" not in os.environ:
        os.environ["TESSERA_ORACLE_UNSHARED"] = "1"
        os.execvp("unshare", ["unshare", "--mount", sys.executable, *sys.argv])
    scratch = tempfile.mkdtemp(prefix="oracle.")
    try:
        return run_all(options, scratch)
    finally:
        subprocess.run(["umount", "-R", f"{scratch}/root"], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
