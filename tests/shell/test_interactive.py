# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera run as a person uses it: on a terminal of its own, key by key. Echo, line editing, history, completion,
# Ctrl-C, a multi-core machine, leaving by poweroff and by QEMU's own key.
# timeout_s: 120
import os
import pty
import re
import select
import subprocess
import sys
import time

from runner import build, guest, selftest

ARCH = os.environ.get("TESSERA_ARCH", "x86_64")
ANSWER_S = 20
PROMPT = guest.PROMPT
UP, LEFT, HOME = b"\x1b[A", b"\x1b[D", b"\x1b[H"
LEAVE_QEMU = b"\x01x"


def clean(text):
    """Without colours and cursor moves; the host's terminal adds carriage returns of its own."""
    return re.sub(rb"\r+\n", b"\n", guest.clean(text))


class Terminal:
    def __init__(self, *options):
        self.master, slave = pty.openpty()
        command = [sys.executable, "-m", "runner.run", "--arch", ARCH, *options]
        self.process = subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.seen = b""

    def __enter__(self):
        self.expect(PROMPT)
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, 9)
            self.process.wait()
        os.close(self.master)

    def expect(self, words):
        """What came up to and with words."""
        deadline = time.monotonic() + ANSWER_S
        while words not in self.seen:
            left = deadline - time.monotonic()
            ready = left > 0 and select.select([self.master], [], [], left)[0]
            assert ready, f"{words!r} did not come, but: {self.seen[-2000:]!r}"
            self.seen = clean(self.seen + os.read(self.master, 65536))
        before, _, self.seen = self.seen.partition(words)
        return before + words

    def type(self, keys):
        os.write(self.master, keys)

    def line(self, keys):
        """Types a line; what is printed below it, up to the next prompt."""
        self.type(keys + b"\r")
        self.expect(b"\n")
        return self.expect(PROMPT).removesuffix(PROMPT)

    def leaves(self):
        """The exit code; what is still printed is read, so that nothing waits."""
        deadline = time.monotonic() + ANSWER_S
        while self.process.poll() is None and time.monotonic() < deadline:
            if select.select([self.master], [], [], 0.1)[0]:
                try:
                    os.read(self.master, 65536)
                except OSError:  # the other end is closed
                    break
        return self.process.wait(ANSWER_S)


def check(terminal, keys, wanted):
    said = terminal.line(keys)
    assert said == wanted, (keys, said, wanted)


def test_keys():
    with Terminal() as t:
        t.type(b"echo echoed")
        t.expect(b"echo echoed")
        check(t, b" here", b"echoed here\n")
        check(t, b"echo wrogn\x7f\x7fng", b"wrong\n")                 # backspace
        check(t, b"cho first" + HOME + b"e", b"first\n")
        check(t, b"echo ac" + LEFT + b"b", b"abc\n")
        check(t, b"nothing at all\x15echo killed", b"killed\n")       # ^U
        check(t, b"echo one two\x17three", b"one three\n")            # ^W
        check(t, UP + UP + b" again", b"killed again\n")              # history
        check(t, b"ec\t completed", b"completed\n")
        check(t, b"echo 'a b'; false; echo $?", b"a b\n1\n")


def test_interrupt():
    with Terminal("--smp", "2") as t:
        t.type(b"half a line\x03")
        t.expect(PROMPT)
        t.type(b"sleep 100\r")
        t.expect(b"sleep 100\n")
        time.sleep(0.3)
        t.type(b"\x03")
        t.expect(PROMPT)
        check(t, b"echo alive", b"alive\n")
        t.type(b"top 100\r")
        t.expect(b"shell")
        t.type(b"\x03")
        t.expect(PROMPT)
        check(t, b"kill serial; echo still alive", b"still alive\n")


def test_leaving():
    with Terminal() as t:
        t.type(b"poweroff\r")
        assert t.leaves() == 0, "poweroff is a good end"
    with Terminal() as t:
        t.type(LEAVE_QEMU)
        assert t.leaves() == 0, "so is QEMU's own key"


if __name__ == "__main__":
    build.build_system(ARCH, "default")
    selftest.main(__name__)
