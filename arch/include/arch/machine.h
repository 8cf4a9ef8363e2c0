// SPDX-License-Identifier: MIT OR Apache-2.0
// Contract: interrupt controller, debug console, ports, power, guest entry of a machine.
#pragma once

#include <abi/errors.h>
#include <kernel/types.h>

struct thread;
struct tes_fault;

uint32_t machine_irq_count(void);
// Routes source to the boot core, masked. flags: TES_IRQ_CREATE_LEVEL | _LOW (0: as the firmware
// says for it).
tes_status_t machine_irq_enable(uint32_t number, uint32_t flags) TES_MUST_CHECK;
void machine_irq_disable(uint32_t number);
void machine_irq_mask(uint32_t number);
void machine_irq_unmask(uint32_t number);

void machine_console_put(char c); // debug UART, polled
tes_status_t machine_port_read(uint16_t port, uint32_t size, uint32_t *out_value) TES_MUST_CHECK;
tes_status_t machine_port_write(uint16_t port, uint32_t size, uint32_t value) TES_MUST_CHECK;
tes_status_t machine_power_off(uint32_t code) TES_MUST_CHECK; // NOT_SUPPORTED
tes_status_t machine_reboot(void) TES_MUST_CHECK;
_Noreturn void
machine_panic_exit(void); // distinct exit code through the emulator's device, or halt
// Starts the other cores; each calls kernel_main_core. Returns how many run.
uint32_t machine_start_cores(void);
// Physical addresses that I/O Resources may name: not RAM the kernel manages.
bool machine_is_io_range(uint64_t base, uint64_t size);

// Guest entry: the C half of guest_enter (slow path; entry code has the fast one), and leaving with
// a reason. Puts the state page's registers (checked) into the frame and marks the thread as in its
// guest: BLOCKED, or BAD_ADDRESS.
tes_status_t machine_guest_enter(struct thread *thread) TES_MUST_CHECK;
void machine_guest_leave(struct thread *thread, uint32_t reason, const struct tes_fault *fault);
void machine_frame_backtrace(
    uint64_t from); // panic: prints what looks like return addresses on the stack; 0: own
