# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the parts of the runner that need no machine: TAP, run files, command lines, and the shell's plain protocol
# against a Python program that speaks it.
import os
import sys
import tempfile

from runner import guest, jobs, machine, runfile, selftest, tap

FAKE_SHELL = r"""
import sys, os
sys.stdout.write("boot log\ntessera> "); sys.stdout.flush()
for line in sys.stdin:
    word = line.split()[0]
    if word == "poweroff": os._exit(33)
    if word == "panic": os._exit(65)
    if word == "hang": continue
    sys.stdout.write(line[5:] if word == "echo" else line[5:].rstrip("\n"))
    sys.stdout.write("\x1e%d\ntessera> " % (3 if word == "fail" else 0)); sys.stdout.flush()
"""


def fake_guest(code=FAKE_SHELL):
    kept = machine.command_line
    machine.command_line = lambda m, serial: [sys.executable, "-c", code]
    try:
        return guest.Guest(None)
    finally:
        machine.command_line = kept


def raises(error, function, *arguments):
    try:
        function(*arguments)
    except error as found:
        return str(found)
    raise AssertionError(f"no {error.__name__}")


def test_shell_output_and_status():
    with fake_guest() as g:
        shell = guest.Shell(g, 10)
        assert shell.boot_log == b"boot log", shell.boot_log
        assert shell.run("echo a b", 10) == (b"a b\n", 0)
        assert shell.run("fail x", 10) == (b"x", 3)
        assert shell.run("echo tessera", 10) == (b"tessera\n", 0)
        shell.poweroff(10)


def test_shell_hang_is_reported():
    with fake_guest() as g:
        shell = guest.Shell(g, 10)
        assert "timed out" in raises(guest.GuestHang, shell.run, "hang", 0.3)


def test_shell_panic_is_reported():
    with fake_guest() as g:
        shell = guest.Shell(g, 10)
        assert "panicked" in raises(guest.GuestGone, shell.run, "panic", 10)


def test_tap_counts_between_log_lines():
    results = tap.parse("[0.1] boot\nok 1 - a\nx\nnot ok 2 - b\nok 3 - c # SKIP why\n1..3\n")
    assert [(r.name, r.is_ok, r.is_skipped) for r in results] == [
        ("a", True, False), ("b", False, False), ("c", True, True)]


def test_tap_without_plan_or_with_wrong_plan_fails():
    assert not all(r.is_ok for r in tap.parse("ok 1 - a\n"))
    assert not all(r.is_ok for r in tap.parse("ok 1 - a\n1..2\n"))
    assert not all(r.is_ok for r in tap.parse(""))


def test_process_that_prints_nothing_counts_by_exit_code():
    assert jobs.process_results("x", [sys.executable, "-c", "pass"], 10)[0].is_ok
    assert not jobs.process_results("x", [sys.executable, "-c", "raise SystemExit(1)"], 10)[0].is_ok
    assert not jobs.process_results("x", [sys.executable, "-c", "import time; time.sleep(9)"], 0.2)[0].is_ok


def read_run(text):
    with tempfile.NamedTemporaryFile("w", suffix=".run", delete=False) as out:
        out.write(text)
    try:
        return runfile.read(out.name)
    finally:
        os.unlink(out.name)


def test_run_file_keys_and_steps():
    run = read_run("smp = 1 4\nkind = shell\n\n$ echo a\na\n~ b+\n? 2\n\n$ true\n")
    assert list(run.variants()) == [("q35", 1), ("q35", 4)]
    assert [s.command for s in run.steps] == ["echo a", "true"]
    assert runfile.differences(run.steps[0], b"a\nbbb\n", 2) == []
    assert len(runfile.differences(run.steps[0], b"a\nc\n", 0)) == 2
    assert runfile.differences(run.steps[1], b"", 0) == []


def test_run_file_unknown_key_is_refused():
    assert "unknown key" in raises(runfile.RunFileError, read_run, "colour = red\n")


def test_command_line_names_the_accelerator():
    words = machine.command_line(machine.Machine(kernel="k", initrd="i", is_counted=True), machine.SERIAL_PIPE)
    assert "q35,accel=tcg" in words and "shift=0,sleep=off" in words and "-no-reboot" in words
    raises(ValueError, machine.command_line, machine.Machine(kernel="k", machine="pc"), ())
    raises(ValueError, machine.command_line, machine.Machine(kernel="k", arch="vax"), ())


if __name__ == "__main__":
    selftest.main(__name__)
