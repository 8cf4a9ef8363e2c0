# SPDX-License-Identifier: MIT OR Apache-2.0
# Reads results in the Test Anything Protocol from text that may have other lines (a kernel's log) between them.
import dataclasses
import re

RESULT = re.compile(r"^(not )?ok\b\s*(\d+)?\s*(?:- )?(.*?)\s*(#\s*SKIP\b.*)?$", re.IGNORECASE)
PLAN = re.compile(r"^1\.\.(\d+)\s*(#\s*SKIP\b.*)?$", re.IGNORECASE)
BAIL = re.compile(r"^Bail out!\s*(.*)$")


@dataclasses.dataclass
class Result:
    name: str
    is_ok: bool
    is_skipped: bool = False
    detail: str = ""


def parse(text):
    """The results, and a result for each way in which the whole is not right (no plan, a wrong plan)."""
    results, planned, comments = [], None, []
    for line in text.replace("\r", "").split("\n"):
        plan, result, bail = PLAN.match(line), RESULT.match(line), BAIL.match(line)
        if plan:
            planned = int(plan.group(1))
        elif result:
            is_skipped = bool(result.group(4))
            results.append(Result(result.group(3) or f"test {result.group(2)}",
                                  not result.group(1), is_skipped, "\n".join(comments)))
            comments = []
        elif bail:
            results.append(Result(f"bail out: {bail.group(1)}", False))
        elif line.startswith("#"):
            comments.append(line)
    if planned is None:
        results.append(Result("plan line 1..N", False, detail="there was none: the run did not get to its end"))
    elif planned != len(results):
        results.append(Result("plan line 1..N", False, detail=f"planned {planned}, ran {len(results)}"))
    return results
