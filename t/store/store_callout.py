#!/usr/bin/python3
"""The store callout against a real Postfix (SMTP), a real Dovecot (LMTP), and servers that lie."""

import getpass
import grp
import os
import pwd
import re
import shutil
import subprocess
import threading
import time

import store_lab as lab

MASTER = """\
smtp      inet  n - n - - smtpd
pickup    unix  n - n 60 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 300 1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
verify    unix  - - n - 1 verify
proxymap  unix  - - n - - proxymap
error     unix  - - n - - error
retry     unix  - - n - - error
virtual   unix  - n n - - virtual
anvil     unix  - - n - 1 anvil
postlog   unix-dgram n - n - 1 postlogd
"""

MAIN = """\
compatibility_level = 3.6
queue_directory = {path}/queue
data_directory = {path}/data
maillog_file = {path}/maillog
maillog_file_prefixes = {path}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.example.com
mydestination =
alias_maps =
alias_database =
local_recipient_maps =
relay_domains = relay.example
relay_recipient_maps = inline:{{ {{ known@relay.example = x }} }}
virtual_mailbox_domains = example.com, open.example
virtual_mailbox_base = {path}/mail
virtual_mailbox_maps = inline:{{ {{ ann@example.com = x }} {{ j\u00f6rg@example.com = x }} {{ @open.example = x }}
  {{ full@example.com = x }} {{ "a b"@example.com = x }} {{ o'hara@example.com = x }} }}
virtual_alias_maps = inline:{{ {{ info@example.com = ann@example.com }} }}
recipient_delimiter = +
smtpd_relay_restrictions = reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{ full@example.com = 452 4.2.2 full }}
  {{ policy@example.com = 550 5.7.1 no }} }}
smtputf8_enable = yes
smtpd_error_sleep_time = 0
"""


class Postfix:
    def __init__(self, where):
        self.where, self.port = where, None
        self.config = where.folder("etc")
        for name in ("queue", "data", "mail"):
            where.folder(name)
        os.chown(where.path + "/data", pwd.getpwnam("postfix").pw_uid, 0)
        for name in ("dynamicmaps.cf", "postfix-files"):
            if os.path.exists("/etc/postfix/" + name):
                shutil.copy("/etc/postfix/" + name, self.config)
        self.port = lab.free_port()
        where.file("etc/main.cf", MAIN.format(path=where.path))
        where.file("etc/master.cf", MASTER.replace("smtp      inet",
                                                   "127.0.0.1:%d inet" % self.port))

    def postfix(self, word):
        done = subprocess.run([lab.program("postfix", "postfix"), "-c", self.config, word],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8")
        if done.returncode != 0:
            raise RuntimeError("postfix %s: %s" % (word, done.stdout))

    def start(self):
        self.postfix("start")
        lab.wait_until(lambda: lab.connects(("127.0.0.1", self.port)), "postfix")

    def stop(self):
        self.postfix("stop")

    def members(self):
        with open(self.where.path + "/queue/pid/master.pid") as f:
            pid = int(f.read())
        self.process = type("Process", (), {"pid": pid})
        return lab.Server.members(self)

    send, hang, wake, is_stopped = (lab.Server.send, lab.Server.hang, lab.Server.wake,
                                    lab.Server.is_stopped)

    def log(self):
        with open(self.where.path + "/maillog", encoding="utf-8", errors="replace") as f:
            return f.read()


DOVECOT = """\
base_dir = {path}/run
state_dir = {path}/state
protocols = lmtp
log_path = {path}/log
ssl = no
default_internal_user = {user}
default_login_user = {user}
default_internal_group = {group}
mail_location = maildir:{path}/mail/%u
service lmtp {{
  user = {owner}
  unix_listener lmtp {{
    mode = 0666
  }}
}}
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


def dovecot(where):
    me = pwd.getpwnam("dovecot") if os.getuid() == 0 else pwd.getpwuid(os.getuid())
    where.file("users", "ann@example.com::%d:%d::%s/mail::\n" % (
        max(me.pw_uid, 1000), max(me.pw_gid, 1000), where.path))
    config = where.file("dovecot.conf", DOVECOT.format(
        path=where.path, user=me.pw_name, group=grp.getgrgid(me.pw_gid).gr_name,
        owner=getpass.getuser()))
    return lab.Server([lab.program("dovecot", "dovecot-core"), "-F", "-c", config],
                      where.path + "/run/lmtp", log=where.path + "/out")


def test_postfix(where):
    server = Postfix(where)
    server.start()
    try:
        place = {"socket": "inet:127.0.0.1:%d" % server.port, "domains": "example.com"}
        ask = lab.Ask("callout", place)
        lab.check_table(ask, [
            ("ann@example.com", "found mailbox"), ("ann+x@example.com", "found mailbox"),
            ("info@example.com", "found mailbox"), ("nobody@example.com", "notfound"),
            ("o'hara@example.com", "found mailbox"), ("j\u00f6rg@example.com", "found mailbox"),
            ("j\u00fcrg@example.com", "notfound"), ('"a b"@example.com', "found mailbox"),
            ("anybody@open.example", "found catch-all"), ("known@relay.example", "found mailbox"),
            ("unknown@relay.example", "notfound"), ("full@example.com", "tempfail"),
            ("policy@example.com", "permfail"), ("ann@elsewhere.example", "permfail"),
            ("@example.com", "notfound"), ("ann", "notfound"), ("ann@[127.0.0.1]", "notfound"),
            ("ann@b\u00fccher.example", "notfound")])
        lab.check_injections(ask, keys=[k for k in lab.INJECTIONS if "other.example" not in k],
                             good=("notfound", "permfail"))
        for part in ('"ann@example.com> SIZE=1"', '"ann\\"b"', '"ann\\\\b"', '">"', '" "', '""'):
            lab.check("quoted %s" % part, ask(part + "@example.com").status, "notfound")
        log = server.log()
        lab.check("one RCPT a command", [line for line in log.split("\n") if "RCPT from" in line and
                                         re.search(r"to=<[^>]*[\r\n]", line)], [])
        lab.check("no syntax errors", re.findall(r"improper command pipelining|unknown command",
                                                 log), [])
        lab.check("nothing was queued", os.listdir(where.path + "/queue/active") +
                  os.listdir(where.path + "/queue/incoming"), [])
        # Postfix's log takes its time with so many sessions
        lab.check_life(ask, server, "ann@example.com", times=3)
        lab.check_end(ask)
        for changes, wanted in (({"probe": "false"}, "found mailbox"), ({}, "found catch-all")):
            ask = lab.Ask("callout", dict(place, **changes))
            lab.check("%r" % changes, ask("x@open.example").short(), wanted)
            lab.check_end(ask)
    finally:
        server.stop()


def test_dovecot(where):
    server = dovecot(where)
    server.start()
    try:
        ask = lab.Ask("callout", {"socket": where.path + "/run/lmtp", "protocol": "lmtp",
                                   "domains": "example.com"})
        lab.check_table(ask, [("ann@example.com", "found mailbox"),
                              ("nobody@example.com", "notfound"), ("@example.com", "notfound")])
        lab.check_injections(ask)
        lab.check_life(ask, server, "ann@example.com")
        lab.check_end(ask)
    finally:
        server.stop()


class Script:
    """An SMTP server that says to RCPT what a function of the address says."""

    def __init__(self, rcpt, greeting=b"220 hi\r\n", ehlo=b"250 hi\r\n", mail=b"250 ok\r\n"):
        self.rcpt, self.greeting, self.ehlo, self.mail = rcpt, greeting, ehlo, mail
        self.heard, self.lock = [], threading.Lock()
        self.server = lab.FalseServer(self.serve)

    def serve(self, connection):
        connection.sendall(self.greeting)
        for line in connection.makefile("rb"):
            with self.lock:
                self.heard.append(line)
            if line.startswith((b"EHLO", b"LHLO", b"HELO")):
                connection.sendall(self.ehlo)
            elif line.startswith(b"MAIL"):
                connection.sendall(self.mail)
            elif line.startswith(b"RCPT"):
                connection.sendall(self.rcpt(line))
            else:
                return

    def ask(self, **options):
        return lab.Ask("callout", dict({"socket": self.server.place, "domains": "example.com"},
                                        **options))


def says(reply, probe=b"550 5.1.1 no\r\n"):
    return lambda line: reply if b"<ann@" in line else probe


def test_replies():
    rows = [
        (b"250 ok", "found mailbox"), (b"250", "found mailbox"), (b"251 forwarded", "found mailbox"),
        (b"250-a\r\n250-b\r\n250 c", "found mailbox"), (b"252 cannot say", "tempfail"),
        (b"550 no", "notfound"), (b"550 5.1.1 no", "notfound"), (b"550-5.1.1 no\r\n550 5.1.1 no", "notfound"),
        (b"551 gone", "notfound"), (b"553 name", "notfound"), (b"550 5.1.10 no", "notfound"),
        (b"550 5.4.1 access denied", "notfound"), (b"550 5.2.1 disabled", "notfound"),
        (b"552 full", "found mailbox"), (b"550 5.2.2 full", "found mailbox"),
        (b"554 5.7.1 relay access denied", "permfail"), (b"550 5.7.1 relaying denied", "permfail"),
        (b"550 5.7.26 spf", "permfail"), (b"530 5.7.0 log in first", "permfail"),
        (b"521 closed", "permfail"), (b"503 bad sequence", "permfail"),
        (b"450 greylisted", "tempfail"), (b"451 4.3.0 x", "tempfail"), (b"421 bye", "tempfail"),
        (b"354 what", "tempfail"), (b"999 what", "tempfail"), (b"25", "tempfail"),
        (b"250-ok\r\n550 no", "tempfail"), (b"2500 x", "tempfail"), (b"ok", "tempfail"),
        (b"550-x\r\n" * 200 + b"550 x", "tempfail"), (b"550 " + b"x" * 100000, "tempfail"),
        (b"550 5.1.1 no\r\n250 ok", "notfound")]
    for reply, wanted in rows:
        script = Script(says(reply + b"\r\n"))
        ask = script.ask()
        ask.timeout(0.7)
        answer = ask("ann@example.com")
        lab.check("RCPT: %r" % reply[:40], answer.short(), wanted)
        if reply[:3] in (b"450", b"451", b"554", b"252"):
            lab.check("RCPT: %r, of the address" % reply[:40], answer.of_key, True)
        if reply[:3] in (b"421", b"521", b"503", b"530", b"999", b"ok"):
            lab.check("RCPT: %r, of the session" % reply[:40], answer.of_key, False)
        lab.check_end(ask)
        script.server.end()
    for label, script, wanted in (
            ("greeting 554", Script(says(b"250 ok\r\n"), greeting=b"554 no\r\n"), "permfail"),
            ("greeting 421", Script(says(b"250 ok\r\n"), greeting=b"421 busy\r\n"), "tempfail"),
            ("two greetings", Script(says(b"250 ok\r\n"), greeting=b"220 a\r\n220 b\r\n"), "tempfail"),
            ("EHLO 502, HELO too", Script(says(b"250 ok\r\n"), ehlo=b"502 no\r\n"), "permfail"),
            ("null sender refused", Script(says(b"250 ok\r\n"), mail=b"550 5.7.1 no\r\n"), "permfail"),
            ("probe 450", Script(says(b"250 ok\r\n", b"450 later\r\n")), "tempfail"),
            ("probe 554", Script(says(b"250 ok\r\n", b"554 5.7.1 no\r\n")), "tempfail"),
            ("probe 450, refused", Script(says(b"550 5.1.1 no\r\n", b"450 later\r\n")), "notfound"),
            ("all accepted", Script(says(b"250 ok\r\n", b"250 ok\r\n")), "found catch-all"),
            ("probe answered twice", Script(says(b"250 ok\r\n", b"550 no\r\n250 ok\r\n")), "tempfail")):
        ask = script.ask()
        lab.check(label, ask("ann@example.com").short(), wanted)
        lab.check_end(ask)
        script.server.end()


def test_conversation():
    """What is said, to the octet; the probe is a random address, once a domain and time."""
    script = Script(says(b"250 ok\r\n"))
    ask = script.ask(helo="me.example.com", probe_ttl="0.5")
    for _ in range(2):
        lab.check("found", ask("ann@example.com").short(), "found mailbox")
    time.sleep(0.6)
    lab.check("found", ask("ann@example.com").short(), "found mailbox")
    lab.check_end(ask)
    lab.wait_until(lambda: sum(b"QUIT" in h for h in script.heard) == 3, "QUIT")
    heard = b"".join(script.heard).decode()
    probe = r"RCPT TO:<([0-9a-f]{20})@example.com>\r\n"
    begin, end = "EHLO me.example.com\r\nMAIL FROM:<>\r\n", "RCPT TO:<ann@example.com>\r\nQUIT\r\n"
    lab.check("to the octet", re.fullmatch(
        begin + probe + end + begin + end + begin + probe + end, heard) is not None, True)
    lab.check("random", len(set(re.findall(probe, heard))), 2)
    script.server.end()


def test_options():
    lab.check_options("callout", {"socket": "inet:127.0.0.1:25", "domains": "example.com"}, [
        ({"socket": None}, "needs socket"), ({"domains": None}, "needs domains"), ({"socket": "x y"}, "no place"),
        ({"protocol": "http"}, "neither"), ({"helo": "a b"}, "no host name"),
        ({"helo": "a\r\nQUIT"}, "no host name"), ({"probe": "x"}, "neither"),
        ({"mail_from": "x"}, "no option")])


def main():
    with lab.Lab() as where:
        test_dovecot(where)
    test_options()
    test_replies()
    test_conversation()
    half = [("half a reply", lab.says(b"220 h", after=False)),
            ("a reply without an end", lab.says(b"220-h\r\n", after=False)),
            ("continues for ever", lab.floods(b"220-h\r\n"))]
    lab.check_rude("callout", lambda s: {"socket": s.place, "domains": "example.com"},
                   "ann@example.com", half)
    if os.getuid() != 0 and not lab.failed:
        lab.skip("Postfix runs only when root starts it; all else passed")
    if os.getuid() == 0:
        with lab.Lab() as where:
            test_postfix(where)
    lab.finish()


main()
