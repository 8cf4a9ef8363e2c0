# SPDX-License-Identifier: MIT OR Apache-2.0
module  := arch/$(ARCH)/user
kind    := library
sources := start.S
depends := abi
exports := abi
