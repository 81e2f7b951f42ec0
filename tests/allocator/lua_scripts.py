"""Small scripts for tests of the stores."""

from __future__ import annotations

import hashlib

from allocator.scripts import Script


def script(text: str) -> Script:
    """A script from its text, as ``allocator.scripts.load`` would make it."""
    read_only = "no-writes" in text.split("\n", 1)[0]
    return Script("test", text, hashlib.sha1(text.encode()).hexdigest(), read_only)


ECHO = script("#!lua flags=no-writes\nreturn cmsgpack.pack({KEYS, ARGV})")
COUNT = script("#!lua\nreturn cmsgpack.pack(redis.call('INCRBY', KEYS[1], ARGV[1]))")
READ = script("#!lua flags=no-writes\nreturn cmsgpack.pack(redis.call('GET', KEYS[1]) or '')")
BROKEN = script("#!lua flags=no-writes\nreturn redis.error_reply('BUG of the script')")
