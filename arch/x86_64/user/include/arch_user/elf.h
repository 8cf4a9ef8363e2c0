// SPDX-License-Identifier: MIT OR Apache-2.0
// x86_64: what an ELF file for this machine says (System V ABI, AMD64 supplement,
// sections 4.1, 4.4).
#pragma once

#define TES_ARCH_ELF_MACHINE        62u // EM_X86_64
#define TES_ARCH_ELF_RELOC_RELATIVE 8u  // R_X86_64_RELATIVE: B + A
#define TES_ARCH_IMAGE_ARCHITECTURE 1u  // as tes_info_machine.architecture
