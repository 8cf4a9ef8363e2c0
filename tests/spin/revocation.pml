// SPDX-License-Identifier: MIT OR Apache-2.0
// Session revocation with quiescent reclamation, as in kernel/object and the fast paths of entry.S.
// Core 0 and core 1 read a slot without a lock and use what it names; core 1 also closes the handle and puts another
// one into the slot; core 3 makes a child Session and revokes
// a second time; core 2 revokes the parent top down, ends the object, waits until every core
// has left the kernel and gives the memory of object and node to something else. Checked by the assertions:
//   - nothing is done through a handle after the revocation of its Session returned;
//   - no core writes to (locks) memory that is no object any more, or uses an object, node or badge of another handle;
//   - epochs never repeat, so a recycled node never makes an old handle live.
// Mutants (-DNAME, each must fail): LOCK_FIRST, BADGE_LATE, NO_RECHECK, NO_BARRIER, BOTTOM_UP, NO_QUIESCENCE,
// EPOCH_REUSED, EPOCH_REREAD, REVOKE_BY_ZERO.

#define CORES 4
#define RAW 0       // what an object's memory holds: not an object
#define OBJECT_A 1  // the object that is revoked and ended
#define OBJECT_B 2  // another one, never ended
#define OBJECT_C 3  // made later in A's memory
#define NODE_P 0    // the Session that is revoked, of A
#define NODE_C 1    // below it, made while the revocation runs
#define NODE_B 2    // of B
#define HANDLES 3   // 0: to A under P; 1: to B; 2: to A under C
#define EPOCHS 10

// Memory of objects: cell 0 holds A, cell 1 B.
byte identity[2];
bit lock[2];
// Session nodes.
byte epoch[3];
byte last_epoch[3];   // what it was made with, until the node is freed
bit is_child;         // C hangs below P
bit tree_lock;
byte epoch_next = 1;  // per-core counters with the core in the top byte act as one

// The slot. generation is even when it is empty.
byte slot_cell;
byte slot_node;
byte slot_epoch;
byte slot_badge;
byte slot_generation;
bit table_lock;
// Quiescence: each core's counter and whether it is in the kernel.
byte count[CORES];
// What the specification knows of handle h.
byte handle_generation[HANDLES];
byte handle_identity[HANDLES];
byte handle_node[HANDLES];
byte handle_epoch[HANDLES];
bit is_revoked[HANDLES]; // the revocation of its Session has returned
bit is_used[EPOCHS];
bit is_derived;       // handle 2 exists
bit is_done[CORES];   // the core has nothing to do any more: it idles

inline acquire(l)
{
    atomic { l == 0 -> l = 1 }
}

inline release(l)
{
    l = 0
}

inline new_epoch(node)
{
    atomic {
#ifndef EPOCH_REUSED
        assert(!is_used[epoch_next]);
#endif
        is_used[epoch_next] = 1;
        last_epoch[node] = epoch_next;
        epoch[node] = epoch_next;
        epoch_next++
    }
}

// The slot is empty; its generation becomes odd last.
inline fill_slot(new_cell, new_node, new_epoch_value, h)
{
    slot_cell = new_cell;
    slot_node = new_node;
    slot_epoch = new_epoch_value;
    slot_badge = h + 1;
    atomic {
        slot_generation++;
        handle_generation[h] = slot_generation;
        handle_identity[h] = identity[new_cell];
        handle_node[h] = new_node;
        handle_epoch[h] = new_epoch_value
    }
}

inline empty_slot()
{
    slot_generation++;
    slot_cell = 1; // B's memory and node stand for object_none and session_none
    slot_node = NODE_B;
    slot_epoch = EPOCHS
}

inline lock_object()
{
    assert(identity[cell] != RAW);
    acquire(lock[cell]);
    held = 1
}

// A fast path: the user gives the generation of handle h.
inline use(h)
{
    cell = slot_cell;
#ifdef LOCK_FIRST
    lock_object();
#endif
    node = slot_node;
    seen = slot_epoch;
#ifndef BADGE_LATE
    badge = slot_badge;
#endif
    is_good = (slot_generation == handle_generation[h]);
    is_good = is_good && (epoch[node] == seen);
    if
    :: is_good && !held ->
        lock_object();
#ifndef NO_RECHECK
        is_good = (epoch[node] == seen)
#endif
    :: else
    fi;
    if
    :: is_good -> // the commit
        assert(!is_revoked[h]);
        assert(identity[cell] == handle_identity[h]);
        assert(node == handle_node[h] && seen == handle_epoch[h])
    :: else
    fi;
    if
    :: held -> held = 0; release(lock[cell])
    :: else
    fi;
#ifdef BADGE_LATE
    badge = slot_badge;
#endif
    assert(!is_good || badge == h + 1) // what the receiver is told
}

inline leave_kernel(core)
{
    atomic {
        count[core]++;
        cell = 0;
        node = 0;
        seen = 0;
        badge = 0;
        is_good = 0
    }
}

proctype reader()
{
    byte cell, node, seen, badge;
    bit is_good, held;
    use(0);
    leave_kernel(0);
    if
    :: is_derived -> use(2)
    :: !is_derived -> use(0)
    fi;
    leave_kernel(0);
    is_done[0] = 1
}

// Closes what the slot holds and puts handle 1 there; a reader as well.
proctype table_writer()
{
    byte cell, node, seen, badge;
    bit is_good, held;
    acquire(table_lock);
    empty_slot();
    fill_slot(1, NODE_B, last_epoch[NODE_B], 1);
    release(table_lock);
    leave_kernel(1);
    if
    :: use(1)
    :: use(0)
    fi;
    leave_kernel(1);
    is_done[1] = 1
}

// A Session below P and a handle under it, in the same slot, at any time: it fails once P is dead. Then a Session handle
// that still names P revokes again.
proctype deriver()
{
    byte made = 0;
    bit is_same;
    acquire(tree_lock);
    if
    :: epoch[NODE_P] == last_epoch[NODE_P] && epoch[NODE_P] != 0 ->
        is_child = 1;
        new_epoch(NODE_C);
        made = epoch[NODE_C]
    :: else
    fi;
    release(tree_lock);
    acquire(table_lock);
    if
    :: made != 0 && slot_generation == handle_generation[0] ->
        empty_slot();
#ifdef EPOCH_REREAD
        fill_slot(0, NODE_C, epoch[NODE_C], 2);
#else
        fill_slot(0, NODE_C, made, 2);
#endif
        is_derived = 1
    :: else
    fi;
    release(table_lock);
    count[3]++;
#ifdef REVOKE_BY_ZERO
    is_same = (epoch[NODE_P] == 0 || epoch[NODE_P] == handle_epoch[0]);
#else
    is_same = (epoch[NODE_P] == handle_epoch[0]); // live now: not freed before this core leaves the kernel
#endif
    if
    :: is_same ->
        acquire(tree_lock);
        assert(epoch[NODE_P] == 0 || last_epoch[NODE_P] == handle_epoch[0]); // never a stranger's
        epoch[NODE_P] = 0;
        release(tree_lock)
    :: else
    fi;
    atomic { count[3]++; is_done[3] = 1 }
}

inline kill_parent()
{
    acquire(tree_lock);
    epoch[NODE_P] = 0;
    release(tree_lock);
    pass_object()
}

inline kill_child()
{
    acquire(tree_lock);
    if
    :: is_child -> epoch[NODE_C] = 0
    :: else
    fi;
    release(tree_lock);
    pass_object()
}

// ipc_session_revoked takes the endpoint's lock: whoever saw the old epoch under it has committed.
inline pass_object()
{
#ifdef NO_BARRIER
    skip
#else
    acquire(lock[0]);
    release(lock[0])
#endif
}

inline wait_quiescent()
{
#ifdef NO_QUIESCENCE
    skip
#else
    atomic {
        since[0] = count[0];
        since[1] = count[1];
        since[3] = count[3]
    }
    (count[0] != since[0] || is_done[0]);
    (count[1] != since[1] || is_done[1]);
    (count[3] != since[3] || is_done[3])
#endif
}

proctype revoker()
{
    byte since[CORES];
#ifdef BOTTOM_UP
    kill_child();
    kill_parent();
#else
    kill_parent();
    kill_child();
#endif
    atomic {
        is_revoked[0] = 1;
        is_revoked[2] = 1
    }
    wait_quiescent();
    atomic { // the object's memory and the nodes are free
        identity[0] = RAW;
        last_epoch[NODE_P] = 0
    }
#ifdef EPOCH_REUSED
    epoch_next = 1;
#endif
    identity[0] = OBJECT_C;
    acquire(tree_lock);
    new_epoch(NODE_P); // now of C
    release(tree_lock);
    is_done[2] = 1
}

init {
    atomic {
        identity[0] = OBJECT_A;
        identity[1] = OBJECT_B;
        new_epoch(NODE_P);
        new_epoch(NODE_B);
        fill_slot(0, NODE_P, epoch[NODE_P], 0);
        run reader();
        run table_writer();
        run deriver();
        run revoker()
    }
}
