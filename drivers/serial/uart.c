// SPDX-License-Identifier: MIT OR Apache-2.0
// 16550 registers: 115200 8N1, FIFOs on, receive interrupts always, transmit interrupts when asked.
#include <abi/info.h>

#include "uart.h"

enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPT_ENABLE = 1,
    UART_FIFO = 2, // written; read: interrupt identification
    UART_LINE = 3,
    UART_MODEM = 4,
    UART_LINE_STATUS = 5,
};

#define UART_PORT_COUNT         8u
#define UART_DIVISOR_115200     1u    // 1.8432 MHz / 16 / 115200
#define UART_LINE_DIVISOR_LATCH 0x80u // DLAB
#define UART_LINE_8N1           0x03u
#define UART_FIFO_ON            0x01u // interrupt at one byte, contents kept
#define UART_MODEM_LINES        0x0bu // DTR, RTS, OUT2: the interrupt's gate
#define UART_ENABLE_RECEIVE     0x01u
#define UART_ENABLE_TRANSMIT    0x02u
#define UART_STATUS_RECEIVED    0x01u
#define UART_STATUS_EMPTY       0x20u
#define UART_NOT_PENDING        0x01u // interrupt identification

static tes_status_t port_read(const struct uart *uart, enum uart_register which, uint8_t *out_value)
{
    uint64_t value = 0;
    tes_status_t status = tes_resource_control(uart->ports, TES_RESOURCE_CONTROL_PORT_READ,
                                               (uint64_t)uart->base + which, 1, 0, &value);
    *out_value = (uint8_t)value;
    return status;
}

static tes_status_t port_write(const struct uart *uart, enum uart_register which, uint32_t value)
{
    uint64_t result = 0;
    return tes_resource_control(uart->ports, TES_RESOURCE_CONTROL_PORT_WRITE,
                                (uint64_t)uart->base + which, 1, value, &result);
}

// The range was checked by uart_init: a port cannot fail later.
static uint8_t get(const struct uart *uart, enum uart_register which)
{
    uint8_t value = 0;
    return port_read(uart, which, &value) == TES_OK ? value : 0;
}

static void put(const struct uart *uart, enum uart_register which, uint32_t value)
{
    (void)!port_write(uart, which, value); // see get
}

tes_status_t uart_init(struct uart *uart, tes_resource_t ports)
{
    static const struct {
        enum uart_register which;
        uint32_t value;
    } steps[] = {
        { UART_INTERRUPT_ENABLE, 0 },
        { UART_LINE, UART_LINE_DIVISOR_LATCH },
        { UART_DATA, UART_DIVISOR_115200 },
        { UART_INTERRUPT_ENABLE, 0 },
        { UART_LINE, UART_LINE_8N1 },
        { UART_MODEM, UART_MODEM_LINES },
        { UART_INTERRUPT_ENABLE, UART_ENABLE_RECEIVE },
    };
    struct tes_info_resource range;
    uint64_t written = 0;
    tes_status_t status = tes_object_info(tes_resource_any(ports), TES_INFO_RESOURCE, 0,
                                          (uint64_t)&range, sizeof(range), &written);
    if (status != TES_OK) {
        return status;
    }
    if (range.kind != TES_RESOURCE_PORTS || range.size < UART_PORT_COUNT) {
        return TES_ERROR_OUT_OF_RANGE;
    }
    *uart = (struct uart){ .ports = ports, .base = (uint16_t)range.base };
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && status == TES_OK; i++) {
        status = port_write(uart, steps[i].which, steps[i].value);
    }
    // Bytes that came while no driver ran wait in the FIFO: it is switched on, not cleared.
    if (status == TES_OK) {
        status = port_write(uart, UART_FIFO, UART_FIFO_ON);
    }
    uart->interrupts = UART_ENABLE_RECEIVE;
    return status;
}

bool uart_receive(struct uart *uart, uint8_t *out_byte)
{
    if ((get(uart, UART_LINE_STATUS) & UART_STATUS_RECEIVED) == 0) {
        return false;
    }
    *out_byte = get(uart, UART_DATA);
    return true;
}

bool uart_may_send(struct uart *uart)
{
    return (get(uart, UART_LINE_STATUS) & UART_STATUS_EMPTY) != 0;
}

void uart_send(struct uart *uart, uint8_t byte)
{
    put(uart, UART_DATA, byte);
}

void uart_wants_to_send(struct uart *uart, bool is_wanted)
{
    uint32_t wanted = UART_ENABLE_RECEIVE | (is_wanted ? UART_ENABLE_TRANSMIT : 0);
    if (wanted != uart->interrupts) {
        uart->interrupts = wanted;
        put(uart, UART_INTERRUPT_ENABLE, wanted);
    }
}

bool uart_is_pending(struct uart *uart)
{
    return (get(uart, UART_FIFO) & UART_NOT_PENDING) == 0;
}
