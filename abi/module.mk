# SPDX-License-Identifier: MIT OR Apache-2.0
module  := abi
kind    := headers
depends := arch/$(ARCH)/abi
exports := arch/$(ARCH)/abi
