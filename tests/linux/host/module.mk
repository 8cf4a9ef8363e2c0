# SPDX-License-Identifier: MIT OR Apache-2.0
module  := tests/linux/host
kind    := tool
name    := linux-host
sources := linux_host.c platform_host.c host_streams.c
depends := personality/linux lib/rt
uses    := personality/linux lib/rt
