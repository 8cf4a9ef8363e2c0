# SPDX-License-Identifier: MIT OR Apache-2.0
# The options that run, test, bench and debug share.
import argparse

from runner import build, machine


def parser(command, description):
    p = argparse.ArgumentParser(prog=f"./tessera {command}", description=description)
    p.add_argument("--arch", default="x86_64")
    return p


def add_machine(p, image="default"):
    p.add_argument("--machine", default="q35", help="q35 or microvm")
    p.add_argument("--smp", type=int, default=1, metavar="N", help="cores")
    p.add_argument("--mem", default="256M", metavar="M")
    p.add_argument("--disk", default="", metavar="PATH", help="a raw disk image")
    p.add_argument("--append", default="", metavar="OPTIONS", help="kernel options")
    p.add_argument("--image", default=image, help="composition: system/NAME.sys")
    p.add_argument("--timeout", type=float, default=0, metavar="S", help="give up after S seconds")


def machine_of(args, append="", **more):
    words = " ".join(w for w in (args.append, append) if w)
    mem = args.mem if args.mem[-1:].isalpha() else args.mem + "M"
    disk = build.user_path(args.disk) if args.disk else ""
    return machine.Machine(
        kernel=build.kernel(args.arch), initrd=build.image(args.arch, args.image), arch=args.arch,
        machine=args.machine, smp=args.smp, mem=mem, append=words, disk=disk, **more)
