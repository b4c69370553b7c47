"""A stand-in for AWS in which every call costs a known time. `python -m bench.stand_in --delay 0.06 [--tls DIRECTORY]`

It prints one JSON line with its URL once it serves, and runs until it is ended. `GET /_stats` says what it was asked.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import botocore

from bench.figures import ROOT
from bench.stand_in_answers import Call, World

_QUEUE = 4096
_HANDSHAKE_SECONDS = 300.0  # a client that has a third of a CPU may take long, and gives up by its own timeout
_LIMIT = 2**22


@dataclass
class Stats:
    """What was asked so far.

    `peak` is the most calls under way at once. `accepted` counts connections, `connected` those that were ready for
    requests, their handshake done. Times are seconds of `time.monotonic`, 0 when there was no Invoke.
    """

    calls: Counter[str] = field(default_factory=Counter)
    under_way: int = 0
    peak: int = 0
    accepted: int = 0
    connected: int = 0
    first_invoke: float = 0.0
    last_invoke: float = 0.0


@dataclass(frozen=True)
class Timing:
    """How long calls take, in seconds: `delay` any call, `worker` an Invoke.

    With `hold` an Invoke waits instead until so many are under way, and all are answered together.
    """

    delay: float = 0.06
    worker: float = 1.0
    hold: int = 0


class StandIn:
    """The server's state and how it serves one connection."""

    def __init__(self, world: World, timing: Timing) -> None:
        self._world = world
        self._timing = timing
        self._stats = Stats()
        self._held = 0
        self._release = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, tls: Any = None) -> None:
        """Serve one connection until its client closes it; with `tls`, a context, begin with its handshake."""
        self._stats.accepted += 1
        with suppress(asyncio.IncompleteReadError, OSError):
            if tls is not None:
                await writer.start_tls(tls, ssl_handshake_timeout=_HANDSHAKE_SECONDS)
            self._stats.connected += 1
            while True:
                writer.write(await self._answered(await _read(reader)))
                await writer.drain()
        writer.close()

    async def _answered(self, call: Call) -> bytes:
        if call.path == "/_stats":
            return _response("application/json", json.dumps(vars(self._stats)).encode())
        if call.path == "/_reset":
            self._reset()
            return _response("application/json", b"{}")
        stats = self._stats
        stats.under_way += 1
        stats.peak = max(stats.peak, stats.under_way)
        await self._wait(call)
        answer = self._world.answer(call)
        stats.calls[answer.operation] += 1
        stats.under_way -= 1
        return _response(answer.content_type, answer.encoded())

    def _reset(self) -> None:
        self._stats = Stats()
        self._held, self._release = 0, asyncio.Event()

    async def _wait(self, call: Call) -> None:
        if not call.is_invoke:
            await asyncio.sleep(self._timing.delay)
            return
        self._stats.last_invoke = time.monotonic()
        self._stats.first_invoke = self._stats.first_invoke or self._stats.last_invoke
        if not self._timing.hold:
            await asyncio.sleep(self._timing.worker)
            return
        self._held += 1
        if self._held >= self._timing.hold:
            self._release.set()
        await self._release.wait()


async def _read(reader: asyncio.StreamReader) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    first, *lines = head.split("\r\n")
    method, url, _ = first.split(" ", 2)
    pairs = (line.partition(":") for line in lines if line)
    headers = {name.lower(): value.strip() for name, _, value in pairs}
    body = (await reader.readexactly(int(headers.get("content-length", 0)))).decode()
    return Call(method, urllib.parse.urlsplit(url).path, headers, body)


def _response(content_type: str, body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


@dataclass(frozen=True)
class Running:
    """A stand-in in a process of its own. `bundle` is the file with the authorities that its clients trust.

    It has all of botocore's beside the one that matters, because loading them is part of what TLS costs.
    """

    url: str
    bundle: Path | None

    def stats(self) -> Stats:
        """Return what it was asked so far."""
        document = json.loads(self._get("/_stats"))
        return Stats(**{**document, "calls": Counter(document["calls"])})

    def reset(self) -> None:
        """Forget what was asked, before the next measurement."""
        self._get("/_reset")

    def _get(self, path: str) -> bytes:
        context = None if self.bundle is None else _trusting(self.bundle)
        with urllib.request.urlopen(self.url + path, timeout=30, context=context) as answer:  # noqa: S310  # loopback
            body: bytes = answer.read()
        return body


def _trusting(bundle: Path) -> Any:
    import ssl

    return ssl.create_default_context(cafile=bundle)


def _with_everybody(own: Path) -> Path:
    """Return a file with the authority of the stand-in beside all that botocore trusts: as large as it is in AWS."""
    bundle = own.with_name("bundle.pem")
    bundle.write_bytes(Path(botocore.__file__).with_name("cacert.pem").read_bytes() + own.read_bytes())
    return bundle


@contextmanager
def stand_in(world: World | None = None, timing: Timing | None = None, tls: Path | None = None) -> Iterator[Running]:
    """Run a stand-in; with `tls`, a folder that is made for its certificate, it speaks HTTPS."""
    world, timing = world or World(), timing or Timing()
    command = [sys.executable, "-m", "bench.stand_in", f"--accounts={world.accounts}", f"--contacts={world.contacts}"]
    command += [f"--delay={timing.delay}", f"--worker-seconds={timing.worker}", f"--hold={timing.hold}"]
    command += [f"--tls={tls}"] if tls else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    try:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        yield Running(url, tls and _with_everybody(tls / "ca.pem"))
    finally:
        process.kill()
        process.communicate()


async def _main(arguments: argparse.Namespace) -> None:
    served = StandIn(
        World(arguments.accounts, arguments.contacts),
        Timing(arguments.delay, arguments.worker_seconds, arguments.hold),
    )
    context = None
    if arguments.tls:
        from strict_aws.http.tls import Certificate

        context = Certificate(arguments.tls).context

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await served.serve(reader, writer, context)

    server = await asyncio.start_server(serve, "127.0.0.1", arguments.port, backlog=_QUEUE, limit=_LIMIT)
    scheme = "https" if context else "http"
    print(json.dumps({"url": f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"}), flush=True)
    await server.serve_forever()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--delay", type=float, default=Timing.delay, help="seconds that each call takes")
    parser.add_argument("--worker-seconds", type=float, default=Timing.worker, help="seconds that an Invoke takes")
    parser.add_argument("--hold", type=int, default=0, help="answer Invokes when so many are under way")
    parser.add_argument("--accounts", type=int, default=World.accounts)
    parser.add_argument("--contacts", type=int, default=World.contacts, help="contacts in each list")
    parser.add_argument("--tls", type=Path, help="speak HTTPS; the folder is made, with ca.pem in it")
    return parser.parse_args()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(_main(_arguments()))
