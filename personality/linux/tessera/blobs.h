// SPDX-License-Identifier: MIT OR Apache-2.0
// Files handed to the component, as blobs of the personality. They live as long as the component.
#pragma once

#include <personality/platform.h>

// The file of the boot image that the composition gave under this name; NULL without it.
const struct platform_blob *blob_of_image(const char *name);
// All bytes of the stream of this name; NULL without it, or without memory.
const struct platform_blob *blob_of_stream(const char *name);
