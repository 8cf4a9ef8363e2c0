# SPDX-License-Identifier: MIT OR Apache-2.0
# The committed figures: reading, writing, and what counts as worse.
GATED = ("instructions", "lines", "KiB")
MORE_IS_BETTER = ("ratio",)
TOLERANCE = 0.02


def is_better(value, other, unit):
    return value > other if unit in MORE_IS_BETTER else value < other


def read(path):
    known = {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            if line.strip() and not line.startswith("#"):
                name, value, unit = line.split()
                known[name] = (float(value), unit)
    return known


def write(path, measured):
    with open(path, "w", encoding="utf-8") as out:
        out.write("# Measured by ./tessera bench --update. Units instructions, lines and KiB are gated at 2 %.\n")
        for name in sorted(measured):
            value, unit = measured[name]
            out.write(f"{name} {int(value) if float(value).is_integer() else value} {unit}\n")


def compare(measured, known):
    """(name, is_ok, text) for each gated figure of the baseline; one that is no longer measured is not ok."""
    verdicts = []
    for name, (old, unit) in sorted(known.items()):
        if unit not in GATED:
            continue
        if name not in measured:
            verdicts.append((name, False, "in the baseline, but not measured"))
            continue
        new = measured[name][0]
        limit = old * (1 + TOLERANCE)
        verdicts.append((name, new <= limit, f"{new:g} {unit}, baseline {old:g}"))
    return verdicts
