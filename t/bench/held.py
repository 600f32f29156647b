#!/usr/bin/python3
"""held.py - what messages that a dead name server holds cost the others.

One session sends messages of a domain whose name server answers; beside it, in
every other round, HELD sessions send messages of domains that are never
answered, each a new one, so that each waits as long as the deadline allows.
Prints the median over the rounds of p50 and p99 of the first session, with none
held and with HELD held, and their ratios.

usage: held.py [ROUNDS [SECONDS [HELD]]]     $builddir, as for the tests
"""

import os
import statistics
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "..", "socket"), os.path.join(HERE, "..", "dns")]

import mta  # pylint: disable=wrong-import-position
from liar import LIES, Liar, a, mx, txt  # pylint: disable=wrong-import-position

ZONE = {
    "good.test": [mx(10, "mx.good.test"), txt(b"v=spf1 ip4:192.0.2.9 -all")],
    "mx.good.test": [a("192.0.2.25")],
    "_dmarc.good.test": [txt(b"v=DMARC1; p=reject")],
}
CONFIG = """
resolver = {{ "127.0.0.1@{port}" }}
egress = {{ "192.0.2.9" }}
deadline = 5.0
submitters = {{ "0.0.0.0/0" }}
own_domains = {{}}
"""


def send(session, domain):
    """One message; the seconds that it took, or None where the daemon has ended."""
    begun = time.monotonic()
    session.mail(f"<ann@{domain}>")
    session.rcpt()
    session.header("From", f" <ann@{domain}>")
    session.end_of_header()
    session.body()
    session.end()
    return time.monotonic() - begun


def hold(daemon, number, until):
    with_names = 0
    session = daemon.session()
    while time.monotonic() < until:
        with_names += 1
        send(session, f"n{number}-{with_names}.dead.test")
    session.close()


def measure(daemon, seconds, held):
    """The times of the session that is answered, in microseconds, sorted."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=hold, args=(daemon, f"{n}x{int(until)}", until))
               for n in range(held)]
    for thread in threads:
        thread.start()
    session = daemon.session()
    time.sleep(0.2)
    times = []
    while time.monotonic() < until:
        times.append(send(session, "good.test") * 1e6)
        time.sleep(0.005)
    session.close()
    for thread in threads:
        thread.join()
    return sorted(times)


def main():
    rounds, seconds, held = (int(n) for n in (sys.argv[1:] + ["5", "8", "16"][len(sys.argv) - 1:]))
    results = {0: [], held: []}
    with Liar(ZONE, {"dead.test": LIES["silence"]}) as liar:
        with mta.Daemon(CONFIG.format(port=liar.port)) as daemon:
            measure(daemon, 1, 0)
            for number in range(rounds):
                for count in (0, held) if number % 2 == 0 else (held, 0):
                    times = measure(daemon, seconds, count)
                    results[count].append((times[len(times) // 2], times[len(times) * 99 // 100]))
    medians = {count: [statistics.median(column) for column in zip(*rows)]
               for count, rows in results.items()}
    for count, (p50, p99) in medians.items():
        print(f"{count:3} held: p50 {p50:6.0f} us, p99 {p99:6.0f} us")
    print(f"ratio: p50 {medians[held][0] / medians[0][0]:.2f}, "
          f"p99 {medians[held][1] / medians[0][1]:.2f}")


if __name__ == "__main__":
    main()
