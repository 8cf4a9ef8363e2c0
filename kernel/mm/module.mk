# SPDX-License-Identifier: MIT OR Apache-2.0
module  := kernel/mm
kind    := kernel
sources := page.c frame.c slab.c tlb.c page_tree.c memory.c memory_pages.c clone.c memory_clone.c memory_calls.c pager.c region.c \
           region_pages.c space.c space_map.c space_clone.c space_calls.c fault.c copy.c
depends := kernel abi arch lib/rt
