# SPDX-License-Identifier: MIT OR Apache-2.0
# Calls make, and knows where it puts things.
import os
import subprocess
import sys

BUILD = os.environ.get("BUILD", "build")
CC = os.environ.get("CC", "clang")
JOBS = os.cpu_count() or 1


class BuildError(Exception):
    pass


def make(*goals, arch="x86_64", keep_going=False, quiet=False):
    """Builds goals; make's words go to stderr, so that stdout stays the guest's."""
    command = ["make", "-s", f"-j{JOBS}", f"ARCH={arch}", f"CC={CC}", f"BUILD={BUILD}"]
    command += ["-k"] if keep_going else []
    out = subprocess.DEVNULL if quiet else sys.stderr
    if subprocess.run(command + list(goals), stdout=out).returncode:
        raise BuildError(f"make {' '.join(goals)} failed")


def listing(goal, arch="x86_64"):
    command = ["make", "-s", f"ARCH={arch}", f"CC={CC}", f"BUILD={BUILD}", goal]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise BuildError(f"make {goal} failed")
    return done.stdout.split("\n")[:-1]


def out_dir(arch):
    return os.path.join(BUILD, arch + ("-gcc" if "gcc" in os.path.basename(CC) else ""))


def kernel(arch):
    return os.path.join(out_dir(arch), "kernel.elf")


def image(arch, name):
    return os.path.join(out_dir(arch), name + ".img")


def user_path(path):
    """A path given on the command line is relative to where the user stands."""
    return os.path.join(os.environ.get("TESSERA_CWD", "."), path)


def architectures():
    """Those that have a kernel folder."""
    found = [a for a in sorted(os.listdir("arch"))
             if os.path.isfile(f"arch/{a}/arch.mk") and os.path.isdir(f"arch/{a}/kernel")]
    return found


def build_system(arch, image_name):
    if not os.path.isfile(f"system/{image_name}.sys"):
        raise BuildError(f"there is no composition system/{image_name}.sys")
    if arch not in architectures():
        raise BuildError(f"there is no kernel for {arch} (arch/{arch}/kernel with arch/{arch}/arch.mk); "
                         f"there is: {' '.join(architectures()) or 'none yet'}")
    make("kernel", image(arch, image_name), arch=arch)
