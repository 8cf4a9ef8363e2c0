module  := kernel/debug
kind    := kernel
sources := log.c panic.c symbols.c trace.c lock.c
depends := kernel abi arch lib/rt
