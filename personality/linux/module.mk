# SPDX-License-Identifier: MIT OR Apache-2.0
module    := personality/linux
kind      := library
sources   := calls_attribute.c calls_copy.c calls_directory.c calls_io.c calls_limit.c calls_listing.c calls_memory.c \
             calls_misc.c calls_path.c calls_poll.c calls_process.c calls_signal.c calls_stat.c calls_time.c \
             container.c dispatch.c elf.c exec.c file_data.c file_io.c files.c guest.c heap.c memory.c path.c \
             pipe.c proc.c proc_text.c signal_frame.c signals.c special.c terminal.c text.c trace.c \
             trace_argument.c trace_text.c tree.c
depends   := lib/rt
generator := gen_calls.py calls.idl
generated := personality/linux/linux_calls.c
