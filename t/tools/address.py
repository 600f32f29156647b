#!/usr/bin/python3
"""address.py - `presend address` as a program, and --mailboxes of the others.

Answers, exit statuses, the shape of the JSON, what a person is shown; logs of
Postfix and of our own; compiled stores; a daemon that is told to forget, and
processes that must not be told.  Everything is in a temporary folder, and ended by
pid.  Names of tests as arguments run these alone.
"""

import fcntl
import json
import os
import select
import subprocess
import sys
import tempfile
import time

BUILD = os.path.abspath(os.environ.get("builddir", "."))
PRESEND = os.environ.get("PRESEND") or os.path.join(BUILD, "presend")
MILTER = os.environ.get("PRESEND_MILTER") or os.path.join(BUILD, "presend-milter")
passed = 0
failures = []

USERS = """\
ann@example.com
Bob@Example.com
sales@example.com alias ann@example.com login=ann@example.com,carl
nobodys@example.com alias ann@example.com login=
away@example.com alias ann@elsewhere.example
team@example.com list
@catch.example
b\u00fccher@b\u00fccher.example
"""


def check(label, got, wanted):
    global passed
    if got == wanted:
        passed += 1
        return
    failures.append(label)
    print("FAIL %s\n  got    %r\n  wanted %r" % (label, got, wanted))


class Folder:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="presend-address.")
        self.dir = self.temporary.name
        os.chmod(self.dir, 0o755)
        self.users = self.file("users", USERS)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def file(self, name, text):
        path = os.path.join(self.dir, name)
        with open(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return path


def presend(*words, **kwargs):
    kwargs.setdefault("input", "")
    return subprocess.run([PRESEND, *words], capture_output=True, text=True, timeout=60,
                          check=False, **kwargs)


def address(folder, *words, **kwargs):
    return presend("address", "--offline", "--mailboxes", "file:" + folder.users, *words, **kwargs)


def objects(run):
    return [json.loads(line) for line in run.stdout.splitlines()]


# ---- addresses -----------------------------------------------------------------------------


def test_answers():
    """(address, answer, exit status)"""
    rows = [
        ("ann@example.com", "mailbox", 0),
        ("<ann@example.com>", "mailbox", 0),
        ("ANN@EXAMPLE.com", "mailbox", 0),
        ("bob@example.com", "mailbox", 0),
        ('"ann"@example.com', "mailbox", 0),
        ("b\u00fccher@xn--bcher-kva.example", "mailbox", 0),
        ("sales@example.com", "alias", 0),
        ("away@example.com", "forward-only", 0),
        ("team@example.com", "list", 0),
        ("x@catch.example", "catch-all", 0),
        ("ann@elsewhere.example", "not-ours", 0),
        ("ann+x@example.com", "none", 1),
        ("ann", "none", 1),
        ("", "none", 1),
        ("@example.com", "none", 1),
        ("ann\n@example.com", "none", 1),
        ("ann@exam ple.com", "none", 1),
        ("*@example.com", "none", 1),
    ]
    with Folder() as folder:
        for text, answer, status in rows:
            run = address(folder, "--json", text)
            got = objects(run)
            check(text + ": one line", len(got), 1)
            check(text, (got[0]["answer"], run.returncode, run.stderr), (answer, status, ""))
            run = address(folder, text)
            check(text + ": readable", ": %s" % answer in run.stdout.splitlines()[0], True)
            check(text + ": same status", run.returncode, status)
        run = address(folder, "--json", *[row[0] for row in rows])
        check("all: answers", [o["answer"] for o in objects(run)], [row[1] for row in rows])
        check("all: status", run.returncode, 1)


def test_worst_status():
    """1 before 2 before 0; unknown is 2."""
    with Folder() as folder:
        config = folder.file("c.conf", """
            directory = { "gone", "file:%s" }
            store "gone" { type = texthash  path = "%s/gone"  domains = { "gone.example" } }
            recipient_delimiter = "+"
            """ % (folder.users, folder.dir))
        rows = [(["ann@example.com"], 0), (["x@gone.example"], 2), (["no@example.com"], 1),
                (["ann@example.com", "x@gone.example"], 2),
                (["x@gone.example", "ann@example.com"], 2),
                (["x@gone.example", "no@example.com"], 1),
                (["no@example.com", "x@gone.example"], 1),
                (["ann+lists@example.com"], 0)]
        for words, status in rows:
            run = presend("address", "-c", config, "--json", *words)
            check("status of %s" % words, run.returncode, status)
        got = objects(presend("address", "-c", config, "--json", "x@gone.example"))[0]
        check("unknown", (got["answer"], "No such file" in got["why"]), ("unknown", True))
        got = objects(presend("address", "-c", config, "--json", "ann+lists@example.com"))[0]
        check("sub-address", (got["answer"], got["of"]), ("sub-address", "ann@example.com"))
        run = presend("address", "-c", config, "x@gone.example", "ann+lists@example.com")
        check("why is shown", "why      " in run.stdout, True)
        check("of is shown", "of       ann@example.com" in run.stdout, True)


def test_catch_all_as_mailbox():
    """The answer says what it is; whether that counts is the check's affair."""
    with Folder() as folder:
        message = folder.file("m.eml", "From: x@catch.example\n\nx\n")
        for rule, wanted in (("nothing", ["envelope.sender-mailbox", "from.mailbox"]),
                             ("mailbox", [])):
            config = folder.file("c.conf", 'catch_all = %s\ndirectory = { "file:%s" }\n'
                                 % (rule, folder.users))
            run = presend("address", "-c", config, "--json", "x@catch.example")
            check("catch_all = " + rule, (objects(run)[0]["answer"], run.returncode),
                  ("catch-all", 0))
            run = presend("check", "-c", config, "--offline", "--json", "--only", "*mailbox",
                          message)
            check("check with catch_all = " + rule,
                  (sorted(f["check"] for f in objects(run)[0]["findings"]), run.returncode),
                  (wanted, 0))


def test_login():
    """(login, address, may it use it, the logins that are named)"""
    rows = [
        ("ann@example.com", "ann@example.com", True, None),
        ("ANN@example.com", "ann@example.com", True, None),
        ("bob@example.com", "ann@example.com", False, None),
        ("carl", "sales@example.com", True, ["ann@example.com", "carl"]),
        ("ann@example.com", "nobodys@example.com", False, []),
        ("ann@example.com", "away@example.com", False, None),
        ("ann@example.com", "x@catch.example", False, None),
        ("ann@example.com", "x@elsewhere.example", False, None),
    ]
    with Folder() as folder:
        for login, text, may, logins in rows:
            label = "%s as %s" % (login, text)
            run = address(folder, "--json", "--auth", login, text)
            got = objects(run)[0]
            check(label, (got["login_may_use"], got["logins"], got["login"]), (may, logins, login))
            check(label + ": why", got["login_why"] not in (None, ""), True)
            check(label + ": the status is the mailbox's", run.returncode, 0)
            run = address(folder, "--auth", login, text)
            check(label + ": readable", "  login    %s may %suse it: " % (login, "" if may else "not ")
                  in run.stdout, True)
        got = objects(address(folder, "--json", "sales@example.com"))[0]
        check("no login", (got["login_may_use"], "login" in got, got["logins"]),
              (None, False, ["ann@example.com", "carl"]))
        check("nobody", "logins   nobody" in address(folder, "nobodys@example.com").stdout, True)


def test_login_map():
    with Folder() as folder:
        table = folder.file("logins", "ann@example.com ann, carl\n@example.com root\n")
        config = folder.file("c.conf", """
            directory = { "file:%s", "logins" }
            store "logins" { type = texthash  path = "%s"  holds = logins }
            """ % (folder.users, table))
        for login, text, may, logins in (
                ("carl", "ann@example.com", True, ["ann", "carl"]),
                ("bob@example.com", "bob@example.com", False, ["root"])):
            got = objects(presend("address", "-c", config, "--json", "--auth", login, text))[0]
            check("map: %s as %s" % (login, text),
                  (got["login_may_use"], got["logins"], got["login_store"]), (may, logins, "logins"))
        got = objects(presend("address", "-c", config, "--json", "x@catch.example"))[0]
        check("map: in none", (got["login_may_use"], got["logins"]), (None, []))


def test_json_shape():
    with Folder() as folder:
        users = "file:" + folder.users
        got = objects(address(folder, "--json", "--trace", "sales@example.com"))[0]
        elapsed = got.pop("elapsed_us")
        trace = got.pop("trace")
        check("elapsed", type(elapsed), int)
        check("the object", got, {
            "address": "sales@example.com", "answer": "alias", "store": users,
            "login_may_use": None, "logins": ["ann@example.com", "carl"], "of": None,
            "reaches": ["ann@example.com"], "why": None, "stale": False})
        for lookup in trace:
            check("elapsed of a lookup", type(lookup.pop("elapsed_us")), int)
        check("lookups", trace[0], {
            "store": users, "type": "file", "service": "domain", "key": "example.com",
            "source": "asked", "status": "found", "entry": "domain", "targets": [],
            "logins": None, "why": None})
        check("entry", [t for t in trace if t["key"] == "sales@example.com"][0], {
            "store": users, "type": "file", "service": "address", "key": "sales@example.com",
            "source": "asked", "status": "found", "entry": "alias",
            "targets": ["ann@example.com"], "logins": ["ann@example.com", "carl"], "why": None})
        check("no trace", "trace" in objects(address(folder, "--json", "ann@example.com"))[0], False)
        text = address(folder, "--trace", "sales@example.com").stdout
        check("readable trace", "asked    %s (file): address sales@example.com: found alias, "
              "targets ann@example.com, logins ann@example.com, carl (asked, " % users in text, True)


def test_hostile():
    with Folder() as folder:
        hostile = ["a\x1b[31m@example.com", "a\n  login    root may use it@example.com",
                   '"\r"@example.com', "a\u202eb@example.com", "a\x7f@example.com"]
        for text in hostile:
            run = address(folder, "--auth", text, text)
            label = ascii(text)
            check(label + ": escaped", any(c in run.stdout for c in "\x1b\r\u202e\x7f"), False)
            check(label + ": a line of its own", "\n  login    root may" in run.stdout, False)
            got = objects(address(folder, "--json", "--trace", "--auth", text, text))
            check(label + ": JSON", (len(got), got[0]["answer"]), (1, "none"))


def test_stdin():
    with Folder() as folder:
        run = address(folder, "--json", "-", "bob@example.com",
                      input="ann@example.com\r\n\n  no@example.com  \n" + "x" * 100000 +
                      "@example.com\nsales@example.com")
        check("lines", [o["answer"] for o in objects(run)],
              ["mailbox", "none", "none", "alias", "mailbox"])
        check("status", run.returncode, 1)
        run = address(folder, "-", input="")
        check("nothing", (run.stdout, run.returncode), ("", 0))


# ---- the command line ----------------------------------------------------------------------


def test_usage():
    with Folder() as folder:
        rows = [
            ([], 64, "ADDRESS: is missing"),
            (["--nosuch", "a@b.example"], 64, "no such option"),
            (["--auth", "", "a@b.example"], 64, "at least one character"),
            (["--mailboxes", "", "a@b.example"], 64, "not a store"),
            (["--only", "from.*", "a@b.example"], 64, "not an option of this subcommand"),
            (["--from-log", folder.users, "a@b.example"], 64, "no address goes with"),
            (["--compile", "a@b.example"], 64, "no address goes with"),
            (["--flush", "a@b.example"], 64, "no address goes with"),
            (["--from-log", folder.users, "--flush"], 64, "not with --compile or --flush"),
            (["--from-log", folder.users, "--auth", "x"], 64, "the log names the logins"),
            (["a@b.example"], 78, "set `directory` in the configuration"),
            (["--from-log", folder.users], 78, "set `directory` in the configuration"),
            (["--compile"], 78, "no store of the type file"),
            (["--compile", "--mailboxes", "passwd"], 64, "no store of the type file"),
            (["--flush"], 78, "SIGUSR1"),
            (["--mailboxes", "nosuch:/x", "a@b.example"], 66, "no store of type nosuch"),
            (["--mailboxes", "file:" + folder.dir + "/gone", "a@b.example"], 66, "No such file"),
            (["--mailboxes", "file:" + folder.users, "--from-log", folder.dir + "/gone"], 66,
             "No such file"),
            (["-c", folder.dir + "/gone", "a@b.example"], 78, "gone"),
        ]
        config = folder.file("empty.conf", "")
        for words, status, said in rows:
            words = words if "-c" in words else ["-c", config] + words
            run = presend("address", *words)
            check("address %s" % words, (run.returncode, run.stdout), (status, ""))
            check("address %s: %s" % (words, run.stderr), said in run.stderr, True)


def test_mailboxes():
    """A relative path, a section of the configuration, the other subcommands."""
    with Folder() as folder:
        run = presend("address", "--mailboxes", "file:users", "ann@example.com", cwd=folder.dir)
        check("relative", (run.returncode, run.stdout.split(" (")[0]), (0, "ann@example.com: mailbox"))
        config = folder.file("c.conf", 'store "staff" { type = file  path = "%s" }\n' % folder.users)
        run = presend("address", "-c", config, "--mailboxes", "staff", "--json", "ann@example.com")
        check("section", objects(run)[0]["store"], "staff")
        message = folder.file("m.eml", "From: Ann <no@example.com>\n\nx\n")
        words = ["--offline", "--only", "from.mailbox,from.login", "--json"]
        for spec, wanted in ((["--mailboxes", "file:users"], ["from.mailbox"]), ([], [])):
            run = presend("check", *words, *spec, message, cwd=folder.dir)
            got = objects(run)[0]
            check("check %s" % spec, ([f["check"] for f in got["findings"]], run.returncode),
                  (wanted, len(wanted)))
            check("check %s: the record" % spec, "mailbox" in got, bool(wanted))
            run = presend("from", *words, *spec, "Ann <no@example.com>", cwd=folder.dir)
            check("from %s" % spec, [f["check"] for f in objects(run)[0]["findings"]], wanted)
        run = presend("check", "--auth", "bob@example.com", "--mailboxes", "file:users", *words,
                      folder.file("n.eml", "From: ann@example.com\n\nx\n"), cwd=folder.dir)
        check("check --auth", [f["check"] for f in objects(run)[0]["findings"]], ["from.login"])
        check("check --auth: the record", objects(run)[0]["mailbox"]["login_may_use"], False)
        run = presend("check", "--mailboxes", "file:gone", message, cwd=folder.dir)
        check("check without the file", run.returncode, 66)


def test_output_fails():
    with Folder() as folder, open("/dev/full", "w", encoding="ascii") as full:
        for words in (["ann@example.com"], ["--from-log", folder.users], ["--compile"]):
            run = subprocess.run([PRESEND, "address", "--mailboxes", "file:" + folder.users, *words],
                                 stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
            check("full: %s" % words, run.returncode, 74)


# ---- logs ----------------------------------------------------------------------------------


AT = "Nov 22 05:00:00 mx "


def postfix(queue_id, sender, login=None, removed=False):
    lines = [AT + "postfix/submission/smtpd[7]: %s: client=c[192.0.2.1]%s" % (
        queue_id, ", sasl_method=PLAIN, sasl_username=" + login if login else "")]
    lines += [AT + "postfix/qmgr[8]: %s: from=<%s>, size=1, nrcpt=1 (queue active)"
              % (queue_id, sender)] * 2
    return lines + [AT + "postfix/qmgr[8]: %s: removed" % queue_id] * removed


def record(author, login=None):
    envelope = {"auth": login} if login else {}
    return json.dumps({"v": 1, "author": {"address": author}, "envelope": envelope})


def from_log(folder, lines, *words):
    log = folder.file("log", "".join(line + "\n" for line in lines))
    return address(folder, "--from-log", log, *words)


def test_from_log_postfix():
    with Folder() as folder:
        lines = (postfix("4C1", "ghost@example.com", "app", removed=True) +
                 postfix("4C1", "Ghost@example.com", "app") + postfix("4C2", "ghost@example.com") +
                 postfix("4C3", "ann@example.com", "bob@example.com") +
                 postfix("4C4", "ann@example.com", "ann@example.com") + postfix("4C5", "") +
                 postfix("4C6", "SRS0=ab=cd=x.example=joe@example.com") +
                 postfix("4C7", "bounces-joe=x.example@example.com") +
                 postfix("4C8", "prvs=123456789a=ghost@example.com", "app") +
                 postfix("4C9", "somebody@elsewhere.example"))
        run = from_log(folder, lines, "--json")
        got = [(o["count"], o["field"], o["address"], o.get("login"), o["answer"],
                o["login_may_use"]) for o in objects(run)]
        check("pairs", got, [
            (3, "MAIL FROM", "ghost@example.com", "app", "none", False),
            (1, "MAIL FROM", "ghost@example.com", None, "none", None),
            (1, "MAIL FROM", "ann@example.com", "bob@example.com", "mailbox", False)])
        check("status", (run.returncode, run.stderr), (1, ""))
        run = from_log(folder, lines)
        check("readable", run.stdout.splitlines(), [
            "      3 no mailbox   MAIL FROM ghost@example.com, login app",
            "      1 no mailbox   MAIL FROM ghost@example.com",
            "      1 not allowed  MAIL FROM ann@example.com, login bob@example.com: "
            "the mailbox is another one's",
            "%d lines, 7 senders, 5 pairs: 2 no mailbox, 1 not allowed, 0 not known" % len(lines)])
        run = from_log(folder, lines, "--verbose")
        check("verbose", "in order     MAIL FROM somebody@elsewhere.example: not-ours" in run.stdout,
              True)


def test_from_log_records():
    with Folder() as folder:
        lines = [record("ann@example.com", "ann@example.com"), record("no@example.com", "x"),
                 AT + "presend-milter[9]: " + record("no@example.com", "x"),
                 AT + "presend-milter[9]: time=2026-11-22T05:00:00.123Z class=none"
                 ' from=no@example.com mail_from="" auth=x',
                 AT + "presend-milter[9]: ready, mode audit", AT + "app[1]: " + record("no@example.com"),
                 '{"half":', "", "no log at all"]
        run = from_log(folder, lines, "--json")
        check("records", [(o["count"], o["field"], o["address"]) for o in objects(run)],
              [(3, "From", "no@example.com")])
        check("the half one", "1 lines are too long, or records that were cut" in run.stderr, True)
        check("good", from_log(folder, lines[:1]).returncode, 0)
        run = address(folder, "--from-log", "-", input=record("no@example.com") + "\r\n")
        check("standard input", (run.returncode, run.stdout.splitlines()[0]),
              (1, "      1 no mailbox   From no@example.com"))
        check("a folder", address(folder, "--from-log", folder.dir).returncode, 66)


def test_from_log_is_what_we_write():
    """The records of `presend check`, read back."""
    with Folder() as folder:
        message = folder.file("m.eml", 'From: "A" <no@example.com>\n\nx\n')
        run = presend("check", "--offline", "--json", "--auth", 'odd " login', message)
        run = from_log(folder, run.stdout.splitlines(), "--json")
        check("read back", [(o["address"], o["login"]) for o in objects(run)],
              [("no@example.com", 'odd " login')])


def test_from_log_hostile():
    with Folder() as folder:
        lines = [record("a\x1b[31m@example.com", "x\n      9 no mailbox   From root@example.com"),
                 "\x00\xff\x1b", AT + "postfix/qmgr[8]: 4C1: from=<\x1b@example.com>, size=1",
                 "{" * 5000, "[" * 5000, "y" * (1024 * 1024 + 1)]
        run = from_log(folder, lines)
        check("escaped", "\x1b" in run.stdout, False)
        check("lines", len(run.stdout.splitlines()), 2)
        check("left out", "2 lines are too long" in run.stderr, True)


def test_from_log_many():
    """More pairs than are kept: those that are kept are told, and the status is not 0."""
    with Folder() as folder:
        lines = [record("ann@example.com", "*%d" % i) for i in range(100002)]
        users = folder.file("users", "ann@example.com login=*\n")
        check("all good", users, folder.users)
        run = from_log(folder, lines)
        check("left out", "2 messages are left out" in run.stderr, True)
        check("status", run.returncode, 2)
        check("pairs", "100002 senders, 100000 pairs: 0 no mailbox, 0 not allowed" in run.stdout, True)


# ---- upkeep --------------------------------------------------------------------------------


def test_compile():
    with Folder() as folder:
        run = address(folder, "--compile")
        check("compiled", (run.returncode, run.stdout), (0, folder.users + ".lmdb: 11 entries\n"))
        check("is used", address(folder, "ann@example.com", "sales@example.com").returncode, 0)
        other = folder.file("other", "carl@example.com\n")
        bad = folder.file("bad", "ann@example.com nosuchtype\n@@\n")
        config = folder.file("c.conf", """
            directory = { "file:%s", "staff", "passwd" }
            store "staff" { type = file  path = "%s" }
            store "table" { type = texthash  path = "%s" }
            """ % (folder.users, other, other))
        os.unlink(folder.users + ".lmdb")
        run = presend("address", "-c", config, "--compile")
        check("all", (run.returncode, sorted(run.stdout.splitlines())),
              (0, [other + ".lmdb: 2 entries", folder.users + ".lmdb: 11 entries"]))
        run = presend("address", "-c", config, "--compile", "--mailboxes", "staff")
        check("one", run.stdout, other + ".lmdb: 2 entries\n")
        run = presend("address", "--compile", "--mailboxes", "file:" + bad)
        check("bad text", (run.returncode, os.path.exists(bad + ".lmdb")), (66, False))
        check("bad text: the line", "line " in run.stderr, True)


class Daemon:
    """presend-milter in the foreground, with a pidfile."""

    def __init__(self, folder):
        self.pidfile = os.path.join(folder.dir, "pid")
        self.config = folder.file("d.conf", """
            socket = "unix:%s/sock"
            user = "nobody"
            pidfile = "%s"
            own_domains = { "example.com" }
            resolver = { "none" }
            directory = { "file:%s" }
            """ % (folder.dir, self.pidfile, folder.users))
        self.process = subprocess.Popen([MILTER, "-f", "-c", self.config], text=True,
                                        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = ""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stderr.close()

    def says(self, words):
        end = time.monotonic() + 60
        while words not in self.log and time.monotonic() < end:
            if select.select([self.process.stderr], [], [], 0.1)[0]:
                read = os.read(self.process.stderr.fileno(), 65536).decode()
                if read == "":
                    break
                self.log += read
        return words in self.log


def test_flush():
    with Folder() as folder, Daemon(folder) as daemon:
        check("the daemon runs: " + daemon.log, daemon.says("ready"), True)
        run = presend("address", "-c", daemon.config, "--flush")
        check("flush", (run.returncode, "process %d" % daemon.process.pid in run.stdout), (0, True))
        check("it reads: " + daemon.log, daemon.says("is in force"), True)
        check("it lives", daemon.process.poll(), None)
        run = presend("address", "-c", daemon.config, "--compile", "--flush")
        check("both", (run.returncode, len(run.stdout.splitlines())), (0, 2))
        os.rename(daemon.pidfile, daemon.pidfile + ".old")
        with open(daemon.pidfile, "w", encoding="ascii") as file:
            file.write("%d\n" % daemon.process.pid)
        check("another file", presend("address", "-c", daemon.config, "--flush").returncode, 66)


def test_flush_spares_others():
    """SIGUSR1 would end a process that is no daemon of ours."""
    with Folder() as folder:
        pidfile = os.path.join(folder.dir, "pid")
        config = folder.file("c.conf", 'pidfile = "%s"\n' % pidfile)
        check("no pidfile", presend("address", "-c", config, "--flush").returncode, 66)
        with subprocess.Popen(["sleep", "60"]) as victim:
            for text in ("%d\n" % victim.pid, "%d" % victim.pid, "%d x\n" % victim.pid, "0\n",
                         "-%d\n" % victim.pid, "1\n", "", "99999999999999999999\n", "4194303\n"):
                folder.file("pid", text)
                run = presend("address", "-c", config, "--flush")
                check("pidfile %r" % text, run.returncode, 66)
            folder.file("pid", "%d\n" % victim.pid)
            with open(pidfile, encoding="ascii") as file:  # locked by somebody else than it names
                fcntl.flock(file, fcntl.LOCK_EX)
                check("another's lock", presend("address", "-c", config, "--flush").returncode, 66)
            os.rename(pidfile, pidfile + ".real")
            os.symlink(pidfile + ".real", pidfile)
            check("a link", presend("address", "-c", config, "--flush").returncode, 66)
            check("it lives", victim.poll(), None)
            victim.kill()


def main():
    tests = {name: f for name, f in globals().items() if name.startswith("test_")}
    for name in sys.argv[1:] or tests:
        tests[name]()
    print("%d passed, %d failed" % (passed, len(failures)))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
