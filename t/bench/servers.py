#!/usr/bin/python3
"""servers.py - what a lookup in SQLite, PostgreSQL and over socketmap costs, by number of mailboxes.

Fills each with the addresses of bench_directory.c and runs that program on it.  Nothing
is cached: each address is a question to the store.

usage: servers.py [MAILBOXES]...      default: 1000 1000000 10000000; $builddir as for the tests
"""

import os
import socketserver
import sqlite3
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "directory"))

import store_lab as lab  # pylint: disable=wrong-import-position
import store_pgsql  # pylint: disable=wrong-import-position

PROGRAM = os.path.join(os.environ.get("builddir", "."), "t/bench/bench-directory")
COMMON = ("domains=*.example", "positive_ttl=0", "negative_ttl=0")
QUERY = "SELECT 'mailbox' AS type FROM mailbox WHERE address = %{address}"


def address(number):
    return f"user.name{number:08d}@domain{number % 100:02d}.example"


def bench(count, *options):
    subprocess.run([PROGRAM, "-s", str(count), *options, *COMMON], check=True)
    sys.stdout.flush()


def sqlite(where, count):
    path = os.path.join(where.path, "mailboxes.sqlite")
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mailbox (address TEXT PRIMARY KEY) WITHOUT ROWID")
        db.executemany("INSERT INTO mailbox VALUES (?)", ((address(2 * n),) for n in range(count)))
    db.close()
    bench(count, "type=sqlite", f"path={path}", f"query={QUERY}")
    os.unlink(path)


def pgsql(where, count):
    server = store_pgsql.Postgres(where)
    server.start()
    try:
        server.psql("CREATE DATABASE mail")
        server.psql("CREATE TABLE mailbox AS SELECT 'user.name' || lpad((2 * n)::text, 8, '0') || "
                    "'@domain' || lpad((2 * n % 100)::text, 2, '0') || '.example' AS address "
                    f"FROM generate_series(0, {count - 1}) n; "
                    "ALTER TABLE mailbox ADD PRIMARY KEY (address); ANALYZE mailbox", "mail")
        bench(count, "type=pgsql", f"host={where.path}", f"port={server.port}", "user=postgres",
              "database=mail", f"query={QUERY}")
    finally:
        server.stop()


class Socketmap(socketserver.StreamRequestHandler):
    """Answers from arithmetic: what the protocol costs, whatever stands behind it."""

    def handle(self):
        while (length := self.number()) is not None:
            key = self.rfile.read(length + 1)[:-1].partition(b" ")[2]
            digits = key[9:17]
            there = digits.isdigit() and int(digits) % 2 == 0
            answer = b"OK mailbox" if there else b"NOTFOUND "
            self.wfile.write(b"%d:%s," % (len(answer), answer))

    def number(self):
        digits = b""
        while (octet := self.rfile.read(1)) != b":":
            if not octet:
                return None
            digits += octet
        return int(digits)


def socketmap(where, count):
    path = os.path.join(where.path, "socketmap")
    with socketserver.ThreadingUnixStreamServer(path, Socketmap) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        bench(count, "type=socketmap", f"socket=unix:{path}", "map=mailbox")
        server.shutdown()
    os.unlink(path)


def main():
    for count in [int(n) for n in sys.argv[1:]] or [1000, 1000000, 10000000]:
        for test in (sqlite, pgsql, socketmap):
            with lab.Lab(lab.unprivileged("postgres")) as where:
                test(where, count)


if __name__ == "__main__":
    main()
