# SPDX-License-Identifier: MIT OR Apache-2.0
module  := arch/$(ARCH)/kernel
kind    := kernel
sources := entry.S guest_entry.S trap.S trampoline.S offsets.c apic.c clock.c console.c cpu.c guest.c \
    ioapic.c machine.c mmu.c smp.c start.c timer.c trap.c vector.c
depends := arch kernel abi lib/rt arch/$(ARCH)/boot arch/$(ARCH)/firmware
