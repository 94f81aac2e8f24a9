"""The command line that both doubles have."""

import argparse
import asyncio
import signal
import ssl
import sys

from .httpd import Server


def options(vendor, doc):
    parser = argparse.ArgumentParser(prog=f"tests/fakes/{vendor}", description=doc)
    add = parser.add_argument
    add("--host", default="127.0.0.1")
    add("--port", type=int, default=0, help="0: a free one, printed")
    add("--key", action="append", help="an accepted key, KEY or KEY=USER; default fake-key")
    add("--seed", type=int, default=0, help="of samples and of jobs' times")
    add("--speed", type=float, default=1.0, help="the vendor's seconds in one of ours")
    add("--quota", type=int, help="requests a window, 0: no limit; qbraid 1000, ionq 0")
    add("--anonymous-quota", type=int, default=100, help="the same without a good key")
    add("--window", type=float, default=900.0, help="the vendor's seconds of the window")
    add("--no-quota-headers", action="store_true", help="no X-RateLimit-* headers")
    add("--queued", type=float, help="the vendor's seconds that a job is queued (2)")
    add("--running", type=float, help="... that it runs (3)")
    add("--cancelling", type=float, help="... that it takes to cancel (1)")
    add("--jitter", type=float, help="share by which these vary (0.5)")
    add("--tag", default="qtask", help="the tag that must not be on two jobs")
    add("--gateway", help="URL of a qtaskdist gateway that runs the programs")
    add("--tls-cert", help="certificate in PEM; with --tls-key the double speaks TLS")
    add("--tls-key")
    found = parser.parse_args()
    found.key = found.key or ["fake-key"]
    return found


def tls_context(found):
    if not found.tls_cert:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(found.tls_cert, found.tls_key)
    context.set_alpn_protocols(["http/1.1"])
    return context


async def serve(service, found):
    tls = tls_context(found)
    listener = await Server(service.handle).listen(found.host, found.port, tls)
    port = listener.sockets[0].getsockname()[1]
    print(f"{'https' if tls else 'http'}://{found.host}:{port}{service.prefix}", flush=True)
    stop = asyncio.Event()
    for sig in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(sig, stop.set)
    await stop.wait()
    listener.close()
    service.runner.close()


def run(vendor, make):
    found = options(vendor, make.__doc__ or sys.modules[make.__module__].__doc__)
    asyncio.run(serve(make(found), found))
