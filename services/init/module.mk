# SPDX-License-Identifier: MIT OR Apache-2.0
module  := services/init
kind    := component
sources := main.c composition.c image.c events.c wiring.c instance.c supervise.c service.c
depends := lib/tes
target_only := main.c wiring.c instance.c supervise.c service.c
