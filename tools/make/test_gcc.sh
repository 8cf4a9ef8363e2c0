#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# The kernel and every component build clean with gcc too. Prints TAP.
number=0
for goal in kernel components; do
    number=$((number + 1))
    if output=$(make -s -j2 CC=gcc "BUILD=${BUILD:-build}" "ARCH=${TESSERA_ARCH:-x86_64}" $goal 2>&1); then
        echo "ok $number - $goal: gcc builds it without a warning"
    else
        printf '%s\n' "$output" | sed 's/^/# /' | head -40
        echo "not ok $number - $goal: gcc builds it without a warning"
    fi
done
echo "1..$number"
