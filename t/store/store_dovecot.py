#!/usr/bin/python3
"""The store dovecot against Dovecot's own auth-userdb socket."""

import grp
import os
import pwd

import store_lab as lab

CONFIG = """\
base_dir = {path}/run
state_dir = {path}/state
protocols =
log_path = {path}/log
ssl = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
auth_cache_size = 0
service auth {{
  unix_listener auth-userdb {{
    mode = 0666
  }}
  chroot =
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {path}/users
}}
passdb {{
  driver = passwd-file
  args = username_format=%u {path}/users
}}
"""

USERS = """\
ann@example.com:{{PLAIN}}x:{uid}:{gid}::{path}/mail/ann::
bob@example.com:{{PLAIN}}x:{uid}:{gid}::{path}/mail/bob::
info@example.com:{{PLAIN}}x:{uid}:{gid}::{path}/mail/ann::userdb_user=ann@example.com
carl:{{PLAIN}}x:{uid}:{gid}::{path}/mail/carl::
"""

GREETING = b"VERSION\t1\t1\nSPID\t1\n"


def dovecot(where):
    me = pwd.getpwnam("dovecot") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    names = dict(path=where.path, user=me.pw_name, uid=max(me.pw_uid, 1000),
                 gid=max(me.pw_gid, 1000), group=grp.getgrgid(me.pw_gid).gr_name)
    where.folder("mail")
    where.file("users", USERS.format(**names))
    config = where.file("dovecot.conf", CONFIG.format(**names))
    return lab.Server([lab.program("dovecot", "dovecot-core"), "-F", "-c", config],
                      where.path + "/run/auth-userdb", log=where.path + "/out")


def test_protocol():
    rows = [
        ("greeting alone", lab.says(GREETING, after=False)),
        ("another version", lab.says(b"VERSION\t2\t0\nSPID\t1\n", after=False)),
        ("no SPID", lab.says(b"VERSION\t1\t1\n" * 50, after=False)),
        ("no version", lab.says(b"SPID\t1\n", after=False)),
        ("half", answers(b"USER\t1\tann@exam")),
        ("half, closed", answers(b"USER\t1\tann@exam", lab.closes)),
        ("another id", answers(b"USER\t2\tann@example.com\n")),
        ("no id", answers(b"USER\n")), ("no name", answers(b"USER\t1\n")),
        ("two", answers(b"USER\t1\ta\nUSER\t1\ta\n")),
        ("unknown word", answers(b"MAYBE\t1\n")), ("FAIL", answers(b"FAIL\t1\treason=x\n")),
        ("larger than the ceiling", answers(b"USER\t1\t" + b"x" * 100000 + b"\n")),
        ("long name", answers(b"USER\t1\t" + b"x" * 5000 + b"\n"))]
    for label, handler in rows:
        server = lab.FalseServer(handler)
        ask = lab.Ask("dovecot", {"socket": server.place})
        lab.check_late("protocol: " + label, ask, "ann@example.com")
        lab.check_end(ask)
        server.end()
    server = lab.FalseServer(answers(b"USER\t1\ta\x011b\x01tc\tuid=1\n"))
    ask = lab.Ask("dovecot", {"socket": server.place})
    lab.check("escapes", ask("ann@example.com").targets, ["a\\x01b\\x09c"])
    lab.check_end(ask)
    server.end()


def answers(octets, then=lab.silent):
    def handler(connection):
        connection.recv(4096)
        connection.sendall(GREETING)
        connection.recv(4096)
        connection.sendall(octets)
        then(connection)
    return handler


def main():
    with lab.Lab() as where:
        server = dovecot(where)
        server.start()
        place = where.path + "/run/auth-userdb"
        try:
            ask = lab.Ask("dovecot", {"socket": place})
            lab.check_table(ask, [
                ("ann@example.com", "found mailbox"), ("bob@example.com", "found mailbox"),
                ("info@example.com", "found mailbox ann@example.com"),
                ("nobody@example.com", "notfound"), ("@example.com", "notfound"),
                ("ann+x@example.com", "notfound"), ("carl", "found mailbox"),
                ("ann@example.com", "found mailbox")])
            lab.check_injections(ask)
            lab.check("after all that", ask("bob@example.com").status, "found")
            lab.check_life(ask, server, "ann@example.com")
            lab.check_end(ask)
            ask = lab.Ask("dovecot", {"socket": place, "user": "local-part"})
            lab.check_table(ask, [("carl@example.com", "found mailbox"),
                                  ("ann@example.com", "notfound"), ("@example.com", "notfound")])
            lab.check_end(ask)
            if os.getuid() != 0:
                os.chmod(place, 0)
                ask = lab.Ask("dovecot", {"socket": place})
                lab.check("not allowed", ask("ann@example.com").status, "permfail")
                lab.check_end(ask)
        finally:
            server.stop()
    lab.check_options("dovecot", {"socket": "/x"}, [
        ({"user": "x"}, "neither"), ({"service": "a\tb"}, "no name"), ({"socket": "x"}, "no place")])
    test_protocol()
    lab.check_rude("dovecot", lambda s: {"socket": s.place}, "ann@example.com")
    lab.finish()


main()
