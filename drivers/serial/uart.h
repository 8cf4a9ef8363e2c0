// SPDX-License-Identifier: MIT OR Apache-2.0
// The 16550 itself (TI PC16550D data sheet, section 8), through a Resource over its eight ports.
#pragma once

#include <stdbool.h>
#include <tes/calls.h>

struct uart {
    tes_resource_t ports;
    uint16_t base;
    uint32_t interrupts; // interrupt enable register as last written
};

#define UART_FIFO_SIZE 16u

tes_status_t uart_init(struct uart *uart, tes_resource_t ports) TES_MUST_CHECK;
// False: nothing has been received.
bool uart_receive(struct uart *uart, uint8_t *out_byte);
bool uart_may_send(struct uart *uart); // the transmitter is empty: UART_FIFO_SIZE bytes fit
void uart_send(struct uart *uart, uint8_t byte);
// Interrupt when the transmitter gets empty.
void uart_wants_to_send(struct uart *uart, bool is_wanted);
// Whether its line is still raised; reading it also clears a transmitter interrupt.
bool uart_is_pending(struct uart *uart);
