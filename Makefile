# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds Tessera: kernel, components, boot images, host tools and host tests.
# Relies on tools/make/*.mk (the module engine, see tools/make/README.md), every folder's module.mk and
# arch/$(ARCH)/arch.mk. People use ./tessera; it calls this.

MAKEFLAGS += --no-builtin-rules --no-builtin-variables --no-print-directory
.SUFFIXES:
.DELETE_ON_ERROR:
SHELL := /bin/sh

ARCH  ?= x86_64
CC    := $(if $(filter default undefined,$(origin CC)),clang,$(CC))
BUILD ?= build
V     ?= 0

compiler := $(if $(findstring gcc,$(notdir $(CC))),gcc,clang)
OUT      := $(BUILD)/$(ARCH)$(if $(filter gcc,$(compiler)),-gcc)
GEN      := $(BUILD)/gen
HOST     := $(BUILD)/host
PYTHON   := python3
Q        := $(if $(filter 0,$(V)),@)
say       = $(if $(filter 0,$(V)),@printf '%-8s %s\n' '$(1)' '$(2)')

.PHONY: all kernel components tools hosttests images gen compile_commands clean help
all: kernel components images

include tools/make/flavours.mk
include tools/make/modules.mk
include tools/make/abi.mk
include tools/make/generate.mk
include tools/make/rules.mk
include tools/make/image.mk
include tools/make/lists.mk

clean:
	rm -rf -- '$(OUT)' '$(GEN)' '$(HOST)'

help:
	@sed -n '/^\*\*Commands/,$$p' tools/make/README.md
