# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera debug as people use it, in gdb's batch mode: boots to the shell, stops the machine and checks that our gdb
# commands (tools/gdb) find what must be there.
# timeout_s: 200
import os
import re
import subprocess
import sys

from runner import selftest

ARCH = os.environ.get("TESSERA_ARCH", "x86_64")
TIMEOUT_S = 150
COMMANDS = ("tessera processes", "tessera threads", "tessera handles shell", "tessera endpoints", "tessera quotas",
            "tessera log", "tessera handles nobody", "tessera sessions 0", "help tessera")
SESSIONS = """python
for thing in objects():
    if int(thing["type"]) == 5:
        gdb.execute("tessera sessions %d" % int(thing["id"]))
"""


def debug(*commands, smp=1):
    """What gdb printed for each command, by command."""
    words = [sys.executable, "-m", "runner.debug", "--arch", ARCH, "--smp", str(smp), "--cmd", "echo stopped here"]
    for command in commands:
        words += ["--gdb", f"echo \\n== {command}\\n", "--gdb", command]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=TIMEOUT_S, check=False)
    text = done.stdout.decode("utf-8", "replace")
    parts = re.split(r"^== (.*)$", text, flags=re.MULTILINE)
    assert "stopped here" in parts[0], text
    return dict(zip(parts[1::2], parts[2::2])), text


def rows(text):
    return [line.split() for line in text.strip().split("\n")[1:] if line.strip()]


def test_commands_find_the_system():
    said, whole = debug(*COMMANDS)
    names = [row[1] for row in rows(said["tessera processes"])]
    assert {"init", "serial", "shell"} <= set(names), whole
    threads = rows(said["tessera threads"])
    assert {"init", "serial", "shell"} <= {row[1] for row in threads}, whole
    assert any("wait_" in row[3] for row in threads), whole
    kinds = {row[1] for row in rows(said["tessera handles shell"])}
    assert {"process", "space", "endpoint"} <= kinds, whole
    assert re.search(r"\bup\b.*\bserial\b", said["tessera endpoints"]), whole
    assert all(re.fullmatch(r"\d+/\d+", cell) for row in rows(said["tessera quotas"]) for cell in row[2:]), whole
    assert re.search(r"^\[ +\d+\.\d{6}\] I ", said["tessera log"], re.MULTILINE), whole
    for name in ("threads", "processes", "handles", "sessions", "endpoints", "quotas", "log"):
        assert f"tessera {name}" in said["help tessera"], whole


def test_mistakes_are_told():
    said, whole = debug("python print(1)", "tessera handles", smp=2)
    assert "usage: tessera handles PROCESS" in whole, said


def test_sessions_of_the_serial_line():
    find = "python gdb.execute('tessera sessions %d' % next(int(o['id']) for o in objects() if int(o['type']) == 5))"
    said, whole = debug(find)
    assert re.search(r"endpoint \d+\n\s+epoch 0x[0-9a-f]+ ", said[find]), whole


if __name__ == "__main__":
    selftest.main(__name__)
