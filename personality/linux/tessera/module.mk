# SPDX-License-Identifier: MIT OR Apache-2.0
module  := personality/linux/tessera
kind    := component
name    := linux
sources := main.c options.c setup.c blobs.c streams.c wait.c clock.c pages.c random.c guest.c guest_run.S
depends := personality/linux abi lib/rt lib/tes arch/$(ARCH)/user
