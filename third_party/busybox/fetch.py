# SPDX-License-Identifier: MIT OR Apache-2.0
# Fetches Debian's busybox-static and extracts its binary. The package comes through apt, which verifies it against
# Debian's signed lists; the binary is then compared with source.txt. A newer Debian revision of the same upstream
# version is accepted, and said to be; another upstream version is refused.
import argparse
import glob
import hashlib
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))


def read_source():
    with open(os.path.join(HERE, "source.txt"), encoding="utf-8") as lines:
        return dict(line.strip().split(": ", 1) for line in lines if ": " in line)


def run(command, folder):
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def update_lists():
    command = ["apt-get", "update", "-q"]
    if os.geteuid() != 0:
        command = ["sudo"] + command
    subprocess.run(command, stdout=subprocess.DEVNULL)


def download(source, folder):
    """The tested version when Debian still has it, else its present one; the lists are refreshed only if needed."""
    wanted = [f"{source['package']}={source['tested-version']}", source["package"]]
    for attempt in range(2):
        for name in wanted:
            done = run(["apt-get", "download", "-q", name], folder)
            found = glob.glob(os.path.join(folder, "*.deb"))
            if done.returncode == 0 and found:
                return found[0]
        if attempt == 0:
            update_lists()
    sys.exit(f"busybox: apt-get download {source['package']} failed:\n{done.stdout}")


def package_version(package):
    return subprocess.run(["dpkg-deb", "-f", package, "Version"], check=True, stdout=subprocess.PIPE,
                          text=True).stdout.strip()


def upstream_of(version):
    return version.split(":", 1)[-1].rsplit("-", 1)[0]


def verify(source, version, binary):
    with open(binary, "rb") as data:
        digest = hashlib.sha256(data.read()).hexdigest()
    if upstream_of(version) != source["upstream"]:
        sys.exit(f"busybox: Debian has upstream version {upstream_of(version)}, this tree is for {source['upstream']}")
    if version == source["tested-version"] and digest != source["sha256-of-tested"]:
        sys.exit(f"busybox: SHA-256 of {source['path']} in {version} is {digest}, "
                 f"source.txt says {source['sha256-of-tested']}")
    if version != source["tested-version"]:
        print(f"busybox: using {version} (verified by apt) instead of the tested {source['tested-version']}; "
              f"SHA-256 {digest}", file=sys.stderr)


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--out", required=True)
    out = os.path.abspath(p.parse_args().out)
    source = read_source()
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        package = download(source, folder)
        version = package_version(package)
        subprocess.run(["dpkg-deb", "-x", package, os.path.join(folder, "tree")], check=True)
        binary = os.path.join(folder, "tree", source["path"])
        verify(source, version, binary)
        os.makedirs(os.path.dirname(out), exist_ok=True)
        with open(binary, "rb") as data, open(out + ".new", "wb") as copy:
            copy.write(data.read())
        os.chmod(out + ".new", 0o755)
        os.replace(out + ".new", out)


if __name__ == "__main__":
    main()
