#!/usr/bin/python3
"""Mailboxes and logins end to end: a real Postfix, whose own tables Presend reads.

usage: mailboxes.py [TEST...]     (root; $builddir names the build folder)

The site, its users and their mail are those of site_tables.py.  Then directory servers
that stop, hang and lie while mail is being sent (directories.py).
"""
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from directories import Postgres, Socketmap  # noqa: E402
from lab import Client, Lab, Sink, Tests, expect, expect_equal, skip, wait_until  # noqa: E402
from names import NameServer, everything_exists  # noqa: E402
from servers import HOST, Milter, Postfix, build_folder, daemon_user  # noqa: E402
from site_tables import (ANN, BOB, KINDS, LOGINS, MAIL, MAILS, OWN, TABLES, Mail, Tables,  # noqa: E402
                         missing_kinds)  # noqa: E402

CLIENTS = 8  # at a time
CHECKS = ("envelope.sender-mailbox", "envelope.sender-login", "from.mailbox", "from.foreign", "from.login")
ENHANCED = {"envelope.sender-mailbox": "5.1.0", "envelope.sender-login": "5.7.1", "from.mailbox": "5.1.0",
            "from.foreign": "5.7.1", "from.login": "5.7.1"}

# The one line.
POSTFIX = "directory = postfix\n"

tests = Tests()


def actions(action):
    return "".join(f'check "{check}" {{ action = {action} }}\n' for check in CHECKS)


class World:
    """Postfix with a site's tables, the milter and the sink."""

    def __init__(self, lab):
        self.lab, self.sink = lab, Sink(lab)
        self.postfix = Postfix(lab, self.sink)
        self.tables = Tables(self.postfix, "tables", {
            "mailboxes": "lmdb", "mailbox-domains": "texthash", "alias-domains": "cdb", "forwards": "cdb",
            "accounts": "hash", "logins": "hash"})
        # Bounces are seen by the milter, too.
        self.postfix.main.update(self.tables.settings(), internal_mail_filter_classes="bounce")
        self.postfix.write_main()
        expect(self.postfix.add_users(LOGINS), "saslpasswd2 is not there: ./quickstart packages test")
        self.config = "mode = audit\n" + POSTFIX
        self.milter = Milter(lab, self.postfix.socket, self.config, self.postfix.group, always=everything_exists(lab),
                             # by which Postfix's programs know whose main.cf is meant
                             environment=self.postfix.environment).start()
        self.postfix.start()
        self.count, self.lock = 0, threading.Lock()

    def use(self, config):
        """Puts a configuration in force, by a reload."""
        if config != self.config:
            said = self.milter.reload(config)
            expect(" is not in force" not in said, f"the configuration: {said}")
            self.config = config

    def domain(self):
        with self.lock:
            self.count += 1
            return f"m{self.count}.remote.example"

    def client(self, login="", port="submission"):
        client = Client(self.postfix.ports[port])
        if login:
            expect_equal(f"AUTH of {login}", client.login(login, LOGINS[login]).code, 235)
        return client

    def send(self, mail, sender=None, more=b"", message=None):
        """Sends it to an address of its own; returns what became of it."""
        domain = self.domain()
        octets = more + (message or mail.message())
        with self.client(mail.login) as client:
            reply = client.send(mail.envelope if sender is None else sender, [f"bob@{domain}"], octets)
        return Sent(self, mail, domain, octets, reply)

    def sent(self, mails, **more):
        """Sends all of them, side by side."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            yield from pool.map(lambda mail: self.send(mail, **more), mails)


class Sent:
    """A message that was sent, and what became of it."""

    def __init__(self, world, mail, domain, octets, reply):
        self.world, self.mail, self.domain, self.octets, self.reply = world, mail, domain, octets, reply
        self.what = mail.name

    def has_reply(self, code):
        expect_equal(f"{self.what}: code of {self.reply}", self.reply.code, code)

    def record(self):
        return self.world.milter.record_to(self.domain)

    def delivered(self):
        return self.world.sink.one_to(f"bob@{self.domain}")

    def is_untouched(self):
        expect_equal(f"{self.what}: message", self.delivered().without_trace(), self.octets)

    def is_not_delivered(self):
        expect_equal(f"{self.what}: at the sink", self.world.sink.to(f"bob@{self.domain}"), [])

    def is_refused(self, check, stage):
        """For good, by that check, which the reply names, with a fix."""
        self.has_reply(553 if check.startswith("envelope.") else 550)
        expect(all(line[4:].startswith(ENHANCED[check] + " ") for line in self.reply.lines),
               f"{self.what}: {ENHANCED[check]} is not in {self.reply}")
        expect(check in self.reply.lines[0], f"{self.what}: {check} is not named in {self.reply}")
        expect("Fix: " in self.reply.text, f"{self.what}: no fix in {self.reply}")
        expect_equal(f"{self.what}: where it is refused", self.reply.stage, stage)
        self.is_not_delivered()

    def findings(self, result):
        return {f["check"] for f in self.record()["findings"] if f["result"] == result and f["check"] in CHECKS}

    def is_judged(self, may_use, fails=None):
        """Does the record say what the directory has to know?"""
        mail, mailbox = self.mail, self.record()["mailbox"]
        expect_equal(f"{self.what}: answer {mailbox}", mailbox["answer"], mail.answer)
        expect_equal(f"{self.what}: address", mailbox["address"].lower(), mail.author.lower())
        expect_equal(f"{self.what}: login_may_use", mailbox["login_may_use"], may_use)
        expect_equal(f"{self.what}: failed", self.findings("fail"), set(mail.fails if fails is None else fails))
        expect_equal(f"{self.what}: unknown", self.findings("unknown"), set(mail.unknown))


# ---- directory = postfix -----------------------------------------------------

@tests
def one_line_is_enough(world):
    """All that a site's tables say of each address, and the mail as it was."""
    world.use("mode = audit\n" + POSTFIX)
    for sent in world.sent(MAILS):
        sent.has_reply(250)
        sent.is_untouched()
        sent.is_judged(sent.mail.may_use)
        record = sent.record()
        expect_equal(f"{sent.what}: store", record["mailbox"]["store"],
                     None if sent.mail.answer in ("none", "not-ours", "unknown") else "postfix")
        flagged = "from.mailbox" in sent.mail.fails and "from.mailbox" not in sent.mail.mild
        expect_equal(f"{sent.what}: verdict and action", (record["verdict"], record["action"]),
                     ("flag" if flagged else "accept", "accept"))


@tests
def postfix_itself_agrees(world):
    """
    What has no mailbox smtpd(8) refuses, as a recipient; all else it takes.  An alias domain
    ("@that @this") it takes whole, and returns later what is not there.
    """
    for mail in MAILS:
        with world.client() as client:
            client.command("MAIL FROM:<>")
            reply = client.command(f"RCPT TO:<{mail.author}>")
        expect_equal(f"{mail.author}: {reply}", reply.code,
                     550 if mail.answer == "none" and not mail.author.endswith("@moved.example") else 250)


@tests
def each_type_of_table(world):
    for kind in KINDS:
        folder = Tables(world.postfix, f"site-{kind}", kind).main_cf()
        world.use(f'store "site" {{ type = postfix  config_directory = "{folder}" }}\ndirectory = site\n')
        for sent in world.sent(MAILS):
            sent.what = f"{kind}: {sent.mail.name}"
            sent.has_reply(250)
            sent.is_judged(sent.mail.may_use)


@tests
def without_a_map_of_logins(world):
    """A login may use what reaches its mailbox."""
    folder = Tables(world.postfix, "site-plain", "lmdb").main_cf(smtpd_sender_login_maps=None)
    world.use(f'store "site" {{ type = postfix  config_directory = "{folder}" }}\ndirectory = site\n')
    for sent in world.sent([mail for mail in MAILS if mail.sender is None]):
        fails = set(sent.mail.fails) - {"from.login", "envelope.sender-login"}
        if sent.mail.reaches is False:
            fails |= {"from.login", "envelope.sender-login"}
        sent.has_reply(250)
        sent.is_judged(sent.mail.reaches, fails)


@tests
def enforce_refuses_where_it_is_told_to(world):
    world.use("mode = enforce\n" + POSTFIX + actions("reject"))
    for sent in world.sent(MAILS):
        refusing = [check for check in CHECKS if check in sent.mail.fails and check not in sent.mail.mild]
        if not refusing:
            sent.has_reply(250)
            sent.is_untouched()
            continue
        sent.is_refused(refusing[0], "RCPT" if refusing[0].startswith("envelope.") else "end of data")
    # The header's author alone is at fault.
    for sent in world.sent(MAILS, sender=""):
        refusing = [check for check in CHECKS
                    if check.startswith("from.") and check in sent.mail.fails and check not in sent.mail.mild]
        if refusing and sent.mail.login:
            sent.is_refused(refusing[0], "end of data")
        else:  # a null sender is not refused, but for a login
            sent.has_reply(250)
            sent.is_untouched()
    world.postfix.wait_empty()


FLAG = re.compile(rb"(?im)^X-Presend-Flag:[ \t]*(.*)\r\n")


@tests
def enforce_flags(world):
    """The flag names the checks; one that came along goes, also from mail without fault."""
    world.use("mode = enforce\n" + POSTFIX + actions("flag"))
    forged = b"X-Presend-Flag: from.nothing\r\nx-presend-flag:\r\n at all\r\n"
    for sent in world.sent(MAILS, more=forged):
        mail = sent.mail
        sent.has_reply(250)
        flagging = [check for check in CHECKS if check in mail.fails and check not in mail.mild]
        delivered = sent.delivered().without_trace()
        expect_equal(f"{sent.what}: flags", [flag.decode() for flag in FLAG.findall(delivered)],
                     [", ".join(flagging)] if flagging else [])
        expect_equal(f"{sent.what}: the rest", FLAG.sub(b"", delivered), mail.message())


@tests
def what_could_not_be_told_is_put_off(world):
    world.use("mode = enforce\non_unknown = tempfail\n" + POSTFIX + actions("reject"))
    sent = world.send(MAIL["open-domain"])
    sent.has_reply(451)
    sent.is_not_delivered()


@tests
def a_new_alias_works_soon(world):
    """Within the negative TTL once postmap has run, and after a reload at once; so does its end."""
    new = f"new@{OWN}"
    mail = Mail("new", new, "alias", ANN)
    for kind in KINDS:
        tables = Tables(world.postfix, f"site-{kind}", kind)
        for how in ("by itself", "reload"):
            ttl = 0.5 if how == "by itself" else 300
            world.use(f'mode = enforce\nstore "site" {{ type = postfix  config_directory = "{tables.main_cf()}"'
                      f'  negative_ttl = {ttl}  positive_ttl = {ttl} }}\ndirectory = site\n{actions("reject")}')
            for rows, code in (({new: ANN}, 250), ({}, 553)):
                world.send(mail).has_reply(803 - code)
                for table in ("forwards", "logins"):
                    tables.write(table, {**TABLES[table], **rows})
                if how == "reload":
                    world.milter.reload(world.config)
                    world.send(mail).has_reply(code)
                else:
                    wait_until(f"{code} for {new} in {kind}", lambda c=code: world.send(mail).reply.code == c, 15)


@tests
def a_reload_reads_main_cf(world):
    """A domain that main.cf gets is ours after a reload of each, and not before."""
    world.use("mode = audit\n" + POSTFIX)
    mail = Mail("more", "ann@more.example", "not-ours", ANN, False, fails=("from.foreign", *(
        "envelope.sender-login", "from.login")))
    world.send(mail).is_judged(False)
    main = dict(world.postfix.main)
    try:
        world.postfix.main["virtual_alias_domains"] += ", more.example"
        world.postfix.write_main()
        world.milter.reload(world.config)
        world.send(Mail("more", mail.author, "none", ANN, False, fails=CHECKS[:3] + CHECKS[4:])).is_judged(False)
    finally:
        world.postfix.main = main
        world.postfix.write_main()
        world.milter.reload(world.config)


@tests
def what_the_directory_serves_is_ours(world):
    """Also where a table of Postfix's has the domain, and nothing else says that it is ours."""
    always, world.milter.always = world.milter.always, world.milter.always.replace('check "dkim.signed"', 'check "spf.*"')
    try:
        for own, code in (("", 550), ('own_domains = { "other.example" }\n', 250)):
            world.use("mode = enforce\n" + POSTFIX + own)
            for name in ("program", "foreign-author"):
                sent = world.send(MAIL[name])  # without a signature
                sent.has_reply(code if name == "program" else 250)
                expect_equal("who refuses", "dkim.signed" in sent.reply.text, sent.reply.code == 550)
    finally:
        world.milter.always = always


@tests
def preflight_names_what_cannot_be_read(world):
    """presend-milter -t: as the daemon's user, although root runs it; of each type of table, and what mends it."""
    address = f"unix:{world.lab.folder('preflight', owner=daemon_user())}/presend.sock"
    files = {"lmdb": ".lmdb", "cdb": ".cdb", "texthash": "", "hash": ".db"}

    def preflight():
        config = world.lab.write("preflight.conf", f'user = "{daemon_user()}"\nresolver = none\ndirectory = site\nstore '
                                 f'"site" {{ type = postfix  config_directory = "{tables.folder}" }}\n')
        done = subprocess.run([world.milter.program, "-t", "-c", config, "-p", address],
                              env=world.postfix.environment, capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode()

    for kind in KINDS:
        tables = Tables(world.postfix, f"closed-{kind}", kind)
        tables.main_cf()
        status, said = preflight()
        expect_equal(f"{kind}: status of a site that can be read: {said}", status, 0)
        expect(tables.folder not in said, f"{kind}: {said}")
        closed = [f"{tables.folder}/{table}{files[kind]}" for table in ("mailboxes", "logins")]
        for path in closed:
            os.chmod(path, 0o640)
        status, said = preflight()
        expect_equal(f"{kind}: status of one that cannot: {said}", status, 78)
        for path in closed:
            mends = [line.partition("mend it by: ")[2] for line in said.splitlines()
                     if f" {path}: user {daemon_user()} " in line]
            expect_equal(f"{kind}: lines about {path} in {said}", len(mends), 1)
            subprocess.run(mends[0], shell=True, check=True)
        status, said = preflight()
        expect_equal(f"{kind}: status after what mends it: {said}", status, 0)


# ---- other mail --------------------------------------------------------------

# What "from.*" and "envelope.*" are to refuse here, and where a Sender of one's own counts.
STRICT = "mode = enforce\n" + POSTFIX + actions("reject")


@tests
def whose_name_is_borrowed(world):
    """Who resends, or sends on behalf, names himself; then another's From is for the log alone."""
    rows = [  # fields, From, login, code
        (f"Resent-From: {ANN}\r\n", BOB, ANN, 250),
        (f"Resent-From: {BOB}\r\n", BOB, ANN, 550),
        (f"Sender: {ANN}\r\n", BOB, ANN, 250),
        (f"Sender: {BOB}\r\n", BOB, ANN, 550),
        (f"Sender: {BOB}\r\n", ANN, ANN, 550),
        (f"Sender: ghost@{OWN}\r\n", BOB, ANN, 550),
        (f"Resent-From: {ANN}\r\n", f"ghost@{OWN}", ANN, 550),  # by from.mailbox
    ]
    for setting in ("true", "false"):
        world.use(STRICT + f"on_behalf = {setting}\n")
        for fields, author, login, code in rows:
            sent = world.send(Mail("borrowed", author, "", login, sender=login, fields=fields))
            sent.what = f"{fields!r} by {login}, on_behalf {setting}"
            sent.has_reply(code if setting == "true" or code == 550 else 550)
            if sent.reply.code == 250:
                sent.is_untouched()
                expect_equal(f"{sent.what}: failed", sent.findings("fail"), {"from.login"})


@tests
def forwarded_mail_and_lists_pass(world):
    """What a forwarder or a list wrote into the envelope is nobody's address; BATV claims the one inside."""
    member = "member@elsewhere.example"
    lists = f"Sender: list-bounces@{OWN}\r\nList-Id: <list.{OWN}>\r\nList-Post: <mailto:list@{OWN}>\r\n"
    exempt = 'exempt "lists" { header = { "List-Id" }  checks = { "from.*" } }\n'
    forward = Mail("forwarded", member, "not-ours", sender=f"SRS0=4bd4=ZX=elsewhere.example=member@{OWN}")
    post = Mail("post", member, "not-ours", sender=f"list-bounces+bob=far.example@{OWN}", fields=lists)
    world.use(STRICT)
    for mail in (forward, post):  # the envelope is taken; the author is foreign
        world.send(mail).is_refused("from.foreign", "end of data")
    world.use(STRICT + 'check "from.foreign" { action = log }\n')
    for mail in (forward, post):
        sent = world.send(mail)
        sent.has_reply(250)
        sent.is_untouched()
    world.use(STRICT + exempt)
    world.send(post).is_untouched()
    world.send(forward).is_refused("from.foreign", "end of data")
    world.use(STRICT)
    tagged = Mail("tagged", ANN, "mailbox", ANN, sender=f"prvs=0123456789={ANN}")
    world.send(tagged).is_untouched()
    world.send(tagged, sender=f"prvs=0123456789={BOB}").is_refused("envelope.sender-login", "RCPT")
    world.send(tagged, sender=f"prvs=0123456789=ghost@{OWN}").is_refused("envelope.sender-mailbox", "RCPT")


@tests
def bounces_pass(world):
    """A real one, of Postfix itself, and one that a program sends; a login's null sender is no bounce."""
    world.use(STRICT)
    sender = "stranger@elsewhere.example"
    world.use(STRICT + 'check "from.foreign" { action = log }\n')
    with world.client() as client:
        expect_equal("code", client.send(sender, ["refuse@remote.example"], MAIL["program"].message()).code, 250)
    report = world.sink.one_to(sender)
    expect(b"MAILER-DAEMON" in report.data, f"no bounce: {report.data!r}")
    expect_equal("sender of the bounce", report.mail.split()[0], "<>")
    record = world.milter.record_to("elsewhere.example")
    expect_equal("author of the bounce", record["author"]["address"], f"MAILER-DAEMON@{HOST}")
    expect_equal("answer", record["mailbox"]["answer"], "mailbox")
    expect_equal("verdict", record["verdict"], "accept")
    ghost = Mail("ghost-bounce", f"ghost@{OWN}", "none", sender="")
    world.send(ghost).is_untouched()
    world.send(Mail("null-login", f"ghost@{OWN}", "none", ANN, sender="")).is_refused("from.mailbox", "end of data")
    world.postfix.wait_empty()


@tests
def local_submission(world):
    """By sendmail(1): no login; what has no mailbox comes back to whom sent it, and nothing stays in the queue."""
    world.use(STRICT)
    bodies = {}
    for name, author, sender in (("good", f"daemon@{HOST}", ANN), ("alias", f"info@{OWN}", ANN),
                                 ("ghost", f"noreply@{OWN}", ANN), ("ghost-sender", ANN, f"noreply@{OWN}")):
        bodies[name] = world.domain()
        world.postfix.sendmail(f"From: {author}\nSubject: {name}\n\nbody\n".encode(), "-f", sender,
                               f"bob@{bodies[name]}")
    for name in ("good", "alias"):
        world.sink.one_to(f"bob@{bodies[name]}")
        record = world.milter.record_to(bodies[name])
        expect_equal(f"{name}: class", record["class"], "local")
        expect_equal(f"{name}: verdict", record["verdict"], "accept")
        expect_equal(f"{name}: may use", record["mailbox"]["login_may_use"], None)
    wait_until("the report", lambda: any(b"from.mailbox" in mail for mail in world.postfix.mailbox()))
    expect_equal("verdict", world.milter.record_to(bodies["ghost-sender"])["verdict"], "reject")
    world.postfix.wait_empty()
    for name in ("ghost", "ghost-sender"):
        expect_equal(f"{name}: at the sink", world.sink.to(f"bob@{bodies[name]}"), [])


@tests
def local_mail_of_a_domain_in_a_table_stays_inside(world):
    """What cron writes to a user of ours is not judged, although Postfix does not say where it goes."""
    world.use(STRICT)
    world.postfix.sendmail(f"From: ghost@{OWN}\nSubject: inside\n\nbody\n".encode(), "-f", f"ghost@{OWN}", BOB)
    wait_until("the mail", lambda: any(b"Subject: inside" in mail for mail in world.postfix.mailbox()))
    expect_equal("records", [r for r in world.milter.records_to(OWN) if r["class"] == "local"], [])
    outside = world.domain()
    world.postfix.sendmail(f"From: ghost@{OWN}\nSubject: outside\n\nbody\n".encode(), "-f", ANN, BOB, f"bob@{outside}")
    expect_equal("verdict with one outside", world.milter.record_to(outside)["verdict"], "reject")
    world.postfix.wait_empty()


# ---- a directory server that fails in mid-load -------------------------------

DEADLINE, TIMEOUT = 1.0, 0.5
SLACK = 1.0  # for a busy machine, and CONTROLS times what a message took before there was an outage
CONTROLS = 3
PART, LIMIT = 15, 4000
PAUSE = 0.06  # of a client after each message
WORKERS = 4  # of a store, each with a connection or without
POOL = 3  # threads by which libmilter's pool may have grown
DOMAIN = "load.example"

NEW, KNOWN, GHOST = "new", "known", "ghost"


class Load:
    """
    Messages sent side by side until it is stopped, with a time for each: from addresses that
    nobody has asked about yet, from one that is asked about all the time, from some that do not exist.
    """

    count = 0

    def __init__(self, world, clients=CLIENTS):
        self.world, self.stopped, self.began = world, False, 0
        Load.count += 1
        self.mark = f"l{Load.count}-"
        self.lock, self.replies, self.errors = threading.Lock(), {}, []
        self.before = None  # the last one that was begun before the outage
        self.found, self.read_to = {}, os.path.getsize(world.milter.log_file)
        self.threads = [threading.Thread(target=self.work) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def kind(self, number):
        return (NEW, KNOWN, NEW, GHOST)[number % 4]

    def author(self, number):
        """Some of 10,000 mailboxes; a load of its own begins where the one before it ended."""
        return {NEW: f"u{(Load.count * LIMIT + number) % 10000}", KNOWN: "u0",
                GHOST: f"ghost{self.mark}{number}"}[self.kind(number)] + f"@{DOMAIN}"

    def recipient(self, number):
        return f"{self.mark}{number}@load.remote.example"

    def next(self):
        with self.lock:
            if self.stopped or self.began == LIMIT:
                return None
            self.began += 1
            return self.began

    def work(self):
        try:
            with self.world.client() as client:
                for number in iter(self.next, None):
                    author, began = self.author(number), time.monotonic()
                    message = (f"From: {author}\r\nSubject: load\r\nMessage-ID: <{self.mark}{number}@x.example>\r\n"
                               "\r\nbody\r\n").encode()
                    reply = client.send(author, [self.recipient(number)], message)
                    with self.lock:
                        self.replies[number] = (reply.code, time.monotonic() - began)
                    time.sleep(PAUSE)
        except Exception as why:  # told by finish()
            self.errors.append(why)

    def finish(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(120)
        if self.errors:
            raise self.errors[0]
        expect(self.began < LIMIT, f"{self.mark}: the load ended by itself")
        expect_equal(f"{self.mark}: messages without a reply", self.began - len(self.replies), 0)

    def records(self):
        """Those of its messages, by number; what was read before is not read again."""
        with open(self.world.milter.log_file, "rb") as f:
            f.seek(self.read_to)
            lines = f.read()
        lines = lines[:lines.rfind(b"\n") + 1]
        self.read_to += len(lines)
        for line in lines.splitlines():
            record = json.loads(line) if line.startswith(b'{"v":') else {}
            number = record.get("message_id", "").partition("@")[0].removeprefix("<" + self.mark)
            if number.isdigit():
                self.found[int(number)] = record
        return self.found

    def wait_for(self, what, answers):
        """Until so many new addresses, of messages that have yet to begin, have one of the answers."""
        begun = self.began

        def enough():
            return not self.errors and sum(
                number > begun and self.kind(number) == NEW and record["mailbox"]["answer"] in answers
                for number, record in self.records().items()) > PART

        wait_until(what, enough, 120)
        return begun

    def controls(self):
        """What those took that could be told before the outage: judged (all of them), and sent (the slowest)."""
        told = [number for number, record in self.records().items()
                if number <= self.before and record["mailbox"]["answer"] != "unknown"]
        return [self.found[number]["elapsed_us"] / 1e6 for number in told], max(self.replies[n][1] for n in told)

    def not_yet_known(self):
        """Messages of the one that is asked about all the time, before the first answer about him ever came."""
        early = set()
        for number, record in self.records().items():
            if self.kind(number) == KNOWN:
                if record["mailbox"]["answer"] == "mailbox":
                    break
                early.add(number)
        expect(len(early) <= CLIENTS, f"{self.mark}: {len(early)} messages of one who was not known")
        return early

    def told_rightly(self, on_unknown):
        """No false answer, no false refusal, nothing lost, nothing waited for too long."""
        early, (judged, sent) = self.not_yet_known(), self.controls()
        put_off = {451} if on_unknown == "tempfail" else {250}
        codes = {NEW: {250} | put_off, KNOWN: {250}, GHOST: {550} | put_off}
        answers = {NEW: {"mailbox", "unknown"}, KNOWN: {"mailbox"}, GHOST: {"none", "unknown"}}
        for number, (code, seconds) in self.replies.items():
            expect(code in codes[self.kind(number)] | (put_off if number in early else set()),
                   f"{self.mark}{number}, {self.kind(number)}: {code}, {self.records().get(number)}")
            expect(seconds < DEADLINE + SLACK + 5 + CONTROLS * sent,
                   f"{self.mark}{number}: {seconds:.2f} s, {sent:.2f} at the most before the outage")
        for number, record in self.records().items():
            answer, failed = record["mailbox"]["answer"], [f["check"] for f in record["findings"] if f["result"] == "fail"]
            what = f"{self.mark}{number}, {self.kind(number)}"
            expect(answer in answers[self.kind(number)] | ({"unknown"} if number in early else set()),
                   f"{what}: {answer}")
            expect_equal(f"{what}: no mailbox", "from.mailbox" in failed, answer == "none")
            expect(record["elapsed_us"] < (DEADLINE + SLACK + CONTROLS * max(judged)) * 1e6,
                   f"{what}: judged for {record['elapsed_us']} us, {max(judged):.2f} s at the most before the outage")
        taken = {self.recipient(number) for number, (code, _) in self.replies.items() if code == 250}
        wait_until(f"{self.mark}: all mail at the sink", lambda: taken <= self.at_the_sink())
        expect_equal(f"{self.mark}: at the sink though refused", self.at_the_sink() - taken, set())

    def at_the_sink(self):
        with self.world.sink.lock:
            all_of_them = [r for m in self.world.sink.kept for r in m.recipients if r.startswith(self.mark)]
        expect_equal(f"{self.mark}: delivered twice", len(all_of_them), len(set(all_of_them)))
        return set(all_of_them)


def held(world):
    """What the daemon holds: descriptors, threads."""
    process = f"/proc/{world.milter.process.pid}"
    return len(os.listdir(f"{process}/fd")), len(os.listdir(f"{process}/task"))


def through_outages(world, store, outages, on_unknown, quick=True):
    """
    Told before, untold while it lasts, told again soon after it, for each of the outages, a pair
    of what begins and what ends it; quick: as fast as ever meanwhile.
    """
    world.use(f'mode = enforce\ndeadline = {DEADLINE}\non_unknown = {on_unknown}\n'
              f'store "people" {{ {store}  domains = {{ "{DOMAIN}" }}  positive_ttl = 0.3  negative_ttl = 0.3 }}\n'
              'directory = people\ncheck "from.mailbox" { action = reject }\n')
    one_load(world, outages[:1], on_unknown, quick)
    before = held(world)
    one_load(world, outages, on_unknown, quick)
    wait_until(f"descriptors and threads as before {before}, not {held(world)}",
               lambda: all(now <= then + more for now, then, more in zip(held(world), before, (WORKERS, POOL))))


def one_load(world, outages, on_unknown, quick):
    load, spans = Load(world), []
    try:
        load.wait_for("messages that can be told", {"mailbox"})
        load.before = load.began - CLIENTS
        for begin, end in outages:
            begin()
            try:
                spans.append((load.wait_for("messages that cannot be told", {"unknown"}), load.began))
            finally:
                end()
            load.wait_for("messages that can be told again", {"mailbox"})
    finally:
        load.finish()
    load.told_rightly(on_unknown)
    for begun, ended in spans if quick else ():
        untold = [record["elapsed_us"] / 1e6 for number, record in load.records().items()
                  if begun < number <= ended and record["mailbox"]["answer"] == "unknown"]
        control = statistics.median(load.controls()[0])
        expect(statistics.median(untold) < TIMEOUT / 2 + CONTROLS * control,
               f"half of the messages waited {statistics.median(untold):.2f} s for a store that rests, "
               f"{control:.2f} before the outage")


def socketmap(server, timeout):
    return f'type = socketmap  socket = "inet:127.0.0.1:{server.port}"  map = "people"  timeout = {timeout}'


@tests
def socketmap_fails_in_mid_load(world):
    """It is away, says that it cannot tell, says no netstring, says half of one, is late."""
    server = Socketmap(world.lab)

    def saying(answer):
        return lambda: setattr(server, "answer", answer), lambda: setattr(server, "answer", server.truth)

    through_outages(world, socketmap(server, TIMEOUT), [(server.stop, server.start)] + [
        saying(answer) for answer in (server.temporary, server.garbage, server.half, server.late(2 * TIMEOUT))], "tempfail")


@tests
def socketmap_is_late_in_mid_load(world):
    """Too late for the message, in time for the store: nothing rests, and all wait as long as they may."""
    server = Socketmap(world.lab)
    through_outages(world, socketmap(server, 5), [(lambda: setattr(server, "answer", server.late(DEADLINE + 0.3)),
                                                   lambda: setattr(server, "answer", server.truth))], "tempfail", False)


@tests
def postgresql_fails_in_mid_load(world):
    """It is stopped and started again; somebody holds its table."""
    server = Postgres(world.lab)
    store = (f'type = pgsql  host = "127.0.0.1"  port = {server.port}  database = postgres  user = presend  tls = no'
             f'  timeout = {TIMEOUT}  query = "SELECT 1 FROM mailbox WHERE address = %{{address}}"')
    through_outages(world, store, [(server.stop, server.start), (server.hold, server.release)], "accept")


def missing():
    """What this machine lacks."""
    return list(filter(None, (Postfix.missing(), missing_kinds(), NameServer.missing(), Postgres.missing())))


def main():
    if not os.path.exists(os.path.join(build_folder(), "presend-milter")):
        print(f"presend-milter is not in {build_folder()}: ./quickstart build", file=sys.stderr)
        return 1
    if missing():
        skip(*missing())
    with Lab("mailboxes") as lab:
        world = World(lab)
        print(f"Postfix and {world.milter.program}, in {lab.top}", flush=True)

        def show():
            print("  the milter: " + world.milter.log()[-1500:].replace("\n", "\n    "))
            print("  Postfix: " + world.postfix.log()[-1500:].replace("\n", "\n    "))

        return tests.run(sys.argv[1:], world, on_failure=show)


if __name__ == "__main__":
    sys.exit(main())
