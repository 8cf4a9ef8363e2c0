// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: entering the kernel with `syscall`. tes_arch_call_<n> takes n arguments from data and
// leaves both results there; the status is returned. Register convention: abi_arch/registers.h.
// Users take the typed stubs of <tes/calls.h>; only tests and message stubs come here directly.
#pragma once

#include <abi/call_data.h>
#include <abi/errors.h>
#include <stdint.h>

static inline TES_MUST_CHECK tes_status_t tes_arch_call_0(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdx;
    register uint64_t r8 __asm__("r8");
    __asm__ volatile("syscall"
                     : "+a"(number), "=d"(rdx), "=r"(r8)
                     :
                     : "rdi", "rsi", "r9", "r10", "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

static inline TES_MUST_CHECK tes_status_t tes_arch_call_1(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdi = data->arguments[0];
    uint64_t rdx;
    register uint64_t r8 __asm__("r8");
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(rdi), "=d"(rdx), "=r"(r8)
                     :
                     : "rsi", "r9", "r10", "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

static inline TES_MUST_CHECK tes_status_t tes_arch_call_2(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdi = data->arguments[0];
    uint64_t rsi = data->arguments[1];
    uint64_t rdx;
    register uint64_t r8 __asm__("r8");
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(rdi), "+S"(rsi), "=d"(rdx), "=r"(r8)
                     :
                     : "r9", "r10", "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

static inline TES_MUST_CHECK tes_status_t tes_arch_call_3(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdi = data->arguments[0];
    uint64_t rsi = data->arguments[1];
    uint64_t rdx = data->arguments[2];
    register uint64_t r8 __asm__("r8");
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(rdi), "+S"(rsi), "+d"(rdx), "=r"(r8)
                     :
                     : "r9", "r10", "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

static inline TES_MUST_CHECK tes_status_t tes_arch_call_4(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdi = data->arguments[0];
    uint64_t rsi = data->arguments[1];
    uint64_t rdx = data->arguments[2];
    register uint64_t r8 __asm__("r8") = data->arguments[3];
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8)
                     :
                     : "r9", "r10", "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

static inline TES_MUST_CHECK tes_status_t tes_arch_call_5(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdi = data->arguments[0];
    uint64_t rsi = data->arguments[1];
    uint64_t rdx = data->arguments[2];
    register uint64_t r8 __asm__("r8") = data->arguments[3];
    register uint64_t r9 __asm__("r9") = data->arguments[4];
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9)
                     :
                     : "r10", "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

static inline TES_MUST_CHECK tes_status_t tes_arch_call_6(uint64_t number,
                                                          struct tes_call_data *data)
{
    uint64_t rdi = data->arguments[0];
    uint64_t rsi = data->arguments[1];
    uint64_t rdx = data->arguments[2];
    register uint64_t r8 __asm__("r8") = data->arguments[3];
    register uint64_t r9 __asm__("r9") = data->arguments[4];
    register uint64_t r10 __asm__("r10") = data->arguments[5];
    __asm__ volatile("syscall"
                     : "+a"(number), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9), "+r"(r10)
                     :
                     : "rcx", "r11", "memory");
    data->results[0] = rdx;
    data->results[1] = r8;
    return (tes_status_t)number;
}

// A call of class `message`. The kernel preserves rsp only, so rbp (perhaps the frame pointer,
// hence no clobber) and the message's address wait on the stack, below the red zone that the
// compiler may be using.
static inline TES_MUST_CHECK tes_status_t tes_arch_message(uint64_t number,
                                                           struct tes_message *message)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "pushq %%rbp\n\t"
                     "pushq %%rdi\n\t"
                     "movq 16(%%rdi), %%rsi\n\t"
                     "movq 24(%%rdi), %%rdx\n\t"
                     "movq 32(%%rdi), %%r8\n\t"
                     "movq 40(%%rdi), %%r9\n\t"
                     "movq 48(%%rdi), %%r10\n\t"
                     "movq 56(%%rdi), %%r12\n\t"
                     "movq 64(%%rdi), %%r13\n\t"
                     "movq 72(%%rdi), %%r14\n\t"
                     "movq 80(%%rdi), %%r15\n\t"
                     "movq (%%rdi), %%rdi\n\t"
                     "syscall\n\t"
                     "popq %%rcx\n\t"
                     "popq %%rbp\n\t"
                     "leaq 128(%%rsp), %%rsp\n\t"
                     "movq %%rdi, 8(%%rcx)\n\t"
                     "movq %%rsi, 16(%%rcx)\n\t"
                     "movq %%rdx, 24(%%rcx)\n\t"
                     "movq %%r8, 32(%%rcx)\n\t"
                     "movq %%r9, 40(%%rcx)\n\t"
                     "movq %%r10, 48(%%rcx)\n\t"
                     "movq %%r12, 56(%%rcx)\n\t"
                     "movq %%r13, 64(%%rcx)\n\t"
                     "movq %%r14, 72(%%rcx)\n\t"
                     "movq %%r15, 80(%%rcx)"
                     : "+a"(number), "+D"(message)
                     :
                     : "rbx", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "cc", "memory");
    return (tes_status_t)number;
}
