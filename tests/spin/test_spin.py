# SPDX-License-Identifier: MIT OR Apache-2.0
# Checks the Promela models with Spin: each must hold ("errors: 0", every state seen), and each of its mutants (#defines,
# listed at the top of the model) must fail. Then: the fast paths in entry.S read a slot in the model's order.
# timeout_s: 300
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path.insert(0, str(ROOT / "tools"))

from runner import selftest  # noqa: E402

LIMIT_S = 120
DEPTH = 100000
MEMORY_MB = 1500
C_FLAGS = ["-O2", "-DSAFETY", "-DCOLLAPSE", f"-DMEMLIM={MEMORY_MB}", "-w"]


def run(command, folder):
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return done.stdout + done.stderr


def verify(model, *defines):
    """What the verifier printed for the model with these names defined."""
    with tempfile.TemporaryDirectory() as folder:
        flags = [f"-D{name}" for name in defines]
        said = run(["spin", *flags, "-a", str(HERE / f"{model}.pml")], folder)
        assert pathlib.Path(folder, "pan.c").exists() and "Error" not in said, said
        said = run(["gcc", *C_FLAGS, "-o", "pan", "pan.c"], folder)
        assert pathlib.Path(folder, "pan").exists(), said
        return run(["./pan", f"-m{DEPTH}"], folder)


def errors_in(said):
    found = re.search(r"^State-vector .* errors: (\d+)$", said, re.MULTILINE)
    assert found, said
    return int(found.group(1))


def mutants_of(model):
    text = (HERE / f"{model}.pml").read_text(encoding="utf-8")
    listed = re.search(r"each must fail\): ([A-Z_,\s/]+)\.", text).group(1)
    names = re.findall(r"[A-Z_]+", listed)
    used = set(re.findall(r"#ifn?def ([A-Z_]+)", text)) - {"EVENTS", "CALLS"}
    assert names and set(names) == used, f"{model}: the list names {names}, the text has {sorted(used)}"
    return names


def check_holds(model):
    said = verify(model)
    assert errors_in(said) == 0, said
    assert "max search depth too small" not in said and "out of memory" not in said, said


def check_mutants(model):
    survivors = [name for name in mutants_of(model) if errors_in(verify(model, name)) == 0]
    assert not survivors, f"{model}: these mutants were not found out: {survivors}"


def test_revocation_holds():
    check_holds("revocation")


def test_revocation_mutants_fail():
    check_mutants("revocation")


def test_call_holds():
    check_holds("call")


def test_call_mutants_fail():
    check_mutants("call")


def fast_paths():
    """The instructions of each fast path of entry.S, from the first read of the slot to the first return to user."""
    text = (ROOT / "arch/x86_64/kernel/entry.S").read_text(encoding="utf-8")
    lines = [line.split("//")[0].strip() for line in text.splitlines()]
    starts = [n for n, line in enumerate(lines) if re.match(r"mov SLOT_OBJECT\(", line)]
    ends = [n for n, line in enumerate(lines) if re.match(r"(switch_to_r11|sysretq)$", line)]
    return [lines[start:min(end for end in ends if end > start)] for start in starts]


def places(lines, pattern):
    return [n for n, line in enumerate(lines) if re.search(pattern, line)]


def test_fast_paths_follow_the_model():
    """Identity and life are checked before the object's memory is written to (LOCK_FIRST), life again with the lock
    held (NO_RECHECK), and nothing of the slot is read after its generation (BADGE_LATE)."""
    paths = fast_paths()
    assert len(paths) == 3, "call, reply_recv and signal"
    for lines in paths:
        lock = places(lines, r"^lock bts")[0]
        generation = places(lines, r"^cmp.*SLOT_GENERATION")
        life = places(lines, r"^cmp.*SESSION_EPOCH")
        shown = "\n".join(lines)
        assert generation and generation[0] < lock, f"locks before it compares the generation:\n{shown}"
        assert life and life[0] < lock, f"locks before it knows that the Session is live:\n{shown}"
        assert life[-1] > lock, f"does not look again whether the Session is live:\n{shown}"
        assert places(lines, r"\bSLOT_")[-1] <= generation[0], f"reads the slot after its generation:\n{shown}"


if __name__ == "__main__":
    selftest.main(__name__)
