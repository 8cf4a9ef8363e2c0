# SPDX-License-Identifier: MIT OR Apache-2.0
# gdb's commands for a stopped Tessera kernel: `help tessera` lists them. They walk the kernel's own structures by its
# symbols (built with -g, booted with nokaslr, as ./tessera debug does) and read memory only. Every walk is bounded, as
# the machine may have been stopped in the middle of a change.
import gdb

WALK_MAX = 100000
DEPTH_MAX = 64
PAGE_SIZE = 4096
COMMON_RIGHTS = ("derive", "transfer", "revoke", "destroy", "inspect", "control")


class WalkError(Exception):
    pass


def pointer(type_name):
    return gdb.lookup_type(type_name).pointer()


def static(source, name):
    """A static variable; several files have one of that name."""
    return gdb.parse_and_eval(f"'{source}'::{name}")


def offset_of(type_name, member):
    return int(gdb.Value(0).cast(pointer(type_name))[member].address)


def from_list(head, type_name, member):
    """The structures linked in a list by their list_node `member`."""
    offset = offset_of(type_name, member)
    node = head["next"]
    for _ in range(WALK_MAX):
        if int(node) == int(head.address):
            return
        if int(node) == 0:
            raise WalkError("a list has a null link: it is not set up yet, or is being changed")
        yield gdb.Value(int(node) - offset).cast(pointer(type_name))
        node = node["next"]
    raise WalkError("a list does not end")


def enum_name(type_name, prefix, value):
    for field in gdb.lookup_type(type_name).fields():
        if field.enumval == int(value):
            return field.name[len(prefix):].lower()
    return str(int(value))


def type_name_of(number):
    return enum_name("enum tes_object_type", "TES_TYPE_", number)


def text(array):
    data = bytes(int(array[i]) & 0xff for i in range(array.type.range()[1] + 1))
    return data.split(b"\0")[0].decode("utf-8", "replace")


def processes():
    return from_list(static("kernel/object/process.c", "all"), "struct process", "all")


def quotas():
    return from_list(static("kernel/object/quota.c", "all"), "struct quota", "all")


def threads_of(process):
    return from_list(process["threads"], "struct thread", "process_link")


def objects():
    """Every object: each hangs in the list of the Quota that pays for it; the first Quota pays for itself."""
    for quota in quotas():
        if int(quota["parent"]) == 0:
            yield quota["object"].address
        for thing in from_list(quota["objects"], "struct object", "charge"):
            yield thing


def find_object(word):
    """By id, or by address as a gdb expression."""
    wanted = int(gdb.parse_and_eval(word))
    for thing in objects():
        if wanted in (int(thing["id"]), int(thing)):
            return thing
    raise WalkError(f"there is no object with the id or address {word}")


def find_process(word):
    """By name, id or address."""
    for process in processes():
        if text(process["name"]) == word:
            return process
    thing = find_object(word)
    if int(thing["type"]) != int(gdb.parse_and_eval("(int)TES_TYPE_PROCESS")):
        raise WalkError(f"{word} is not a process")
    return thing.cast(pointer("struct process"))


def id_of(thing):
    return str(int(thing["id"])) if int(thing) != 0 else "-"


def print_table(head, rows):
    rows = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in [head] + rows) for i in range(len(head))]
    for row in [head] + rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


def core_of(thread):
    return int(thread["slow_flags"]) & 0xff


def current_threads():
    """Addresses of the threads that the cores run: each core's entry stack ends behind its thread's frame."""
    size = gdb.lookup_type("struct arch_frame").sizeof
    for core in range(int(gdb.parse_and_eval("cpu_count"))):
        tss = gdb.parse_and_eval(f"cpus[{core}]")["arch"]["tss"]
        yield (int(tss["rsp0_high"]) << 32 | int(tss["rsp0_low"])) - size


def show_threads(_):
    running = set(current_threads())
    rows = []
    for process in processes():
        for thread in threads_of(process):
            is_current = int(thread) in running
            state = "running" if is_current else enum_name("enum tes_thread_state", "TES_THREAD_", thread["state"])
            rows.append([int(thread["object"]["id"]), text(process["name"]), text(thread["name"]) or "-", state,
                         core_of(thread), int(thread["priority"]), id_of(thread["wait_object"]),
                         "-" if is_current else hex(int(thread["frame"]["rip"]))])
    print_table(["id", "process", "thread", "state", "core", "priority", "waits for", "at"], rows)


def show_processes(_):
    rows = [[int(p["object"]["id"]), text(p["name"]), ("new", "running", "ending")[min(int(p["state"]), 2)],
             int(p["thread_count"]), int(p["handles"]["used"]), id_of(p["quota"].cast(pointer("struct object"))),
             hex(int(p))] for p in processes()]
    print_table(["id", "name", "state", "threads", "handles", "quota", "at"], rows)


def right_names(rights):
    """Those that all types have by name (abi/objects.idl), the type's own as bits."""
    names = [name for bit, name in enumerate(COMMON_RIGHTS) if rights >> bit & 1]
    own = rights >> len(COMMON_RIGHTS) << len(COMMON_RIGHTS)
    return "+".join(names + ([hex(own)] if own else [])) or "none"


def slots_of(process):
    table = process["handles"]
    per_page = PAGE_SIZE // gdb.lookup_type("struct handle_slot").sizeof
    for page in range(int(table["page_count"])):
        for index in range(per_page):
            slot = table["pages"][page][index]
            if int(slot["generation"]) & 1:
                yield int(slot["generation"]) << 32 | (page * per_page + index) << 6, slot


def show_handles(words):
    if len(words) != 1:
        raise WalkError("usage: tessera handles PROCESS (name, id or address)")
    rows = []
    for value, slot in slots_of(find_process(words[0])):
        is_live = int(slot["epoch"]) != 0 and int(slot["session"]["epoch"]) == int(slot["epoch"])
        rows.append([hex(value), type_name_of(slot["type"]), id_of(slot["object"]),
                     right_names(int(slot["rights"])), hex(int(slot["badge"])),
                     "live" if is_live else "dead"])
    print_table(["handle", "type", "object", "rights", "badge", ""], rows)


def session_flags(session):
    flags = int(session["flags"])
    names = [f.name[len("SESSION_"):].lower() for f in gdb.lookup_type("enum session_flag").fields()
             if flags & f.enumval]
    return "+".join(names) or "-"


def show_session(session, depth):
    if depth > DEPTH_MAX:
        raise WalkError("the tree of Sessions is deeper than it can be")
    print(f"{'  ' * depth}epoch {int(session['epoch']):#x} badge {int(session['badge']):#x} "
          f"handles {int(session['handles'])} calls {int(session['calls'])} {session_flags(session)}")
    for child in from_list(session["children"], "struct session", "sibling"):
        show_session(child, depth + 1)


def show_sessions(words):
    if len(words) != 1:
        raise WalkError("usage: tessera sessions OBJECT (id or address)")
    thing = find_object(words[0])
    print(f"{type_name_of(thing['type'])} {id_of(thing)}")
    show_session(thing["root"], 1)


def chain_length(thread):
    count = 0
    while int(thread) != 0 and count < WALK_MAX:
        thread, count = thread["receiver_next"], count + 1
    return count


def count_tree(node, depth=0):
    if int(node) == 0:
        return 0
    if depth > DEPTH_MAX:
        raise WalkError("a tree is deeper than it can be")
    return 1 + sum(count_tree(node[side], depth + 1) for side in ("left", "right"))


def show_endpoints(_):
    wanted = int(gdb.parse_and_eval("(int)TES_TYPE_ENDPOINT"))
    rows = []
    for thing in objects():
        if int(thing["type"]) != wanted:
            continue
        e = thing.cast(pointer("struct endpoint"))
        servers = sorted({text(t["process"]["name"]) for t in from_list(e["servers"], "struct thread", "server_link")})
        rows.append([id_of(thing), enum_name("enum endpoint_state", "ENDPOINT_", e["state"]),
                     chain_length(e["receivers"]) + chain_length(e["slow_receivers"]),
                     count_tree(e["callers"]["root"]), hex(int(e["pending"])), " ".join(servers) or "-"])
    print_table(["id", "state", "receivers", "callers", "pending", "served by"], rows)


def show_quotas(_):
    rows = []
    for q in quotas():
        parent = q["parent"]
        rows.append([id_of(q["object"].address), id_of(parent["object"].address) if int(parent) else "-"]
                    + [f"{int(q[what + '_used'])}/{int(q[what + '_limit'])}" for what in ("pages", "objects", "handles")])
    print_table(["id", "parent", "pages", "objects", "handles"], rows)


def show_log(_):
    state = static("kernel/debug/log.c", "state")
    ring, end = state["ring"], int(state["end"])
    size = ring.type.sizeof
    data = bytes(gdb.selected_inferior().read_memory(int(ring.address), size))
    whole = data[:end] if end <= size else data[end % size:] + data[:end % size]
    print(whole.decode("utf-8", "replace"), end="")


COMMANDS = {
    "threads": (show_threads, "Every thread: state, core, priority, what it waits for and where it stands."),
    "processes": (show_processes, "Every process."),
    "handles": (show_handles, "tessera handles PROCESS: the handle table of a process (name, id or address)."),
    "sessions": (show_sessions, "tessera sessions OBJECT: the tree of Sessions of an object (id or address)."),
    "endpoints": (show_endpoints, "Every endpoint: state, receivers, callers, who serves it."),
    "quotas": (show_quotas, "Every Quota: what is used of what it may."),
    "log": (show_log, "The kernel's log ring."),
}


class Prefix(gdb.Command):
    """Tessera's kernel objects: threads, processes, handles, sessions, endpoints, quotas, log."""

    def __init__(self):
        super().__init__("tessera", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)


class Command(gdb.Command):
    def __init__(self, name, function, doc):
        self.__doc__ = doc
        self.function = function
        super().__init__(f"tessera {name}", gdb.COMMAND_DATA, gdb.COMPLETE_NONE)

    def invoke(self, argument, _):
        try:
            self.function(gdb.string_to_argv(argument))
        except WalkError as error:
            raise gdb.GdbError(str(error))
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"memory cannot be read; was the kernel booted with nokaslr? ({error})")


def register():
    Prefix()
    for name, (function, doc) in COMMANDS.items():
        Command(name, function, doc)


register()
