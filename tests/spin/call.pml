// SPDX-License-Identifier: MIT OR Apache-2.0
// Calls across cores: call, reply, kept Reply, cancel, kill, the endpoint's end, as in kernel/ipc and entry.S.
// Thread 0 calls from core 0; thread 1 calls from core 1, where the server (thread 2) lives, so its calls may take the
// fast paths. A core runs one kernel entry at a time. What is done under the endpoint's lock is one step (`atomic`) but
// where a reader without the lock can see the middle of it; waking a thread of the other core posts to its inbox.
// Checked: each call ends exactly once (`open`); a cancel or kill that returned has ended the call; a context is lent to
// one thread that runs at most; no thread waits for ever (invalid end states); no thread stays joined to a dead endpoint.
// Mutants (-DNAME, each must fail): STALE_SERVER, STALE_CALLER, CANCEL_ONCE, JOIN_DEAD, NO_RECHECK,
// LATE_QUEUE, KILL_SILENT, LOST_POST.

#ifndef EVENTS
#define EVENTS 2 // cancels, kills and ends in one run
#endif
#ifndef CALLS
#define CALLS 2  // per caller
#endif
#define SERVER 2
#define THREADS 3
#define NONE 9

mtype = { READY, WAIT_SEND, WAIT_REPLY, WAIT_RECEIVE, DEAD, DONE };
mtype = { UP, HOLD, DOWN };
#define POST_WAKE 1
#define POST_CANCEL 2
#define POST_KILL 4

mtype state[THREADS] = READY;
byte server_of[2] = NONE;    // caller's field `server`
byte caller = NONE;          // server's field `caller`
bit call_endpoint[2];
bit is_queued[2];            // in endpoint->callers
bit is_kept[2];              // its Reply was kept
byte context[THREADS];
byte inbox[THREADS];
byte calls_left[2] = CALLS;
bit open[2];                 // the call has started and has no result yet
bit is_joined;               // server's receive_endpoint, and endpoint->servers
bit is_receiving;            // in endpoint->receivers
mtype endpoint = UP;
bit is_dead;                 // the endpoint
bit lock;
byte kept = NONE;            // whose Reply the server holds
byte events = EVENTS;

#define IS_FREE(t) (state[t] == DONE || state[t] == DEAD)
#define HOME(t) (t != 0)
#define HAS_QUEUE (is_queued[0] || is_queued[1])

// All inlines up to the next line of dashes run with the lock held, inside an atomic step.

inline wake(core, t)
{
    if
#ifndef LOST_POST
    :: HOME(t) != core -> inbox[t] = inbox[t] | POST_WAKE
    :: HOME(t) == core && state[t] != DEAD -> state[t] = READY
#else
    :: state[t] != DEAD && inbox[t] == 0 -> state[t] = READY
#endif
    :: else
    fi
}

// call_end_locked
inline call_end(core, c)
{
    if
    :: server_of[c] != NONE ->
        caller = NONE;
        server_of[c] = NONE;
        context[SERVER] = SERVER
    :: else
    fi;
    is_kept[c] = 0;
    call_endpoint[c] = 0;
    assert(open[c]); // exactly one result
    open[c] = 0;
    wake(core, c)
}

inline deliver(c)
{
    caller = c;
    server_of[c] = SERVER;
    state[c] = WAIT_REPLY;
    context[SERVER] = context[c]
}

// The receiver that waits is taken off the list for something else than a call.
inline receiver_remove()
{
    is_receiving = 0;
#ifndef STALE_CALLER
    caller = NONE; // the fast reply left it
    context[SERVER] = SERVER
#endif
}

inline end_queued(core)
{
    if
    :: is_queued[0] -> is_queued[0] = 0; call_end(core, 0)
    :: else
    fi;
    if
    :: is_queued[1] -> is_queued[1] = 0; call_end(core, 1)
    :: else
    fi
}

// --------------------------------------------------------------------------------------------------------------------

inline call_slow(core, c)
{
    atomic {
        lock == 0 ->
        calls_left[c]--;
        if
        :: is_dead || endpoint == DOWN -> skip // PEER_DIED at once
        :: else ->
            open[c] = 1;
            call_endpoint[c] = 1;
#ifndef STALE_SERVER
            server_of[c] = NONE; // the fast reply left it
#endif
            if
            :: is_receiving ->
                is_receiving = 0;
                deliver(c);
                wake(core, SERVER)
            :: else ->
                state[c] = WAIT_SEND;
                is_queued[c] = 1
            fi
        fi
    }
}

inline call_fast()
{
    atomic {
        lock == 0 && is_receiving && inbox[SERVER] == 0 ->
        calls_left[1]--;
        open[1] = 1;
        is_receiving = 0;
        deliver(1);
        state[SERVER] = READY
    }
}

// ipc_cancel of a caller, on its home core: where it waits is read before the lock and looked at again with it. A server
// that keeps the Reply and then leaves its endpoint makes the first look fail: look again while the call goes on.
inline cancel_caller(core, c)
{
    do
    :: state[c] == WAIT_SEND || (state[c] == WAIT_REPLY && server_of[c] == NONE) ->
        is_found = call_endpoint[c];
        is_served = 0;
        break
    :: state[c] == WAIT_REPLY && server_of[c] != NONE ->
        is_served = 1;
        is_found = is_joined;
#ifdef CANCEL_ONCE
        break
#else
        if
        :: is_found || server_of[c] == SERVER -> break
        :: else // kept meanwhile, or ended
        fi
#endif
    od;
    if
    :: is_found ->
        atomic {
            lock == 0 ->
#ifndef NO_RECHECK
            is_found = (state[c] == WAIT_SEND && call_endpoint[c]) ||
                       (state[c] != WAIT_SEND && ((server_of[c] != NONE && is_joined) ||
                                                  (server_of[c] == NONE && call_endpoint[c])));
#endif
            if
            :: is_found -> is_queued[c] = 0; call_end(core, c)
            :: else
            fi
        }
    :: else
    fi;
    assert(!open[c]) // by this or by somebody else meanwhile: a cancel is not lost
}

// A cancel (thread_cancel, deadline) or kill of the caller that lives on this core.
inline caller_event(core, c)
{
    atomic { events > 0 && (state[c] == WAIT_SEND || state[c] == WAIT_REPLY) -> events-- }
    cancel_caller(core, c);
    if
    :: skip
    :: core == 0 -> // a kill
        atomic {
            state[c] = DEAD;
            calls_left[c] = 0
        }
    fi
}

inline cancel_receiver(core)
{
    atomic {
        lock == 0 ->
        if
        :: is_receiving -> receiver_remove(); wake(core, SERVER)
        :: else
        fi
    }
}

// thread_kill_local of the server; ends with its handles, so with the Reply it kept.
inline kill_server()
{
    if
    :: state[SERVER] == WAIT_RECEIVE -> cancel_receiver(1)
    :: else
    fi;
    atomic {
        lock == 0 ->
#ifndef KILL_SILENT
        if
        :: is_joined && caller != NONE -> who = caller; call_end(1, who)
        :: else
        fi;
#endif
        state[SERVER] = DEAD
    }
    atomic { // endpoint_leave
        lock == 0 ->
        if
        :: is_joined && endpoint == UP && !is_dead -> endpoint = HOLD
        :: else
        fi;
        is_joined = 0
    }
    atomic { // reply_destroy
        lock == 0 ->
        if
        :: kept != NONE && is_kept[kept] -> who = kept; call_end(1, who)
        :: else
        fi;
        kept = NONE
    }
}

// answer_served, or with a kept Reply sys_ipc_reply.
inline answer()
{
    atomic {
        lock == 0 ->
        if
        :: kept != NONE && is_kept[kept] -> who = kept; call_end(1, who)
        :: kept == NONE && is_joined && caller != NONE -> who = caller; call_end(1, who)
        :: else
        fi;
        kept = NONE
    }
}

inline reply_keep()
{
    atomic {
        lock == 0 ->
        if
        :: is_joined && caller != NONE ->
            lock = 1;
            kept = caller;
            is_kept[kept] = 1
        :: else
        fi
    }
    if
    :: lock && kept != NONE ->
        call_endpoint[kept] = 1; // first: a cancel on the other core reads without the lock
        server_of[kept] = NONE;
        atomic {
            caller = NONE;
            context[SERVER] = SERVER;
            lock = 0
        }
    :: else
    fi
}

inline take_caller(c)
{
    is_queued[c] = 0;
    deliver(c)
}

// receive_next
inline receive()
{
    atomic {
        lock == 0 ->
#ifdef JOIN_DEAD
        is_joined = 1;
#else
        is_joined = !is_dead;
#endif
#ifdef LATE_QUEUE
        is_found = HAS_QUEUE
#endif
    }
    atomic {
        lock == 0 ->
#ifndef LATE_QUEUE
        is_found = HAS_QUEUE;
#endif
        if
        :: is_dead -> is_found = 0
        :: !is_dead ->
            if
            :: endpoint == HOLD -> endpoint = UP
            :: else
            fi;
            if
            :: is_found && is_queued[0] -> take_caller(0)
            :: is_found && is_queued[1] -> take_caller(1)
            :: !is_found || !HAS_QUEUE ->
                state[SERVER] = WAIT_RECEIVE;
                caller = NONE;
                is_receiving = 1
            fi
        fi
    }
    assert(!is_joined || !is_dead || inbox[SERVER] != 0 || caller != NONE || state[SERVER] == WAIT_RECEIVE);
    if
    :: !is_joined && state[SERVER] == READY -> kill_server() // told that the endpoint is gone, it ends
    :: else
    fi
}

inline reply_recv_fast()
{
    atomic {
        lock == 0 && caller == 1 && kept == NONE && is_joined && !HAS_QUEUE && inbox[1] == 0 && !is_dead ->
        assert(open[1]);
        open[1] = 0;
        state[1] = READY;
        state[SERVER] = WAIT_RECEIVE;
        is_receiving = 1
    }
}

inline server_step()
{
    // Lent at most once: it runs on its own context, or on that of the caller whose call it has.
    assert(context[SERVER] == SERVER || (context[SERVER] == caller && open[caller]) || lock);
    if
    :: reply_recv_fast()
    :: answer(); receive()
    :: caller != NONE && kept == NONE -> reply_keep()
    fi
}

// Endpoint_destroy, by core 0.
inline destroy_endpoint()
{
    atomic {
        lock == 0 ->
        is_dead = 1;
        endpoint = DOWN;
        end_queued(0);
        if
        :: is_receiving -> receiver_remove(); wake(0, SERVER)
        :: else
        fi;
        if
        :: is_joined && caller != NONE && server_of[caller] == SERVER -> who = caller; call_end(0, who)
        :: else
        fi;
        is_joined = 0;
        if
        :: is_kept[0] -> call_end(0, 0)
        :: else
        fi;
        if
        :: is_kept[1] -> call_end(0, 1)
        :: else
        fi
    }
}

// run_operations for thread t on its core.
inline take_inbox(core, t)
{
    atomic {
        inbox[t] != 0 ->
        operations = inbox[t];
        inbox[t] = 0;
        if
        :: (operations & POST_WAKE) && state[t] != DEAD -> state[t] = READY
        :: else
        fi
    }
    if
    :: t == SERVER && (operations & POST_KILL) && state[t] != DEAD -> kill_server()
    :: t == SERVER && (operations & POST_CANCEL) && state[t] == WAIT_RECEIVE -> cancel_receiver(core)
    :: else
    fi
}

proctype core0()
{
    byte operations, who;
    bit is_found, is_served;
    do
    :: take_inbox(0, 0)
    :: state[0] == READY && inbox[0] == 0 && calls_left[0] > 0 -> call_slow(0, 0)
    :: caller_event(0, 0)
    // A server that never received leaves nobody on hold: its callers wait for the one that init starts next.
    :: atomic { events > 0 && state[SERVER] != DEAD && is_joined -> events--; inbox[SERVER] = inbox[SERVER] | POST_KILL }
    :: atomic { events > 0 && state[SERVER] != DEAD -> events--; inbox[SERVER] = inbox[SERVER] | POST_CANCEL }
    :: atomic { events > 0 && !is_dead -> events-- } destroy_endpoint()
    :: atomic { state[0] == READY && inbox[0] == 0 && calls_left[0] == 0 -> assert(!open[0]); state[0] = DONE }
    :: IS_FREE(0) && inbox[0] == 0 -> break
    od
}

proctype core1()
{
    byte operations, who;
    bit is_found, is_served;
    do
    :: take_inbox(1, 1)
    :: take_inbox(1, SERVER)
    :: state[1] == READY && inbox[1] == 0 && calls_left[1] > 0 ->
        if
        :: call_fast()
        :: call_slow(1, 1)
        fi
    :: caller_event(1, 1)
    :: state[SERVER] == READY && inbox[SERVER] == 0 -> server_step()
    :: atomic { endpoint == HOLD && lock == 0 -> endpoint = DOWN; end_queued(1) } // hold_expired
    :: atomic { state[1] == READY && inbox[1] == 0 && calls_left[1] == 0 -> assert(!open[1]); state[1] = DONE }
    :: IS_FREE(0) && IS_FREE(1) && inbox[0] == 0 && inbox[1] == 0 && inbox[SERVER] == 0 &&
        (state[SERVER] == DEAD || state[SERVER] == WAIT_RECEIVE) -> break
    od
}

init {
    atomic {
        context[0] = 0;
        context[1] = 1;
        context[SERVER] = SERVER;
        run core0();
        run core1()
    }
}
