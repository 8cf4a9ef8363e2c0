// SPDX-License-Identifier: MIT OR Apache-2.0
// The debug console: a polled 16550 at the first serial port, on microvm and PC alike. A
// transmitter that never gets ready costs a bounded wait for each character. Called before
// relocation as well.
#include "x86.h"

#include <arch_boot/early.h>

#define UART_BASE       0x3f8u
#define UART_INTERRUPTS (UART_BASE + 1) // divisor's high byte while LINE_DIVISOR is set
#define UART_FIFO       (UART_BASE + 2)
#define UART_LINE       (UART_BASE + 3)
#define UART_MODEM      (UART_BASE + 4)
#define UART_STATUS     (UART_BASE + 5)
#define UART_PORTS      8u
#define LINE_DIVISOR    0x80u
#define LINE_8N1        0x03u
#define FIFO_ON_CLEAR   0x07u
#define MODEM_DTR_RTS   0x03u
#define STATUS_CAN_SEND 0x20u
#define DIVISOR_115200  1u
#define WAIT_ROUNDS     10000u

void machine_console_init(void)
{
    port_out8(UART_INTERRUPTS, 0);
    port_out8(UART_LINE, LINE_DIVISOR);
    port_out8(UART_BASE, DIVISOR_115200);
    port_out8(UART_INTERRUPTS, 0);
    port_out8(UART_LINE, LINE_8N1);
    port_out8(UART_FIFO, FIFO_ON_CLEAR);
    port_out8(UART_MODEM, MODEM_DTR_RTS);
}

bool console_has_port(uint16_t port)
{
    return port >= UART_BASE && port < UART_BASE + UART_PORTS;
}

void machine_console_put(char c)
{
    for (uint32_t i = 0; i < WAIT_ROUNDS && (port_in8(UART_STATUS) & STATUS_CAN_SEND) == 0; i++) {
        cpu_relax();
    }
    port_out8(UART_BASE, (uint8_t)c);
}
