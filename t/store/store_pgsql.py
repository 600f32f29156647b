#!/usr/bin/python3
"""The store pgsql against a PostgreSQL of our own, on loopback and on a unix socket."""

import os
import signal
import subprocess

import store_lab as lab
import store_sql as sql

CONFIG = """\
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{path}'
ssl = on
ssl_cert_file = '{path}/server.pem'
ssl_key_file = '{path}/server.key'
fsync = off
shared_buffers = 16MB
max_connections = 40
"""

HBA = """\
local all postgres trust
local all plain trust
local all all scram-sha-256
hostssl all onlytls 127.0.0.1/32 scram-sha-256
host all onlytls 127.0.0.1/32 reject
host all all 127.0.0.1/32 scram-sha-256
"""


def run(user, command):
    ids = {} if user is None else dict(user=user.pw_uid, group=user.pw_gid, extra_groups=[])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/",
                          env=dict(os.environ, PGCLIENTENCODING="UTF8"), encoding="utf-8", **ids)
    if done.returncode != 0:
        raise RuntimeError("%s: %s" % (command[0], done.stdout))
    return done.stdout


class Postgres(lab.Server):
    def __init__(self, where):
        self.where, self.port = where, lab.free_port()
        data = where.folder("data", 0o700)
        run(where.user, [lab.program("initdb", "postgresql"), "-D", data, "-U", "postgres", "-N",
                         "-E", "UTF8", "--locale=C", "-A", "trust"])
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
                        "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout",
                        where.path + "/server.key", "-out", where.path + "/server.pem"],
                       stderr=subprocess.DEVNULL, check=True)
        if where.user:
            os.chown(where.path + "/server.key", where.user.pw_uid, where.user.pw_gid)
        os.chmod(where.path + "/server.key", 0o600)
        for name, text in (("postgresql.conf", CONFIG), ("pg_hba.conf", HBA)):
            with open(os.path.join(data, name), "w", encoding="utf-8") as f:
                f.write(text.format(path=where.path, port=self.port))
        if where.user:
            os.chown(where.path, where.user.pw_uid, where.user.pw_gid)
        super().__init__([lab.program("postgres", "postgresql"), "-D", data],
                         ("127.0.0.1", self.port), user=where.user, log=where.path + "/log")

    def psql(self, text, database="postgres"):
        return run(None, [lab.program("psql", "postgresql-client"), "-h", self.where.path, "-p",
                          str(self.port), "-U", "postgres", "-d", database, "-Atq", "-v",
                          "ON_ERROR_STOP=1", "-c", text])

    def ready(self):
        try:
            self.psql("SELECT 1")
            return True
        except RuntimeError:
            return False

    def start(self):
        super().start(self.ready)

    # "fast": sessions are ended at once, as by systemd's stop
    def stop(self, number=signal.SIGINT):
        super().stop(number)

    def fill(self):
        self.psql("CREATE ROLE reader LOGIN PASSWORD 'sec''ret'")
        self.psql("CREATE ROLE onlytls LOGIN PASSWORD 'x'")
        self.psql("CREATE ROLE plain LOGIN")
        self.psql("CREATE ROLE stranger LOGIN PASSWORD 'x'")
        self.psql("CREATE DATABASE mail")
        self.psql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0 LOCALE 'C'")
        for database in ("mail", "latin"):
            self.psql(sql.SCHEMA + "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader, "
                      "onlytls, plain;", database)


def test_credentials(where, server, good):
    secret = where.file("password", "sec'ret\nand more\n")
    rows = [
        ({}, "found"), ({"password": "wrong"}, "permfail"), ({"password": None}, "permfail"),
        ({"user": "nobody-there"}, "permfail"), ({"database": "nowhere"}, "permfail"),
        ({"user": "stranger", "password": "x"}, "permfail"),
        ({"password": None, "password_file": secret}, "found"),
        ({"password": None, "password_file": secret + ".none"}, "permfail"),
        ({"tls": "no"}, "found"), ({"tls": "yes"}, "found"),
        ({"tls": "verify", "tls_ca": where.path + "/server.pem"}, "tempfail"),
        ({"tls": "verify", "tls_ca": where.path + "/server.pem", "host": "localhost"}, "found"),
        ({"tls": "verify", "host": "localhost"}, "tempfail"),
        ({"user": "onlytls", "password": "x", "tls": "no"}, "permfail"),
        ({"user": "onlytls", "password": "x"}, "found"),
        ({"host": "no-such-host.invalid"}, "tempfail"),
        ({"host": where.path, "user": "plain", "password": None}, "found"),
        ({"host": where.path}, "found"), ({"port": str(lab.free_port())}, "tempfail"),
        ({"database": "host=127.0.0.1 user=postgres"}, "permfail"),
    ]
    for changes, wanted in rows:
        options = {k: v for k, v in dict(good, **changes).items() if v is not None}
        ask = lab.Ask("pgsql", options)
        got = ask("ann@example.com")
        lab.check("credentials %r: %s" % (changes, got.why), got.status, wanted)
        lab.check("no password in a reason", "sec'ret" in got.line, False)
        lab.check_end(ask)


def test_locked(server, good):
    """A table that somebody locks is a server that does not answer."""
    ask = lab.Ask("pgsql", good)
    lab.check("before", ask("ann@example.com").status, "found")
    holder = subprocess.Popen(
        [lab.program("psql", "postgresql-client"), "-h", server.where.path, "-p",
         str(server.port), "-U", "postgres", "-d", "mail", "-Atq"], stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, encoding="utf-8")
    holder.stdin.write("BEGIN; LOCK TABLE mailbox IN ACCESS EXCLUSIVE MODE; SELECT 'locked';\n")
    holder.stdin.flush()
    holder.stdout.readline()
    lab.check_late("locked", ask, "ann@example.com")
    holder.communicate("ROLLBACK;\n")
    lab.check("and free again", ask("ann@example.com").status, "found")
    lab.check_end(ask)
    for query in ("SELECT pg_sleep(30) WHERE %{address} <> ''",
                  "SELECT repeat('x', 70000) AS target WHERE %{address} <> ''",
                  "SELECT repeat('x', 20000000) AS target WHERE %{address} <> ''",
                  "SELECT i || '@x' AS target FROM generate_series(1, 10000000) i "
                  "WHERE %{address} <> ''"):
        ask = lab.Ask("pgsql", dict(good, query=query))
        lab.check_late("too much: " + query[:40], ask, "a@b", seconds=1)
        lab.check_end(ask)


def main():
    user = lab.unprivileged("postgres")
    with lab.Lab(user) as where:
        server = Postgres(where)
        server.start()
        try:
            server.fill()
            place = {"host": "127.0.0.1", "port": str(server.port), "database": "mail",
                     "user": "reader", "password": "sec'ret"}
            good = dict(place, **sql.OPTIONS)
            ask = lab.Ask("pgsql", good)
            sql.check_answers(ask)
            sql.check_injections(ask)
            lab.check("the table is there", server.psql("SELECT count(*) FROM mailbox", "mail"),
                      "%d\n" % sql.MAILBOXES)
            lab.check_life(ask, server, "ann@example.com")
            lab.check_end(ask)
            ask = lab.Ask("pgsql", dict(good, database="latin"))
            lab.check_table(ask, [("ann@example.com", "found mailbox /"),
                                  ("J\u00f6rg@example.com", "found mailbox /"),
                                  ("\u0436@example.com", "notfound"),
                                  ("bob@example.com", "found mailbox /")])
            lab.check_end(ask)
            sql.check_queries("pgsql", place)
            ask = lab.Ask("pgsql", dict(place, query="DELETE FROM mailbox "
                                                     "WHERE address = %{address}"))
            lab.check("no right to write", ask("ann@example.com").status, "permfail")
            lab.check_end(ask)
            test_credentials(where, server, good)
            test_locked(server, good)
            lab.check_options("pgsql", good, [
                ({"port": "65536"}, "too large"), ({"tls": "maybe"}, "none of"),
                ({"password_file": "/x"}, "both"), ({"database": None}, "needs database"),
                ({"host": "a b"}, "no place"),
                ({"host": "::1", "port": "99999"}, "too large")] + sql.BAD_OPTIONS)
        finally:
            server.stop()
    # 'R' an authentication request, 'E' an error, cut off or with a length that is a lie
    extra = [("half an error", lab.says(b"E\0\0\0\x50SFATAL\0")),
             ("half of trust", lab.says(b"NR\0\0\0\x08\0\0\0\0S\0\0")),
             ("huge length", lab.says(b"NR\x7f\xff\xff\xff\0\0\0\0" + b"x" * 100000)),
             ("authentication, then silence", lab.says(b"NR\0\0\0\x08\0\0\0\0"))]
    lab.check_rude("pgsql", lambda s: dict(good, host="127.0.0.1", port=str(s.port()), tls="no"),
                   "ann@example.com", extra)
    lab.finish()


if __name__ == "__main__":
    main()
