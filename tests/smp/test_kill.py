# SPDX-License-Identifier: MIT OR Apache-2.0
# Components and programs are killed at random on one, two and four cores, with typing in between: the shell keeps
# answering, and in the end as many kernel objects exist as before. The choices are repeatable: each line names its seed.
# timeout_s: 240
import os
import random
import re
import time

from runner import build, guest, machine, selftest

ARCH = os.environ.get("TESSERA_ARCH", "x86_64")
SEED = int(os.environ.get("TESSERA_SEED", "1"))
KILLS = 100
SHELL_EVERY = 12  # its restart waits longer each time it ends soon
ANSWER_S = 20
SETTLE_S = 5
PROMPT = re.compile(rb"(?:^|\n)" + re.escape(guest.PROMPT))


def counts(shell):
    """Objects by type. Frames are left out: each core keeps some in reserve."""
    output, _ = shell.run("objects", ANSWER_S)
    table = dict(line.split() for line in output.decode().strip().split("\n"))
    table.pop("frames")
    return table


def settled(shell, wanted):
    """Dead objects are freed a little later."""
    deadline = time.monotonic() + SETTLE_S
    while (now := counts(shell)) != wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    return now


def answers(shell, command, words):
    output, status = shell.run(f"{command}; echo {words}", ANSWER_S)
    assert output.decode().split("\n")[-2:] == [words, ""] and status == 0, (command, output, status)


def kill_shell(running, shell):
    running.read_until(PROMPT, ANSWER_S)
    shell.start("kill shell")
    running.read_until(PROMPT, ANSWER_S)  # of the next one


def kill_linux(shell, number):
    """A program that would sleep on is killed beside the shell's next command."""
    shell.run("linux busybox sleep 100 &", ANSWER_S)
    answers(shell, "kill linux", f"program {number}")


def kill_many(running, shell, choose):
    for number in range(KILLS):
        if number % SHELL_EVERY == SHELL_EVERY - 1:
            kill_shell(running, shell)
        elif choose.random() < 0.2:
            kill_linux(shell, number)
        else:
            answers(shell, choose.choice(("kill serial", "restart serial")), f"still here {number}")
        answers(shell, "true", "typed " * choose.randrange(1, 10) + str(number))


def stress(smp):
    choose = random.Random(SEED * 10 + smp)
    m = machine.Machine(kernel=build.kernel(ARCH), initrd=build.image(ARCH, "default"), arch=ARCH, smp=smp,
                        append="console=plain")
    with guest.Guest(m) as running:
        shell = guest.Shell(running)
        try:
            answers(shell, "kill serial", "once before")
            kill_linux(shell, 0)
            kill_shell(running, shell)
            before = counts(shell)
            kill_many(running, shell, choose)
            after = settled(shell, before)
            shell.poweroff()
        except (AssertionError, guest.GuestError) as error:
            raise AssertionError(f"{smp} cores, seed {SEED}: {error}; last words: "
                                 f"{guest.clean(bytes(running.transcript[-2000:])).decode(errors='replace')}") from error
    assert before == after, f"{smp} cores, seed {SEED}: {before} before, {after} after"


def test_one_core():
    stress(1)


def test_two_cores():
    stress(2)


def test_four_cores():
    stress(4)


if __name__ == "__main__":
    build.build_system(ARCH, "default")
    selftest.main(__name__)
