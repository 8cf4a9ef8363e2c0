# SPDX-License-Identifier: MIT OR Apache-2.0
module  := apps/shell
kind    := component
sources := main.c run.c job.c io.c variables.c complete.c line.c parse.c expand.c streams.c control.c files.c \
           bytes.c terminal.c commands.c command_basic.c command_files.c command_system.c command_kernel.c \
           command_programs.c command_bench.c table.c
depends := lib/tes
target_only := main.c run.c job.c io.c complete.c streams.c control.c terminal.c commands.c command_basic.c \
           command_files.c command_system.c command_kernel.c command_programs.c command_bench.c table.c
