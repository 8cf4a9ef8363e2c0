# SPDX-License-Identifier: MIT OR Apache-2.0
# What to boot and on which machine, and QEMU's command line for it. The acceleration is always named:
# left to itself QEMU may pick one that is not there. Exit codes: docs/guide/debugging.md.
import dataclasses
import shlex

# The kernel writes v to the debug-exit device; QEMU leaves with (v << 1) | 1.
EXIT_POWEROFF = (0x10 << 1) | 1
EXIT_PANIC = (0x20 << 1) | 1

# Makes the guest's counter an exact and repeatable count of instructions.
COUNTED = ["-icount", "shift=0,sleep=off", "-rtc", "base=2026-01-01,clock=vm", "-seed", "1"]


@dataclasses.dataclass
class Machine:
    kernel: str
    initrd: str = ""
    arch: str = "x86_64"
    machine: str = "q35"
    smp: int = 1
    mem: str = "256M"
    append: str = ""
    disk: str = ""
    is_counted: bool = False
    may_reboot: bool = False
    cpu: str = "max"
    extra: tuple = ()


def x86_64(m):
    block = "virtio-blk-device" if m.machine == "microvm" else "virtio-blk-pci"
    command = ["qemu-system-x86_64", "-machine", f"{m.machine},accel=tcg", "-cpu", m.cpu, "-m", m.mem,
               "-smp", str(m.smp), "-display", "none", "-nodefaults",
               "-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    if m.disk:
        command += ["-drive", f"file={m.disk},format=raw,if=none,id=disk0", "-device", f"{block},drive=disk0"]
    return command


BASE = {"x86_64": x86_64}
MACHINES = {"x86_64": ("q35", "microvm")}


def command_line(m, serial):
    """serial: QEMU arguments that connect the first serial port."""
    if m.arch not in BASE:
        raise ValueError(f"architecture {m.arch} cannot be run; known: {' '.join(BASE)}")
    if m.machine not in MACHINES[m.arch]:
        raise ValueError(f"machine {m.machine} is not one of: {' '.join(MACHINES[m.arch])}")
    command = BASE[m.arch](m) + list(serial)
    command += [] if m.may_reboot else ["-no-reboot"]
    command += COUNTED if m.is_counted else []
    command += ["-kernel", m.kernel]
    command += ["-initrd", m.initrd] if m.initrd else []
    command += ["-append", m.append] if m.append else []
    return command + list(m.extra)


SERIAL_PIPE = ("-chardev", "stdio,id=serial0,signal=off", "-serial", "chardev:serial0")
SERIAL_TERMINAL = ("-chardev", "stdio,id=serial0,signal=off,mux=on", "-serial", "chardev:serial0",
                   "-mon", "chardev=serial0")


def as_text(command):
    return " ".join(shlex.quote(word) for word in command)
