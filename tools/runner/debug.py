# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera debug: QEMU stopped at its first instruction with gdb attached, symbols and our commands loaded
# (tools/gdb/tessera_gdb.py). The serial line goes to a file; with --cmd the shell runs commands first.
import os
import subprocess
import sys
import tempfile
import time

from runner import build, guest, machine, options

GDB_SCRIPT = "tools/gdb/tessera_gdb.py"
DEFAULT_TIMEOUT_S = 120
POLL_S = 0.01


def gdb_command(arch, socket, commands):
    kernel = build.kernel(arch)
    command = ["gdb", "-q", "-nx", "-iex", "set pagination off", "-iex", "set confirm off",
               "-iex", f"add-auto-load-safe-path {os.getcwd()}", kernel]
    if os.path.isfile(GDB_SCRIPT):
        command += ["-ex", f"source {GDB_SCRIPT}"]
    command += ["-ex", f"target remote {socket}"]
    for c in commands:
        command += ["-ex", c]
    return command + (["-batch"] if commands else [])


def run_gdb(args, socket):
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    return subprocess.run(gdb_command(args.arch, socket, args.gdb), env=environment).returncode


def with_shell(args, m, socket, timeout_s):
    """Boots, runs --cmd in the shell, then stops the machine where it stands and hands it to gdb."""
    with guest.Guest(m) as g:
        shell = guest.Shell(g, timeout_s)
        for command in args.cmd:
            output, _ = shell.run(command, timeout_s)
            sys.stdout.buffer.write(output)
        sys.stdout.flush()
        return run_gdb(args, socket)


def from_start(args, m, socket, log):
    command = machine.command_line(m, ("-chardev", f"file,id=serial0,path={log}", "-serial", "chardev:serial0"))
    print(f"tessera: the serial line is written to {log}", file=sys.stderr)
    process = subprocess.Popen(command + ["-S"], stdin=subprocess.DEVNULL, preexec_fn=guest.die_with_parent)
    try:
        while not os.path.exists(socket) and process.poll() is None:
            time.sleep(POLL_S)
        return run_gdb(args, socket)
    finally:
        process.kill()
        process.wait()


def main():
    p = options.parser("debug", "Boots under gdb.")
    options.add_machine(p)
    p.add_argument("--cmd", action="append", default=[], help="run this in the shell first (repeatable)")
    p.add_argument("--gdb", action="append", default=[], help="gdb command to run, then quit (repeatable)")
    args = p.parse_args()
    try:
        build.build_system(args.arch, args.image)
        with tempfile.TemporaryDirectory() as folder:
            socket = os.path.join(folder, "gdb")
            extra = ("-gdb", f"unix:{socket},server=on,wait=off")
            plain = "console=plain" if args.cmd else ""
            m = options.machine_of(args, f"nokaslr {plain}".strip(), extra=extra)
            if args.cmd:
                return with_shell(args, m, socket, args.timeout or DEFAULT_TIMEOUT_S)
            return from_start(args, m, socket, os.path.join(build.out_dir(args.arch), "debug-serial.log"))
    except (build.BuildError, ValueError, guest.GuestError) as error:
        print(f"tessera: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
