#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The documented TCP flows with real sockets: talk.py serve|open engine|site.

serve listens on every port that the other side may open here and sends back what it gets. open opens
each of this side's flows over IPv4 and IPv6, sends PAYLOAD and wants the same bytes back.
"""
import asyncio
import os
import sys

from site_plan import IPV4, IPV6, TCP_FLOWS

PAYLOAD = os.urandom(256 * 1024)
PATIENCE = 15  # seconds for one flow


async def echo(reader, writer):
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve(side):
    endpoints = {(to, port) for _, opener, _, to, port in TCP_FLOWS if opener != side}
    for host, port in endpoints:
        for family in (IPV4, IPV6):
            await asyncio.start_server(echo, family % host, port)
    print("ready", flush=True)
    await asyncio.Event().wait()


async def exchange(source, destination, port):
    reader, writer = await asyncio.open_connection(destination, port, local_addr=(source, 0))

    async def send():
        writer.write(PAYLOAD)
        await writer.drain()
        writer.write_eof()

    _, answer = await asyncio.gather(send(), reader.read(-1))
    writer.close()
    return answer == PAYLOAD


async def open_flows(side):
    lost = 0
    for name, opener, source, destination, port in TCP_FLOWS:
        if opener != side:
            continue
        for family, words in ((IPV4, "IPv4"), (IPV6, "IPv6")):
            try:
                work = exchange(family % source, family % destination, port)
                complete = await asyncio.wait_for(work, PATIENCE)
                result = f"{len(PAYLOAD):,} bytes each way" if complete else "bytes were lost"
            except (OSError, asyncio.TimeoutError) as error:
                complete, result = False, f"failed: {error or 'no answer'}"
            lost += not complete
            print(f"   {name + ' tcp/' + str(port):42} {words}  {result}", flush=True)
    return lost


if __name__ == "__main__":
    verb, where = sys.argv[1:]
    sys.exit(1 if asyncio.run({"serve": serve, "open": open_flows}[verb](where)) else 0)
