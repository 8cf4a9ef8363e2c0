// SPDX-License-Identifier: MIT OR Apache-2.0
// What the firmware told, kept for the files of this folder.
#pragma once

#include <firmware/acpi.h>

extern struct acpi_info machine_acpi;
