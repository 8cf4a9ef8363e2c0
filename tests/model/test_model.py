# SPDX-License-Identifier: MIT OR Apache-2.0
# Tests the model and its traces on themselves: scenes worked out by hand, invariants of each state of many random traces
# (counted a second time, from the lists), that the traces meet the documented errors, and that they are reproducible.
# The traces against the kernel: model.run.
import pathlib
import sys
import zlib

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(ROOT / "tools" / "abigen"), str(ROOT / "tools")]

import abigen  # noqa: E402
import generate  # noqa: E402
from reference import ERRORS, GENERIC, HANDLES, OBJECTS, OWN, PAGES, RIGHTS, RIGHTS_MASK, TYPES, Model  # noqa: E402
from runner import selftest  # noqa: E402

SEEDS = range(1000, 1120)
ALL = RIGHTS_MASK
# The model's calls and the kernel calls whose errors they can meet; errors that need what a trace does not do.
KERNEL_CALLS = {"quota": "quota_create", "adjust": "quota_adjust", "endpoint": "endpoint_create", "session": "session_create",
                "notification": "notification_create", "memory": "memory_create", "derive": "handle_derive",
                "copy": "handle_copy", "close": "handle_close", "revoke": "handle_revoke", "destroy": "object_destroy",
                "signal": "notification_signal", "poll": "notification_wait"}
NOT_IN_TRACES = {("adjust", "INVALID"), ("copy", "DEAD"), ("copy", "NO_HANDLES"), ("copy", "NO_MEMORY"),
                 ("destroy", "BUSY"), ("endpoint", "NO_MEMORY"),
                 ("notification", "NO_MEMORY"), ("poll", "BUSY"), ("poll", "CANCELLED"), ("poll", "DEAD"),
                 ("poll", "TIMED_OUT"), ("session", "NO_MEMORY"), ("session", "TOO_DEEP")}


def scene(*steps):
    """Runs steps (call, arguments…, status name) and returns the model."""
    m = Model()
    for call, *arguments, status in [("quota", 2, OWN, 100, 100, 100, "OK"), *steps]:
        statuses, results = m.step(call, *arguments)
        assert ERRORS[status] in statuses, f"{call} {arguments}: {statuses}, expected {status}"
        m.results = results
    return m


def test_the_tables_are_read():
    assert TYPES["Endpoint"] == 5 and ERRORS["REVOKED"] == -6 and GENERIC["DERIVE"] == 1
    assert RIGHTS["Endpoint"]["MINT"] == 1 << 8 and "MINT" not in RIGHTS["Quota"]


def test_revoking_kills_what_is_below_and_nothing_else():
    m = scene(("endpoint", 3, 2, "OK"), ("session", 4, 3, 2, 7, 0, "OK"), ("derive", 5, 3, ALL, 4, "OK"),
              ("session", 6, 4, 2, 8, 0, "OK"), ("derive", 7, 3, ALL, 6, "OK"), ("session", 8, 3, 2, 9, 0, "OK"),
              ("derive", 9, 3, ALL, 8, "OK"), ("revoke", 4, 0, "OK"),
              ("derive", 10, 5, ALL, 0, "REVOKED"), ("derive", 11, 7, ALL, 0, "REVOKED"),
              ("session", 12, 4, 2, 1, 0, "REVOKED"), ("derive", 13, 9, ALL, 0, "OK"), ("revoke", 4, 0, "OK"))
    assert m.handles[13].badge == 9


def test_keep_spares_the_top():
    scene(("endpoint", 3, 2, "OK"), ("session", 4, 3, 2, 7, 0, "OK"), ("derive", 5, 3, ALL, 4, "OK"),
          ("session", 6, 4, 2, 8, 0, "OK"), ("derive", 7, 3, ALL, 6, "OK"), ("revoke", 4, 1, "OK"),
          ("derive", 8, 7, ALL, 0, "REVOKED"), ("derive", 9, 5, ALL, 0, "OK"), ("revoke", 3, 1, "OK"),
          ("derive", 10, 5, ALL, 0, "REVOKED"), ("derive", 11, 3, ALL, 0, "OK"))


def test_the_last_handle_closes_a_minted_session_and_the_server_hears_once():
    m = scene(("endpoint", 3, 2, "OK"), ("session", 4, 3, 2, 70, 0, "OK"), ("derive", 5, 3, ALL, 4, "OK"),
              ("copy", 6, 5, ALL, 1, "OK"), ("drain", 3, "OK"))
    assert m.results == (0, 0)
    m = scene(("endpoint", 3, 2, "OK"), ("session", 4, 3, 2, 70, 0, "OK"), ("derive", 5, 3, ALL, 4, "OK"), ("close", 5, "OK"),
              ("derive", 6, 3, ALL, 4, "REVOKED"), ("session", 7, 4, 2, 1, 0, "INVALID"), ("drain", 3, "OK"))
    assert m.results == (1, 70) and m.step("drain", 3) == ([0], (0, 0))


def test_a_node_is_charged_until_its_notice_is_received():
    m = scene(("endpoint", 3, 2, "OK"), ("quota", 4, 2, 0, 5, 0, "OK"), ("session", 5, 3, 4, 70, 0, "OK"),
              ("destroy", 4, "OK"))
    base = m.handles[2].object
    assert base.used[OBJECTS] == 2  # the endpoint, and the dead node that its Quota handed up
    m.step("drain", 3)
    assert base.used[OBJECTS] == 1


def test_limits_are_taken_from_the_parent_at_once_and_returned():
    m = scene(("quota", 3, 2, 60, 50, 10, "OK"), ("quota", 4, 2, 41, 1, 1, "NO_MEMORY"), ("quota", 4, 2, 1, 60, 1, "NO_OBJECTS"),
              ("memory", 5, 3, 4, 2, "OK"), ("adjust", 3, 3, 5, 0, "BUSY"), ("adjust", 3, 4, 1, 0, "OK"),
              ("endpoint", 6, 3, "NO_OBJECTS"), ("quota", 7, 2, 90, 1, 1, "OK"))
    assert m.handles[2].object.used == [94, 4, 1]
    m.step("destroy", 3)
    assert m.handles[2].object.used == [90, 2, 1]


def test_rights_only_shrink_and_dead_handles_can_be_closed():
    scene(("notification", 3, 2, "OK"), ("derive", 4, 3, ALL & ~RIGHTS["Notification"]["WAIT"], 0, "OK"),
          ("poll", 4, 1, "NO_RIGHT"), ("derive", 5, 4, ALL, 0, "OK"), ("poll", 5, 1, "NO_RIGHT"), ("signal", 5, 6, "OK"),
          ("poll", 3, 2, "OK"), ("poll", 3, 2, "WOULD_BLOCK"), ("poll", 2, 1, "BAD_TYPE"), ("destroy", 3, "OK"),
          ("signal", 5, 1, "REVOKED"), ("close", 5, "OK"), ("close", 5, "BAD_HANDLE"), ("close", 99, "BAD_HANDLE"))


def test_expiry_kills_below_too():
    scene(("endpoint", 3, 2, "OK"), ("session", 4, 3, 2, 7, 1, "INVALID"), ("session", 5, 3, 2, 7, 2, "OK"),
          ("session", 6, 5, 2, 8, 0, "OK"), ("derive", 7, 3, ALL, 6, "OK"), ("elapse", "OK"), ("derive", 8, 7, ALL, 0, "REVOKED"))


def count_again(m):
    """Each Quota's counters from the lists of what exists."""
    counted = {quota: [0, 0, 0] for quota in m.quotas()}
    for obj in m.objects:
        counted[obj.payer][OBJECTS] += 1
        counted[obj.payer][PAGES] += obj.pages
        if obj.kind == "Quota":
            for what in range(3):
                counted[obj.payer][what] += obj.limits[what]
    for node in m.nodes:
        counted[node.payer][OBJECTS] += 1
    counted[m.own][HANDLES] += sum(h.is_live for s, h in m.handles.items() if s != OWN)
    return counted


def check_tree(m):
    for node in m.nodes:
        assert node in node.parent.children and not (node.is_live and not node.parent.is_live)
        assert node.is_live or node.has_notice, "a dead node is kept for its notice only"
        counted = sum(h.is_live and h.node is node for h in m.handles.values())
        assert not node.is_minted or node.handles == counted
        assert not (node.is_closed and node.is_live and counted)


def check_handles(m):
    for handle in m.handles.values():
        if handle.is_live:
            assert handle.object.is_live and handle.node.is_below(handle.object.root)
            assert handle.rights & ~sum(RIGHTS[handle.object.kind].values()) == 0
            assert handle.badge == (handle.node.badge if handle.node.is_minted else handle.badge)


def check_state(m):
    for quota, used in count_again(m).items():
        assert quota.used == used, (quota.used, used)
        assert all(0 <= quota.used[what] <= quota.limits[what] for what in range(3))
    check_tree(m)
    check_handles(m)


def test_invariants_hold_after_each_step_of_random_traces():
    step = Model.step

    def checked(self, call, *arguments):
        before = self.state()
        outcome = step(self, call, *arguments)
        check_state(self)
        assert outcome[0][0] == 0 or self.state() == before, f"{call} {arguments} failed and changed the state"
        return outcome
    Model.step = checked
    try:
        for seed in SEEDS:
            trace = generate.make_trace(seed)
            assert trace.states[-1] == "own:0.0 n:0.0.0.0.0.0", f"seed {seed}: something is left"
            assert trace.next < 500, "more symbols than replay.h has room for"
    finally:
        Model.step = step


def test_traces_meet_every_documented_error():
    met = set().union(*(generate.make_trace(seed).statuses for seed in SEEDS))
    tables = abigen.load([str(ROOT / "abi" / f"{name}.idl") for name in ("calls", "counters", "errors", "objects")])
    calls = {call.name: call for call in tables.calls}
    missing = []
    for short, name in KERNEL_CALLS.items():
        documented = {error[0] for error in calls[name].errors} | {"OK"}
        missing += [(short, error) for error in sorted(documented)
                    if (short, ERRORS[error]) not in met and (short, error) not in NOT_IN_TRACES]
    assert not missing, missing


def test_traces_are_reproducible_and_as_the_component_has_them():
    first, again = generate.make_trace(5), generate.make_trace(5)
    assert first.lines == again.lines and first.lines != generate.make_trace(6).lines
    for line, state in zip(first.lines, first.states):
        words = line.split()
        assert len(words) == 11 and int(words[10]) == zlib.crc32(state.encode())
    assert generate.text_of([first]).count("\\n") == len(first.lines)


if __name__ == "__main__":
    selftest.main(__name__)
