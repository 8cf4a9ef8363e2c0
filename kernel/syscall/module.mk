# SPDX-License-Identifier: MIT OR Apache-2.0
module    := kernel/syscall
kind      := kernel
sources   :=
generated := abi/kernel/calls.c abi/kernel/call_names.c
depends   := kernel abi lib/rt arch
