#!/usr/bin/python3
"""The store mysql against a MariaDB of our own, on loopback and on a unix socket."""

import os
import re
import signal
import subprocess

import store_lab as lab
import store_sql as sql

# The protocol's first packet, version 10, of a server that then says nothing more.
HELLO = (b"\x0a5.5.5-10.11.0\0" b"\1\0\0\0" b"abcdefgh\0" b"\xfe\xf7" b"\x2d" b"\2\0" b"\xff\x81"
         b"\x15" + b"\0" * 10 + b"abcdefghijkl\0" b"mysql_native_password\0")


def packet(number, octets):
    return len(octets).to_bytes(3, "little") + bytes([number]) + octets


class MariaDB(lab.Server):
    def __init__(self, where):
        self.where, self.port = where, lab.free_port()
        data = where.folder("data", 0o700)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
                        "-keyout", where.path + "/server.key", "-out", where.path + "/server.pem"],
                       stderr=subprocess.DEVNULL, check=True)
        os.chmod(where.path + "/server.key", 0o644)
        if where.user:
            os.chown(where.path, where.user.pw_uid, where.user.pw_gid)
        options = ["--no-defaults", "--datadir=" + data] + (
            ["--user=" + where.user.pw_name] if where.user else [])
        done = subprocess.run([lab.program("mariadb-install-db", "mariadb-server")] + options +
                              ["--auth-root-authentication-method=normal", "--skip-test-db"],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(done.stdout)
        super().__init__([lab.program("mariadbd", "mariadb-server")] + options + [
            "--socket=%s/s" % where.path, "--port=%d" % self.port, "--bind-address=127.0.0.1",
            "--pid-file=%s/pid" % where.path, "--ssl-cert=%s/server.pem" % where.path,
            "--ssl-key=%s/server.key" % where.path, "--innodb-buffer-pool-size=16M",
            "--innodb-flush-log-at-trx-commit=0", "--skip-log-bin", "--max-connections=40",
            "--innodb-log-file-size=8M", "--plugin-load-add=auth_ed25519"],
            ("127.0.0.1", self.port), log=where.path + "/log")

    def client(self, text, database="mysql"):
        done = subprocess.run([lab.program("mariadb", "mariadb-client"), "--no-defaults",
                               "--socket=%s/s" % self.where.path, "-u", "root", "-N",
                               "--default-character-set=utf8mb4", database],
                              input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError(done.stdout)
        return done.stdout

    def fill(self):
        self.client(
            "CREATE DATABASE mail CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;"
            "CREATE USER reader@'%' IDENTIFIED BY 'sec''ret';"
            "CREATE USER onlytls@'%' IDENTIFIED BY 'x' REQUIRE SSL;"
            "CREATE USER modern@'%' IDENTIFIED VIA ed25519 USING PASSWORD('x');"
            "CREATE USER stranger@'%' IDENTIFIED BY 'x'; GRANT SELECT ON mail.* TO reader@'%';"
            "GRANT SELECT ON mail.* TO onlytls@'%'; GRANT SELECT ON mail.* TO modern@'%';")
        self.client(sql.SCHEMA, "mail")


def test_credentials(where, server, good):
    secret = where.file("password", "sec'ret\n")
    ca = where.path + "/server.pem"
    rows = [
        ({}, "found"), ({"password": "wrong"}, "permfail"), ({"password": None}, "permfail"),
        ({"user": "nobody-there"}, "permfail"), ({"database": "nowhere"}, "permfail"),
        ({"user": "stranger", "password": "x"}, "permfail"),
        ({"user": "modern", "password": "x"}, "found"),
        ({"password": None, "password_file": secret}, "found"),
        ({"password": None, "password_file": secret + ".none"}, "permfail"),
        ({"tls": "yes"}, "found"), ({"host": "localhost"}, "found"),
        ({"tls": "verify", "tls_ca": ca, "host": "localhost"}, "found"),
        ({"tls": "verify", "tls_ca": ca}, "permfail"),
        ({"tls": "verify", "host": "localhost"}, "permfail"),
        ({"user": "onlytls", "password": "x"}, "permfail"),
        ({"user": "onlytls", "password": "x", "tls": "yes"}, "found"),
        ({"host": "no-such-host.invalid"}, "tempfail"),
        ({"host": where.path + "/s"}, "found"), ({"host": where.path + "/none"}, "tempfail"),
        ({"port": str(lab.free_port())}, "tempfail"),
    ]
    for changes, wanted in rows:
        ask = lab.Ask("mysql", {k: v for k, v in dict(good, **changes).items() if v is not None})
        got = ask("ann@example.com")
        lab.check("credentials %r: %s" % (changes, got.why), got.status, wanted)
        lab.check("no password in a reason", "sec'ret" in got.line, False)
        lab.check_end(ask)


def test_too_much(server, good):
    for query in ("SELECT sleep(30) FROM mailbox WHERE %{address} <> ''",
                  "SELECT repeat('x', 70000) AS target FROM mailbox WHERE %{address} <> ''",
                  "SELECT repeat('x', 9000000) AS target FROM mailbox WHERE %{address} <> ''",
                  "SELECT concat(seq, '@x') AS target FROM seq_1_to_10000000 "
                  "WHERE %{address} <> ''"):
        ask = lab.Ask("mysql", dict(good, query=query))
        before = None
        for _ in range(2):
            lab.check_late("too much: " + query[:40], ask, "a@b", seconds=1)
            before = before or ask.files()
        lab.check("descriptors", ask.files(), before)
        lab.check_end(ask)


def test_false_server(good):
    """A server that asks for a file, or for the password as it is, does not get it."""
    heard = []

    def asks(*requests):
        def handler(connection):
            connection.sendall(packet(0, HELLO))
            for request in requests:
                heard.append(connection.recv(65536))
                connection.sendall(request)
            heard.append(connection.recv(65536))
        return handler

    ok, end = packet(2, b"\0\0\0\2\0\0\0"), b"\xfe\0\0\2\0"
    column = (b"\3def\0\0\0\1x\0\x0c\x2d\0\xff\0\0\0\xfd\0\0\0\0\0")
    prepared = b"".join(packet(i + 1, octets) for i, octets in enumerate(
        [b"\0\1\0\0\0\1\0\1\0\0\0\0", column, end, column, end]))
    good = {k: v for k, v in good.items() if not k.endswith("_query")}
    good["query"] = "SELECT x FROM t WHERE a = %{address}"

    for label, requests in (
            ("the password in clear", [packet(2, b"\xfemysql_clear_password\0")]),
            ("a dialog", [packet(2, b"\xfedialog\0\4Password:")]),
            ("a file at once", [packet(2, b"\xfb/etc/passwd")]),
            ("a file when a query is prepared", [ok, packet(1, b"\xfb/etc/passwd")]),
            ("a file", [ok, prepared, packet(1, b"\xfb/etc/passwd")])):
        del heard[:]
        server = lab.FalseServer(asks(*requests))
        ask = lab.Ask("mysql", dict(good, host="127.0.0.1", port=str(server.port())))
        lab.check_late("asks for " + label, ask, "a@b", status=("tempfail", "permfail"))
        lab.wait_until(lambda n=len(requests) + 1: len(heard) == n, "the end of " + label)
        told = b"".join(heard)
        lab.check("gets none: " + label, b"sec'ret" in told or b"root:" in told, False)
        lab.check_end(ask)
        server.end()


def main():
    user = lab.unprivileged("mysql")
    with lab.Lab(user) as where:
        server = MariaDB(where)
        server.start()
        try:
            server.fill()
            place = {"host": "127.0.0.1", "port": str(server.port), "database": "mail",
                     "user": "reader", "password": "sec'ret"}
            good = dict(place, **sql.OPTIONS)
            ask = lab.Ask("mysql", good)
            sql.check_answers(ask)
            sql.check_injections(ask)
            lab.check("the table is there", server.client("SELECT count(*) FROM mailbox", "mail"),
                      "%d\n" % sql.MAILBOXES)
            with open("/proc/%d/status" % ask.process.pid) as f:
                ignored = re.search(r"SigIgn:\s*(\w+)", f.read())[1]
            lab.check("SIGPIPE is as it was", int(ignored, 16) & 1 << (signal.SIGPIPE - 1), 0)
            lab.check_life(ask, server, "ann@example.com")
            lab.check_end(ask)
            sql.check_queries("mysql", place)
            for query in ("DELETE FROM mailbox WHERE address = %{address}",
                          "SELECT @x := 1, @y FROM nowhere WHERE a = %{address}",
                          "SELECT 1 FROM mailbox WHERE address = %{address}; DELETE FROM mailbox"):
                ask = lab.Ask("mysql", dict(place, query=query))
                lab.check("not a query: " + query, ask("ann@example.com").status, "permfail")
                lab.check_end(ask)
            test_credentials(where, server, good)
            test_too_much(server, good)
            lab.check_options("mysql", good, [
                ({"port": "65536"}, "no place"), ({"tls": "maybe"}, "none of"),
                ({"password_file": "/x"}, "both"), ({"database": None}, "needs database")] +
                sql.BAD_OPTIONS)
        finally:
            server.stop()
    extra = [("half a greeting", lab.says(packet(0, HELLO)[:30], after=False)),
             ("a greeting, then silence", lab.says(packet(0, HELLO), after=False)),
             ("huge packet", lab.says(b"\xff\xff\xff\0" + b"x" * 100000, after=False)),
             ("a greeting that drips", lab.drips(packet(0, HELLO)))]
    lab.check_rude("mysql", lambda s: dict(good, host="127.0.0.1", port=str(s.port())),
                   "ann@example.com", extra)
    test_false_server(good)
    lab.finish()


main()
