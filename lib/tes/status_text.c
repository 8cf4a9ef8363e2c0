// SPDX-License-Identifier: MIT OR Apache-2.0
// Status codes in short words, for messages to people.
#include <abi/errors.h>
#include <tes/log.h>

static const char *const texts[] = {
    [-TES_OK] = "ok",
    [-TES_ERROR_INVALID] = "invalid argument",
    [-TES_ERROR_BAD_CALL] = "no such kernel call",
    [-TES_ERROR_BAD_HANDLE] = "no such handle",
    [-TES_ERROR_BAD_TYPE] = "handle of another type",
    [-TES_ERROR_NO_RIGHT] = "not permitted by the handle",
    [-TES_ERROR_REVOKED] = "revoked",
    [-TES_ERROR_NO_MEMORY] = "out of memory",
    [-TES_ERROR_NO_OBJECTS] = "out of objects",
    [-TES_ERROR_NO_HANDLES] = "out of handles",
    [-TES_ERROR_BAD_ADDRESS] = "bad address",
    [-TES_ERROR_OUT_OF_RANGE] = "out of range",
    [-TES_ERROR_OVERLAP] = "address range in use",
    [-TES_ERROR_NOT_FOUND] = "not found",
    [-TES_ERROR_BUSY] = "busy",
    [-TES_ERROR_WOULD_BLOCK] = "would wait",
    [-TES_ERROR_TIMED_OUT] = "timed out",
    [-TES_ERROR_CANCELLED] = "interrupted",
    [-TES_ERROR_CANCELLED_UNKNOWN] = "interrupted, outcome unknown",
    [-TES_ERROR_PEER_DIED] = "the service died",
    [-TES_ERROR_PEER_RESTARTED] = "the service was restarted",
    [-TES_ERROR_NOT_CALLED] = "nobody to answer",
    [-TES_ERROR_TOO_MANY_HANDLES] = "too many handles",
    [-TES_ERROR_BAD_LEASE] = "no such lease",
    [-TES_ERROR_FAULT] = "lent memory not present",
    [-TES_ERROR_SEALED] = "sealed",
    [-TES_ERROR_DEAD] = "gone",
    [-TES_ERROR_STARTED] = "started",
    [-TES_ERROR_NOT_SUPPORTED] = "not supported",
    [-TES_ERROR_TOO_DEEP] = "nested too deep",
    [-TES_ERROR_LOW_BUDGET] = "time budget too low",
};

const char *tes_status_text(int status)
{
    const int count = (int)(sizeof(texts) / sizeof(texts[0]));
    if (status > 0 || status <= -count || texts[-status] == (const char *)0) {
        return "unknown error";
    }
    return texts[-status];
}
