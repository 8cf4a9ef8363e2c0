# SPDX-License-Identifier: MIT OR Apache-2.0
module  := kernel/ipc
kind    := kernel
sources := endpoint.c message.c deliver.c receive.c reply.c calls.c cancel.c lease.c fault.c guest.c
depends := kernel abi lib/rt arch
