# SPDX-License-Identifier: MIT OR Apache-2.0
module  := lib/tes
kind    := library
sources := start.c startup_block.c thread.c memory.c heap.c heap_pages.c ipc.c server.c stream.c log.c \
           status_text.c time.c date.c elf.c loader.c program.c text.c completion.c
depends := abi lib/rt lib/ring arch/$(ARCH)/user
exports := abi lib/rt lib/ring arch/$(ARCH)/user
target_only := start.c thread.c memory.c heap_pages.c ipc.c server.c stream.c log.c time.c loader.c program.c completion.c
