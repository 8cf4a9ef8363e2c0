# SPDX-License-Identifier: MIT OR Apache-2.0
# Random traces of calls with what the model says of each: statuses, results, and the CRC-32 of the state's text.
#   generate.py reference.py TABLES… FOLDER    writes traces.c, for the replay component (the build's generator)
#   generate.py --show TRACE [STEP]        prints a trace's calls and states, to find out about a difference
# A line of a trace: CALL A0 A1 A2 A3 A4 STATUS STATUS RESULT RESULT CRC. The two statuses are both right. Symbols of
# handles stand for handles; a call's first argument is the symbol of the handle that it makes, if it makes one.
import pathlib
import random
import sys
import zlib

import reference
from reference import ERRORS, GENERIC, OWN, RIGHTS, Model

SEEDS = [*range(40), 522]      # 522: a Quota destroyed through a handle that dies first, in several steps
STEPS = 150
BASE = 2                       # symbol of the Quota that all else is charged to
BASE_LIMITS = (40, 44, 24)
ARGUMENTS = 5
ALL = 0xFFFF
MAKERS = {"quota", "endpoint", "notification", "memory", "session", "derive", "copy"}
WEIGHTS = {"quota": 5, "adjust": 4, "endpoint": 7, "notification": 6, "memory": 5, "session": 20, "derive": 20, "copy": 8,
           "close": 14, "revoke": 6, "destroy": 7, "signal": 8, "poll": 5, "drain": 5}


class Trace:
    def __init__(self, seed):
        self.random, self.model, self.next = random.Random(seed), Model(), BASE
        self.lines, self.states, self.statuses = [], [], set()

    def run(self, call, *arguments):
        if call in MAKERS:
            arguments = (self.next, *arguments)
            self.next += 1
        statuses, results = self.model.step(call, *arguments)
        state = self.model.state()
        padded = list(arguments) + [0] * (ARGUMENTS - len(arguments))
        numbers = padded + [statuses[0], statuses[-1], *results, zlib.crc32(state.encode())]
        self.lines.append(f"{call} " + " ".join(map(str, numbers)))
        self.states.append(state)
        self.statuses.add((call, statuses[0]))
        return statuses[0] == 0

    # --- choosing -----------------------------------------------------------------------------------

    def any_symbol(self):
        """Mostly a handle that is open; sometimes one that is closed or never was."""
        if self.random.random() < 0.04:
            return self.random.randrange(BASE, self.next + 2)
        known = [s for s, h in self.model.handles.items() if s != OWN and h.is_open]
        return self.random.choice(known) if known else BASE

    def symbol(self, kind):
        """Mostly a live handle to such an object."""
        fitting = [s for s, h in self.model.handles.items() if s != OWN and h.is_live and h.object.kind == kind]
        if not fitting or self.random.random() < 0.08:
            return self.any_symbol()
        return self.random.choice(fitting)

    def quota(self):
        return BASE if self.random.random() < 0.5 else self.symbol("Quota")

    def rights(self):
        pick = self.random.random()
        if pick < 0.6:
            return ALL
        return 1 << 16 if pick < 0.63 else self.random.randrange(1 << 16) | GENERIC["DERIVE"]

    def keeps_base(self, symbol, is_root):
        """Would the call end the base Quota, or the handle to it?"""
        handle = self.model.handles.get(symbol)
        base = self.model.handles[BASE].object
        return symbol != BASE and not (is_root and handle and handle.object is base)

    # --- one call -------------------------------------------------------------------------------------

    def make_quota(self):
        return self.quota(), self.random.randrange(8), self.random.randrange(10), self.random.randrange(6)

    def make_adjust(self):
        return self.symbol("Quota"), *(self.random.randrange(4, 48) for _ in range(3))

    def make_endpoint(self):
        return (self.quota(),)

    make_notification = make_endpoint

    def make_memory(self):
        return self.quota(), self.random.choice((0, 1, 2, 4)), self.random.choice((0, 1, 2, 8))

    def make_session(self):
        parent = self.symbol(self.random.choice(("Endpoint", "Endpoint", "Session", "Notification", "Memory")))
        expiry = reference.EXPIRY_PAST if self.random.random() < 0.05 else 0
        quota = 0 if self.random.random() < 0.04 else self.quota()
        return parent, quota, self.random.randrange(1, 1 << 20), expiry

    def make_derive(self):
        session = self.symbol("Session") if self.random.random() < 0.7 else 0
        handle = self.model.handles.get(session)
        symbol = self.any_symbol()
        if handle and handle.is_live and handle.object.kind == "Session" and self.random.random() < 0.85:
            target = handle.object.node.object
            fitting = [s for s, h in self.model.handles.items() if s != OWN and h.is_live and h.object is target]
            symbol = self.random.choice(fitting) if fitting else symbol
        return symbol, self.rights(), session

    def make_copy(self):
        symbol, flags = self.any_symbol(), self.random.choice((0, 0, 1, 1, 2))
        return symbol, self.rights(), 0 if not self.keeps_base(symbol, False) else flags

    def make_close(self):
        return (self.any_symbol(),)

    def make_revoke(self):
        symbol = self.symbol("Session") if self.random.random() < 0.5 else self.any_symbol()
        return symbol, self.random.choice((0, 0, 1, 1, 4))

    def make_destroy(self):
        return (self.any_symbol(),)

    def make_signal(self):
        return self.symbol("Notification"), self.random.randrange(1 << 16)

    def make_poll(self):
        return self.symbol("Notification"), self.random.choice((0, 0xFF, 0xFFFF, 1 << 9))

    def make_drain(self):
        return (self.symbol("Endpoint"),)

    def is_allowed(self, call, arguments):
        if call == "close":
            return self.keeps_base(arguments[0], False)
        if call == "destroy":
            return self.keeps_base(arguments[0], True)
        if call == "revoke":
            return bool(arguments[1]) or self.keeps_base(arguments[0], True)
        return True

    def random_step(self):
        call = self.random.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
        arguments = getattr(self, f"make_{call}")()
        if self.is_allowed(call, arguments):
            self.run(call, *arguments)

    def expiry_steps(self):
        """A Session that expires soon, what hangs below it, and its end."""
        endpoint = self.next
        if not self.run("endpoint", BASE):
            return
        session = self.next
        if self.run("session", endpoint, BASE, self.random.randrange(1, 1 << 20), reference.EXPIRY_SOON):
            self.run("derive", endpoint, ALL, session)
            self.run("session", session, BASE, 7, 0)
        self.run("elapse")


def make_trace(seed, steps=STEPS):
    trace = Trace(seed)
    trace.run("quota", OWN, *BASE_LIMITS)
    while len(trace.lines) < steps:
        trace.random_step()
        if seed % 3 == 0 and len(trace.lines) == steps // 2:
            trace.expiry_steps()
    trace.run("destroy", BASE)
    for symbol in [s for s, h in trace.model.handles.items() if s != OWN and h.is_open]:
        trace.run("close", symbol)
    return trace


def text_of(traces):
    out = ["// SPDX-License-Identifier: MIT OR Apache-2.0",
           "// Generated by tests/model/generate.py: random calls and what the model says of them.",
           '#include "replay.h"', "", "const char *const replay_traces[] = {"]
    for trace in traces:
        out += [f'    "{line}\\n"' for line in trace.lines]
        out[-1] += ","
    return "\n".join(out + ["};", f"const uint32_t replay_trace_count = {len(traces)};", ""])


def show(number_of_trace, only):
    trace = make_trace(SEEDS[number_of_trace])
    for number, (line, state) in enumerate(zip(trace.lines, trace.states), 1):
        if only in (None, number):
            print(f"{number}: {line}\n    {state}")


def main(arguments):
    if arguments[0] == "--show":
        show(int(arguments[1]), int(arguments[2]) if len(arguments) > 2 else None)
        return
    text = text_of([make_trace(seed) for seed in SEEDS])
    pathlib.Path(arguments[-1], "traces.c").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
