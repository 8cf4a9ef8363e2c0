# SPDX-License-Identifier: MIT OR Apache-2.0
# A running QEMU whose serial line is ours: read until something appears, write, wait for the end.
# Shell (below) speaks the shell's plain protocol (boot option console=plain): nothing is echoed, no escape
# sequences, and each command ends with the byte 0x1e, the status in decimal and a newline.
import ctypes
import os
import re
import selectors
import signal
import subprocess
import time

from runner import machine

PROMPT = b"tessera> "
STATUS = re.compile(rb"\x1e(-?\d+)\r?\n")
ESCAPES = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")
PR_SET_PDEATHSIG = 1
READ_SIZE = 65536
KILL_WAIT_S = 10


class GuestError(Exception):
    """Something that is the guest's fault: it hung, left or panicked."""


class GuestHang(GuestError):
    pass


class GuestGone(GuestError):
    pass


def die_with_parent():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Guest:
    def __init__(self, m, on_bytes=None):
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            machine.command_line(m, machine.SERIAL_PIPE), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            bufsize=0, preexec_fn=die_with_parent)
        os.set_blocking(self.process.stdout.fileno(), False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.pending = b""
        self.transcript = bytearray()
        self.on_bytes = on_bytes
        self.is_open = True

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def fill(self, deadline):
        """Reads what there is, waiting until deadline; False at the end of the stream."""
        left = deadline - time.monotonic()
        if left <= 0 or not self.selector.select(left):
            raise GuestHang("timed out")
        chunk = self.process.stdout.read(READ_SIZE)
        if chunk is None:
            return True
        if not chunk:
            self.is_open = False
            return False
        self.transcript += chunk
        self.pending += chunk
        if self.on_bytes:
            self.on_bytes(chunk)
        return True

    def read_until(self, pattern, timeout_s):
        """The match of a compiled pattern; what stood before it is in match.string[:match.start()]."""
        deadline = time.monotonic() + timeout_s
        while True:
            match = pattern.search(self.pending)
            if match:
                self.pending = self.pending[match.end():]
                return match
            if not self.fill(deadline):
                raise GuestGone(self.why_gone())

    def why_gone(self):
        code = self.wait(KILL_WAIT_S)
        if code == machine.EXIT_PANIC:
            return f"the kernel panicked (exit code {code})"
        return f"the machine left with exit code {code}"

    def write(self, data):
        try:
            self.process.stdin.write(data)
        except BrokenPipeError as error:
            raise GuestGone(self.why_gone()) from error

    def wait(self, timeout_s):
        """Reads to the end and returns QEMU's exit code."""
        deadline = time.monotonic() + timeout_s
        while self.is_open and self.fill(deadline):
            pass
        try:
            return self.process.wait(max(deadline - time.monotonic(), 1))
        except subprocess.TimeoutExpired as error:
            raise GuestHang("QEMU did not leave") from error

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.selector.close()
        self.process.stdin.close()
        self.process.stdout.close()

    def seconds(self):
        return time.monotonic() - self.started


class Shell:
    """The shell of a guest that was booted with console=plain."""

    def __init__(self, guest, boot_timeout_s=60):
        self.guest = guest
        before = guest.read_until(re.compile(rb"(?:^|\n)" + re.escape(PROMPT)), boot_timeout_s)
        self.boot_log = clean(before.string[:before.start()])
        self.boot_seconds = guest.seconds()

    def start(self, command):
        if "\n" in command or "\r" in command:
            raise ValueError("a command is one line")
        self.guest.write(command.encode() + b"\n")

    def finish(self, timeout_s=60):
        match = self.guest.read_until(STATUS, timeout_s)
        output = match.string[:match.start()].replace(b"\r\n", b"\n")
        while output.startswith(PROMPT):
            output = output[len(PROMPT):]
        return output, int(match.group(1))

    def run(self, command, timeout_s=60):
        """Runs one command line: its output (bytes, newlines as \\n) and its status."""
        self.start(command)
        return self.finish(timeout_s)

    def interrupt(self):
        self.guest.write(b"\x03")

    def poweroff(self, timeout_s=30):
        self.guest.write(b"poweroff\n")
        code = self.guest.wait(timeout_s)
        if code != machine.EXIT_POWEROFF:
            raise GuestGone(f"poweroff ended with exit code {code}")


def clean(data):
    return ESCAPES.sub(b"", data).replace(b"\r\n", b"\n")
