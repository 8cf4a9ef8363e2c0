# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera run: boots to the shell, or runs the commands given with --cmd and leaves with the last one's status.
import os
import sys

from runner import build, guest, machine, options

EXIT_USAGE = 2
EXIT_HANG = 124
EXIT_GONE = 125
DEFAULT_TIMEOUT_S = 120
MAX_STATUS = 255


def interactive(m):
    command = machine.command_line(m, machine.SERIAL_TERMINAL)
    print("tessera: Ctrl-A x leaves, Ctrl-C goes to the guest", file=sys.stderr)
    sys.stderr.flush()
    code = os.spawnvp(os.P_WAIT, command[0], command)
    return 0 if code == machine.EXIT_POWEROFF else code


def run_commands(m, commands, timeout_s):
    status = 0
    with guest.Guest(m) as g:
        try:
            shell = guest.Shell(g, timeout_s)
            for command in commands:
                output, status = shell.run(command, timeout_s)
                sys.stdout.buffer.write(output)
                sys.stdout.flush()
            shell.poweroff(timeout_s)
        except guest.GuestError as error:
            sys.stdout.flush()
            tail = guest.clean(bytes(g.transcript[-4000:])).replace(b"\x1e", b"")
            sys.stderr.buffer.write(tail + b"\n")
            print(f"tessera: {error} after {g.seconds():.1f} s; its last words are above", file=sys.stderr)
            return EXIT_HANG if isinstance(error, guest.GuestHang) else EXIT_GONE
    return status if 0 <= status <= MAX_STATUS else 1


def main():
    p = options.parser("run", "Boots Tessera in QEMU to its shell.")
    options.add_machine(p)
    p.add_argument("--cmd", action="append", default=[], metavar="COMMANDS",
                   help="run this in the shell, print its output, power off (repeatable)")
    p.add_argument("--print", action="store_true", help="print QEMU's command line only")
    args = p.parse_args()
    append = "console=plain" if args.cmd else ""
    m = options.machine_of(args, append, may_reboot=not args.cmd)
    if args.print:
        print(machine.as_text(machine.command_line(m, machine.SERIAL_TERMINAL)))
        return 0
    try:
        build.build_system(args.arch, args.image)
        if args.cmd:
            return run_commands(m, args.cmd, args.timeout or DEFAULT_TIMEOUT_S)
        return interactive(m)
    except (build.BuildError, ValueError) as error:
        print(f"tessera: {error}", file=sys.stderr)
        return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
