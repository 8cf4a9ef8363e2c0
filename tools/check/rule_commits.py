# SPDX-License-Identifier: MIT OR Apache-2.0
# The subject of a commit message has at most 60 characters.
import subprocess

MAX_SUBJECT = 60


def check(_tree):
    done = subprocess.run(["git", "-c", "safe.directory=*", "log", "--format=%h %s"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    commits = [line.split(" ", 1) for line in done.stdout.split("\n") if " " in line]
    return [f"commit {name}: subject has {len(subject)} characters, at most {MAX_SUBJECT}"
            for name, subject in commits if len(subject) > MAX_SUBJECT]
