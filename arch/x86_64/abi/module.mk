# SPDX-License-Identifier: MIT OR Apache-2.0
module := arch/$(ARCH)/abi
kind   := headers
