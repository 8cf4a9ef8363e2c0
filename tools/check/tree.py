# SPDX-License-Identifier: MIT OR Apache-2.0
# What the rules look at: the tree's files (committed or not yet, without ignored ones), its modules, the compilation
# database, and a cache of files that a slow rule has already found good.
import concurrent.futures
import functools
import hashlib
import json
import os
import shlex
import subprocess

from runner import build


def run(command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")


class Tree:
    def __init__(self, arch):
        self.arch = arch

    @functools.cached_property
    def files(self):
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
        return sorted({n for n in done.stdout.decode().split("\0") if n and os.path.isfile(n)})

    def named(self, *endings):
        return [f for f in self.files if f.endswith(endings)]

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        with open(path, encoding="utf-8", errors="replace") as data:
            return data.read()

    def lines(self, path):
        return enumerate(self.text(path).split("\n"), 1)

    @functools.cached_property
    def modules(self):
        """folder -> (kind, sources), of every architecture."""
        found = {}
        for path in self.named("/module.mk"):
            values = dict(read_keys(self.text(path)))
            found[os.path.dirname(path)] = (values.get("kind", ""), values.get("sources", "").split())
        return found

    def module_of(self, path):
        """The module whose folder is the nearest one above path, or None."""
        folder = os.path.dirname(path)
        while folder and folder not in self.modules:
            folder = os.path.dirname(folder)
        return folder or None

    @functools.cached_property
    def commands(self):
        """source -> compiler words of one way in which it is compiled, for committed C sources."""
        self.generate()
        build.make("compile_commands", arch=self.arch, quiet=True)
        with open(os.path.join(build.out_dir(self.arch), "compile_commands.json"), encoding="utf-8") as data:
            entries = json.load(data)
        known = set(self.files)
        found = {}
        for entry in entries:
            if entry["file"] in known and entry["file"].endswith(".c"):
                found.setdefault(entry["file"], shlex.split(entry["command"])[:-4])
        return found

    def generate(self):
        """Runs every generator, so that generated headers are there."""
        if self.has_tables():
            build.make("gen", arch=self.arch, quiet=True)

    def has_tables(self):
        return os.path.isfile("tools/abigen/abigen.py") and bool(self.named(".idl"))


def read_keys(text):
    """The `key := value` lines of a module.mk, continuation lines joined."""
    for line in text.replace("\\\n", " ").split("\n"):
        key, sign, value = line.partition(":=")
        if sign and not line.startswith("#"):
            yield key.strip(), value.split("#")[0].strip()


def digest(*parts):
    total = hashlib.sha256()
    for part in parts:
        total.update(part if isinstance(part, bytes) else part.encode())
        total.update(b"\0")
    return total.hexdigest()


def content(path):
    if path == os.devnull:
        return b""
    with open(path, "rb") as data:
        return data.read()


class GoodCache:
    """Remembers digests of what was found good; only those are kept."""

    def __init__(self, name):
        self.path = os.path.join(build.BUILD, "check", name + ".json")
        try:
            with open(self.path, encoding="utf-8") as data:
                self.good = set(json.load(data))
        except (OSError, ValueError):
            self.good = set()

    def save(self, good):
        os.makedirs(os.path.dirname(self.path), exist_ok=True)
        with open(self.path + ".new", "w", encoding="utf-8") as out:
            json.dump(sorted(good), out)
        os.replace(self.path + ".new", self.path)


def check_cached(name, items, key_of, problems_of):
    """Problems of all items; items whose key was good before are not looked at again."""
    cache = GoodCache(name)
    with concurrent.futures.ThreadPoolExecutor(build.JOBS) as pool:
        keys = list(pool.map(key_of, items))
        fresh = [(i, k) for i, k in zip(items, keys) if k not in cache.good]
        found = list(pool.map(lambda pair: problems_of(pair[0]), fresh))
    bad = {k for (_, k), problems in zip(fresh, found) if problems}
    cache.save(set(keys) - bad)
    return [problem for problems in found for problem in problems]


def dependencies(command, source):
    """Every file that compiling source reads, or just source if it does not preprocess."""
    done = subprocess.run(command + ["-M", source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    if done.returncode:
        return [w for w in command + [source] if w.endswith((".c", ".h"))]
    words = done.stdout.replace("\\\n", " ").split(":", 1)[1].split()
    return sorted(w for w in words if os.path.isfile(w) or w == source)


def problem_lines(output, limit=12):
    output = output.replace(os.getcwd() + "/", "")
    lines = [line for line in output.split("\n") if ": error:" in line or ": warning:" in line]
    return (lines or output.strip().split("\n"))[:limit]
