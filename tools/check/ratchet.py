# SPDX-License-Identifier: MIT OR Apache-2.0
# STYLE 48: ratchet.txt lists old offenders as "LIMIT WHAT NUMBER"; numbers only go down.
import os

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "ratchet.txt")


def read():
    allowed = {}
    with open(PATH, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                limit, what, number = line.split()
                allowed[(limit, what)] = int(number)
    return allowed
