# SPDX-License-Identifier: MIT OR Apache-2.0
# ./tessera image: builds the kernel and a boot image and says where they are.
import os
import sys

from runner import build, options


def main():
    p = options.parser("image", "Builds the kernel and a boot image.")
    p.add_argument("name", nargs="?", default="default", help="composition: system/NAME.sys")
    args = p.parse_args()
    try:
        build.build_system(args.arch, args.name)
    except build.BuildError as error:
        print(f"tessera: {error}", file=sys.stderr)
        return 2
    for path in (build.kernel(args.arch), build.image(args.arch, args.name)):
        print(f"{path} {os.path.getsize(path)} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
