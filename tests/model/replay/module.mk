# SPDX-License-Identifier: MIT OR Apache-2.0
module    := tests/model/replay
kind      := intest
name      := model-replay
sources   := main.c parse.c calls.c state.c
generator := ../generate.py ../reference.py ../../../abi/objects.idl ../../../abi/errors.idl
generated := tests/model/replay/traces.c
depends   := abi lib/rt arch/$(ARCH)/user tests/support
