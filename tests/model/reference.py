# SPDX-License-Identifier: MIT OR Apache-2.0
# An executable model of handles, rights, Quotas and Sessions, written from abi/calls.idl and the architecture page, not
# from the kernel: plain objects, no epochs, no slots, no locks. One method for each call; each returns the statuses that
# are right (an answer through a dead handle may say REVOKED, or BAD_HANDLE once its slot was used again) and the results.
# A step's effects are complete when it returns: the replay waits until the kernel's deferred work has caught up.
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES, OBJECTS, HANDLES = range(3)
RIGHTS_MASK = 0xFFFF
OWN = 1             # symbol of the process's own Quota: no limit is reached there
EXPIRY_PAST, EXPIRY_SOON = 1, 2
COPY_MOVE, REVOKE_KEEP = 1, 1
MEMORY_CONTIGUOUS, MEMORY_COMMIT = 1, 2 # both are charged at once


def read_table(name, pattern):
    text = (ROOT / "abi" / name).read_text(encoding="utf-8")
    return re.findall(pattern, text, re.MULTILINE)


ERRORS = {"OK": 0, **{name: int(number) for name, number in read_table("errors.idl", r"^error (\w+)\s+(-\d+)")}}
GENERIC = {name: 1 << int(bit) for name, bit in read_table("objects.idl", r"^right (\w+)\s+(\d+)")}
TYPES, RIGHTS = {}, {}
for _kind, _name, _number in read_table("objects.idl", r"^(object|    right) (\w+) (\d+)"):
    if _kind == "object":
        TYPES[_name], _rights = int(_number), dict(GENERIC)
        RIGHTS[_name] = _rights
    else:
        _rights[_name] = 1 << int(_number)


class Refused(Exception):
    """The call changes nothing and returns one of these."""

    def __init__(self, *names):
        super().__init__(*names)
        self.statuses = [ERRORS[name] for name in names]


class Node:
    """A Session."""

    def __init__(self, obj, parent=None, payer=None, badge=0, is_minted=False, is_soon=False):
        self.object, self.parent, self.payer, self.badge = obj, parent, payer, badge
        self.is_minted, self.is_soon = is_minted, is_soon
        self.children, self.handles = [], 0
        self.is_live, self.is_closed, self.has_notice, self.is_freed = True, False, False, False
        if parent:
            parent.children.append(self)

    def is_below(self, above):
        node = self
        while node and node is not above:
            node = node.parent
        return node is above

    def subtree(self):
        yield self
        for child in self.children:
            yield from child.subtree()


class Object:
    def __init__(self, kind, payer, pages=0):
        self.kind, self.payer, self.pages, self.root = kind, payer, pages, Node(self)
        self.is_live, self.bits, self.node = True, 0, None


class Quota(Object):
    def __init__(self, payer, limits):
        super().__init__("Quota", payer)
        self.limits, self.used = list(limits), [0, 0, 0]

    def charge(self, what, count):
        if self.used[what] + count > self.limits[what]:
            raise Refused(("NO_MEMORY", "NO_OBJECTS", "NO_HANDLES")[what])
        self.used[what] += count


class Handle:
    def __init__(self, obj, node, rights, badge):
        self.object, self.node, self.rights, self.badge, self.is_open = obj, node, rights, badge, True

    @property
    def is_live(self):
        return self.is_open and self.node.is_live


class Model:
    """The state, and the calls. Handles are symbols: small numbers, never used twice; 0 is no handle."""

    def __init__(self):
        self.own = Quota(None, [1 << 60] * 3)
        self.objects, self.nodes = [], []
        self.handles = {OWN: Handle(self.own, self.own.root, sum(RIGHTS["Quota"].values()), 0)}

    # --- one step ---------------------------------------------------------------------------------

    def step(self, call, *arguments):
        """Runs the call; returns (statuses, results)."""
        kept = [(quota, list(quota.used)) for quota in self.quotas()]
        try:
            results = getattr(self, f"do_{call}")(*arguments)
        except Refused as refused:
            for quota, used in kept:
                quota.used = used
            return refused.statuses, (0, 0)
        self.reclaim()
        return [0], results or (0, 0)

    def quotas(self):
        return [self.own] + [o for o in self.objects if o.kind == "Quota"]

    def find(self, symbol, kind=None, right=None):
        handle = self.handles.get(symbol)
        if handle is None or not handle.is_open:
            raise Refused("BAD_HANDLE")
        if not handle.is_live:
            raise Refused("REVOKED", "BAD_HANDLE")
        if kind and handle.object.kind != kind:
            raise Refused("BAD_TYPE")
        if right and not handle.rights & RIGHTS[handle.object.kind][right]:
            raise Refused("NO_RIGHT")
        return handle

    def put(self, symbol, obj, node=None, rights=None, badge=0):
        """A new handle."""
        node = node or obj.root
        if node.is_minted:
            if node.is_closed:
                raise Refused("REVOKED")
            node.handles += 1
        self.own.charge(HANDLES, 1)
        self.handles[symbol] = Handle(obj, node, sum(RIGHTS[obj.kind].values()) if rights is None else rights, badge)

    def make(self, symbol, obj):
        """The object was paid for."""
        self.objects.append(obj)
        self.put(symbol, obj)

    # --- Quotas and objects -------------------------------------------------------------------------

    def do_quota(self, new, parent, pages, objects, handles):
        payer = self.find(parent, "Quota", "CREATE").object
        for what, count in enumerate((pages, objects, handles)):
            payer.charge(what, count)
        payer.charge(OBJECTS, 1)
        self.make(new, Quota(payer, (pages, objects, handles)))

    def do_adjust(self, symbol, pages, objects, handles):
        quota = self.find(symbol, "Quota", "CONTROL").object
        if quota.payer is None:
            raise Refused("INVALID")
        wanted = [pages, objects, handles]
        for what in range(3):
            quota.payer.charge(what, max(0, wanted[what] - quota.limits[what]))
        if any(wanted[what] < quota.used[what] for what in range(3)):
            raise Refused("BUSY")
        for what in range(3):
            quota.payer.used[what] -= max(0, quota.limits[what] - wanted[what])
        quota.limits = wanted

    def create(self, new, quota, kind, pages=0):
        payer = self.find(quota, "Quota", "CREATE").object
        short = [name for name, what, count in (("NO_OBJECTS", OBJECTS, 1), ("NO_MEMORY", PAGES, pages))
                 if payer.used[what] + count > payer.limits[what]]
        if short:
            raise Refused(*short)
        payer.charge(OBJECTS, 1)
        payer.charge(PAGES, pages)
        self.make(new, Object(kind, payer, pages))

    def do_endpoint(self, new, quota):
        self.create(new, quota, "Endpoint")

    def do_notification(self, new, quota):
        self.create(new, quota, "Notification")

    def do_memory(self, new, quota, pages, flags):
        self.find(quota, "Quota", "CREATE")
        if pages == 0 or flags & ~(MEMORY_CONTIGUOUS | MEMORY_COMMIT):
            raise Refused("INVALID")
        self.create(new, quota, "Memory", pages if flags else 0)

    def do_destroy(self, symbol):
        handle = self.find(symbol, None, "DESTROY")
        if handle.object is self.own:
            raise Refused("BUSY")
        self.end_object(handle.object)

    def end_object(self, obj):
        if not obj.is_live:
            return
        obj.is_live = False
        for node in list(obj.root.subtree())[1:]:
            node.has_notice = False
            self.kill(node)
        if obj.kind == "Session":
            self.kill_tree(obj.node)
        if obj.kind == "Quota":
            self.end_quota(obj)
        obj.root.is_live = False
        obj.payer.used[OBJECTS] -= 1
        obj.payer.used[PAGES] -= obj.pages
        self.objects.remove(obj)

    def end_quota(self, quota):
        for obj in [o for o in self.objects if o.payer is quota]:
            self.end_object(obj)
        for node in [n for n in self.nodes if n.payer is quota]:
            self.kill_tree(node)
        self.reclaim()
        for what in range(3):
            quota.payer.used[what] -= quota.limits[what]
        for node in [n for n in self.nodes if n.payer is quota]: # their notices were not received yet
            node.payer = quota.payer
            quota.payer.used[OBJECTS] += 1

    # --- Sessions ---------------------------------------------------------------------------------------

    def do_session(self, new, parent, quota, badge, expiry):
        handle = self.find(parent, None, "DERIVE")
        payer = self.find(quota, "Quota", "CREATE").object if quota else None
        if payer is None:
            raise Refused("INVALID")
        above, is_minted = handle.node, False
        if handle.object.kind == "Session":
            above = handle.object.node
            is_minted = above.is_minted
        elif handle.object.kind == "Endpoint":
            is_minted = bool(handle.rights & RIGHTS["Endpoint"]["MINT"])
        if not above.is_live:
            raise Refused("REVOKED")
        if expiry == EXPIRY_PAST:
            raise Refused("INVALID")
        payer.charge(OBJECTS, 1)
        if above.is_closed:
            raise Refused("INVALID")
        payer.charge(OBJECTS, 1)  # the object that controls the node
        node = Node(above.object, above, payer, badge, is_minted, expiry == EXPIRY_SOON)
        self.nodes.append(node)
        control = Object("Session", payer)
        control.node = node
        self.make(new, control)

    def kill(self, node):
        """One Session dies; those below are the caller's to kill."""
        if not node.is_live:
            return
        node.is_live, node.handles = False, 0
        self.close_node(node)

    def kill_tree(self, top, keeps_top=False):
        for node in list(top.subtree())[keeps_top:]:
            self.kill(node)

    def close_node(self, node):
        """No handle is left: the server hears of it."""
        if not node.is_closed:
            node.is_closed = True
            node.has_notice = node.is_minted and node.object.is_live

    def reclaim(self):
        """What deferred work frees: dead nodes that owe no notice, and closed ones with nothing below."""
        is_changed = True
        while is_changed:
            is_changed = False
            for node in self.nodes:
                is_over = node.is_closed and not node.has_notice and not any(c.is_live for c in node.children)
                if is_over:
                    node.is_live, node.is_freed, is_changed = False, True, True
                    node.payer.used[OBJECTS] -= 1
            for node in [n for n in self.nodes if n.is_freed]:
                node.parent.children.remove(node)
                for child in node.children: # dead, with a notice of its own that was not received yet
                    child.parent = node.parent
                    node.parent.children.append(child)
            self.nodes = [n for n in self.nodes if not n.is_freed]
        self.own.used[HANDLES] = self.own_limits() + sum(
            handle.is_live for symbol, handle in self.handles.items() if symbol != OWN)

    def own_limits(self):
        return sum(quota.limits[HANDLES] for quota in self.quotas()[1:] if quota.payer is self.own)

    def do_elapse(self):
        for node in [n for n in self.nodes if n.is_soon and n.is_live]:
            self.kill_tree(node)

    def do_drain(self, symbol):
        """Receives all notices: how many, and the sum of their badges."""
        endpoint = self.find(symbol, "Endpoint", "RECEIVE").object
        told = [n for n in self.nodes if n.object is endpoint and n.has_notice]
        for node in told:
            node.has_notice = False
        return len(told), sum(n.badge for n in told)

    # --- handles ------------------------------------------------------------------------------------------

    def do_derive(self, new, symbol, rights, session):
        handle = self.find(symbol, None, "DERIVE")
        control = self.find(session, "Session", "DERIVE").object if session else None
        if rights & ~RIGHTS_MASK:
            raise Refused("INVALID")
        node, badge = handle.node, handle.badge
        if control:
            node = control.node
            if not node.is_live:
                raise Refused("REVOKED")
            if node.object is not handle.object or not node.is_below(handle.node):
                raise Refused("INVALID")
            badge = node.badge if node.is_minted else badge
        self.put(new, handle.object, node, handle.rights & rights, badge)

    def do_copy(self, new, symbol, rights, flags):
        handle = self.find(symbol, None, "TRANSFER")
        if flags & ~COPY_MOVE or rights & ~RIGHTS_MASK:
            raise Refused("INVALID")
        self.put(new, handle.object, handle.node, handle.rights if flags else handle.rights & rights, handle.badge)
        if flags:
            self.close(handle)

    def close(self, handle):
        handle.is_open = False
        if handle.node.is_live and handle.node.is_minted:
            handle.node.handles -= 1
            if handle.node.handles == 0:
                self.close_node(handle.node)

    def do_close(self, symbol):
        handle = self.handles.get(symbol)
        if handle is None or not handle.is_open:
            raise Refused("BAD_HANDLE")
        is_live = handle.is_live
        self.close(handle)
        if not is_live:
            raise Refused("OK", "BAD_HANDLE")

    def do_revoke(self, symbol, flags):
        handle = self.find(symbol, None, "REVOKE")
        if flags & ~REVOKE_KEEP:
            raise Refused("INVALID")
        top = handle.object.node if handle.object.kind == "Session" else handle.object.root
        if flags and not top.is_live:
            return
        self.kill_tree(top, bool(flags))

    # --- notifications: simple calls, also on the fast path ---------------------------------------------------

    def do_signal(self, symbol, bits):
        self.find(symbol, "Notification", "SIGNAL").object.bits |= bits

    def do_poll(self, symbol, mask):
        notification = self.find(symbol, "Notification", "WAIT").object
        if mask == 0:
            raise Refused("INVALID")
        taken = notification.bits & mask
        if not taken:
            raise Refused("WOULD_BLOCK")
        notification.bits &= ~mask
        return taken, 0

    # --- what can be seen of the state ------------------------------------------------------------------------

    def state(self):
        """As text, the same as replay/state.c makes of what the kernel says."""
        parts = []
        for symbol, handle in sorted(self.handles.items()):
            if symbol == OWN or not handle.is_open:
                continue
            shown = "dead"
            if handle.is_live:
                shown = f"{TYPES[handle.object.kind]}.{handle.rights:x}.{handle.badge:x}"
            parts.append(f"h{symbol}:{shown}")
        for symbol, handle in sorted(self.handles.items()):
            if symbol != OWN and handle.is_live and handle.object.kind == "Quota" and handle.rights & GENERIC["INSPECT"]:
                pairs = zip(handle.object.limits, handle.object.used)
                parts.append(f"q{symbol}:" + ".".join(f"{limit}.{used}" for limit, used in pairs))
        kinds = ("Endpoint", "Notification", "Quota", "Memory", "Session")
        counts = [sum(o.kind == kind for o in self.objects) for kind in kinds]
        parts.append(f"own:{self.own.used[OBJECTS]}.{self.own.used[HANDLES]}")
        parts.append("n:" + ".".join(str(count) for count in [len(self.objects) + len(self.nodes)] + counts))
        return " ".join(parts)
