#!/usr/bin/python3
"""Presend behind a real Postfix, with a real client in front and a sink behind.

usage: postfix.py [TEST...]       (root; $builddir names the build folder)

The lines that attach the milter are those of contrib/postfix-main.cf and
contrib/postfix-master.cf.
"""
import json
import os
import re
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Client, Lab, Sink, Tests, expect, expect_equal, skip, wait_until  # noqa: E402
from messages import BY_NAME, SAMPLES  # noqa: E402
from names import NameServer, everything_exists  # noqa: E402
from servers import HOST, USERS, Milter, Postfix, build_folder, presend  # noqa: E402

BASE = f'''
submitters = {{ "127.0.0.1" }}
not_listeners = {{ "REINJECT" }}
own_domains = {{ "{HOST}", "{Postfix.OWN}" }}
'''
AUDIT = BASE + "mode = audit\n"
ENFORCE = BASE + "mode = enforce\n"
OUTSIDER = "127.0.0.9"  # on this host, and not in submitters

tests = Tests()


class World:
    """Postfix, the milter and the sink, and names that no two messages share."""

    def __init__(self, lab):
        self.lab = lab
        self.sink = Sink(lab)
        self.postfix = Postfix(lab, self.sink)
        self.logins = self.postfix.add_users()
        self.milter = Milter(lab, self.postfix.socket, AUDIT, self.postfix.group, always=everything_exists(lab)).start()
        self.postfix.start()
        self.config, self.count = AUDIT, 0

    def use(self, config):
        """Puts a configuration in force, by a reload."""
        if config != self.config:
            self.milter.reload(config)
            self.config = config

    def domain(self):
        self.count += 1
        return f"m{self.count}.remote.example"

    def client(self, port="submission", **more):
        return Client(self.postfix.ports[port], **more)

    def send(self, sample, port="submission", **more):
        """Sends a sample to an address of its own; returns its domain and the reply."""
        domain = self.domain()
        with self.client(port, **more) as client:
            return domain, client.send(sample.sender, [f"bob@{domain}"], sample.message(), sample.options)

    def delivered(self, domain):
        return self.sink.one_to(f"bob@{domain}")

    def untouched(self, sample, delivered):
        """Is that what the sample is without a milter?"""
        expect_equal(f"{sample.name}: what was delivered", delivered.without_trace(), sample.message())

    def nothing_left(self):
        self.postfix.wait_empty()


def checks_of(record):
    return [finding["check"] for finding in record["findings"]]


def judged_as(record, sample):
    """Does the record say what the sample deserves?"""
    expect_equal(f"{sample.name}: verdict", record["verdict"], "accept" if sample.good else "reject")
    for check in (sample.check, sample.also):
        expect(not check or check in checks_of(record), f"{sample.name}: {check} is not among {checks_of(record)}")


# ---- audit and enforce -------------------------------------------------------

@tests
def audit_delivers_octet_for_octet(world):
    world.use(AUDIT)
    for sample in SAMPLES:
        with_milter, reply = world.send(sample)
        expect_equal(f"{sample.name}: answer", reply.code, 250)
        without, _ = world.send(sample, "bare")
        here, there = world.delivered(with_milter), world.delivered(without)
        expect_equal(f"{sample.name}: message", here.without_trace(), there.without_trace())
        expect_equal(f"{sample.name}: sender", here.mail, there.mail)
        world.untouched(sample, here)
        record = world.milter.record_to(with_milter)
        judged_as(record, sample)
        expect_equal("mode and action", (record["mode"], record["action"]), ("audit", "accept"))
        expect_equal("class", record["class"], "submitter")


@tests
def enforce_refuses_and_says_why(world):
    world.use(ENFORCE)
    for sample in SAMPLES:
        domain, reply = world.send(sample)
        expect_equal(f"{sample.name}: code of {reply}", reply.code, sample.code)
        if sample.good:
            world.untouched(sample, world.delivered(domain))
            continue
        refusal_is_clear(sample, reply)
        record = world.milter.record_to(domain)
        judged_as(record, sample)
        expect_equal("mode and action", (record["mode"], record["action"]), ("enforce", "reject"))
        expect_equal("reply in the record", record["reply"]["code"], sample.code)
        expect_equal(f"{sample.name}: delivered", world.sink.to(f"bob@{domain}"), [])
    world.nothing_left()
    refused = [s for s in SAMPLES if not s.good]
    expect(len(refused) > 12, "every kind of fault is sent")


def refusal_is_clear(sample, reply):
    """Check, token, column and fix, on lines of one code."""
    for line in reply.lines:
        expect(line.startswith(f"{sample.code}") and line[4:].startswith(sample.enhanced),
               f"{sample.name}: {line!r} does not begin with {sample.code} {sample.enhanced}")
    expect(sample.check in reply.lines[0], f"{sample.name}: {sample.check} is not named in {reply}")
    expect("Fix: " in reply.text, f"{sample.name}: no fix in {reply}")
    expect_equal("lines", len(reply.lines), 2)
    if sample.offset is not None:
        expect(f"column {sample.offset + 1}" in reply.text, f"{sample.name}: column {sample.offset + 1} not in {reply}")
    if sample.token:
        expect(f'"{sample.token}"' in reply.text, f"{sample.name}: the token {sample.token} is not in {reply}")
    expect_equal("where it is refused", reply.stage, "RCPT" if sample.check.startswith("envelope") else "end of data")


# Messages whose header an MTA does not hand on as it came.
ODD = {
    "blank before the colon": b"From : Ann <ann@example.com>\r\nSubject: x\r\n\r\nbody\r\n",
    "leading blank in first place": b" From: Ann <ann@example.com>\r\nSubject: x\r\n\r\nbody\r\n",
    "no colon": b"Subject: x\r\nFrom Ann\r\nFrom: ann@example.com\r\n\r\nbody\r\n",
    "no header": b"\r\nonly a body\r\n",
    "empty": b"",
    "no body": b"From: Doe, John <john@example.com>\r\n",
    "mbox line": b"From ann@example.com Sun Nov 22 10:00:00 2026\r\nFrom: a@@b <ann@example.com>\r\n\r\nbody\r\n",
    "tab after the colon": b"From:\tDoe, John <john@example.com>\r\n\r\nbody\r\n",
    "nothing after the colon": b"From:Doe, John <john@example.com>\r\n\r\nbody\r\n",
    "fold at the start": b"From:\r\n Doe, John <john@example.com>\r\n\r\nbody\r\n",
    "blank fold": b"From: Ann\r\n \r\n <ann@example.com>\r\n\r\nbody\r\n",
    "bare line feeds": b"From: Doe,\n John <john@example.com>\nSubject: x\r\n\r\nbody\r\n",
    "long field": b"From: " + b" ".join(b"word" for _ in range(9000)) + b" <ann@example.com>\r\n\r\nbody\r\n",
    "long line": b"From: " + b"a" * 3000 + b" <ann@example.com>\r\n\r\nbody\r\n",
    "other case": b"fRoM: Doe, John <john@example.com>\r\n\r\nbody\r\n",
    "resent": b"Resent-From: Doe, John <john@example.com>\r\nFrom: ann@example.com\r\n\r\nbody\r\n",
}


@tests
def presend_check_agrees_with_the_milter(world):
    """The same message, from a file and through Postfix: the same findings."""
    world.use(AUDIT)
    cases = [(s.name, s.message(), s.sender, s.options) for s in SAMPLES]
    cases += [(name, message, b"ann@example.com", "") for name, message in ODD.items()]
    for number, (name, message, sender, options) in enumerate(cases):
        domain = world.domain()
        with world.client() as client:
            expect_equal(f"{name}: code", client.send(sender, [f"bob@{domain}"], message, options).code, 250)
        by_milter = world.milter.record_to(domain)
        path = world.lab.path(f"{number}.eml")
        with open(path, "wb") as f:
            f.write(message)
        status, out, err = presend("check", "--json", "-c", world.milter.config, "--client", "127.0.0.1", "--helo",
                                   "client.example", "--mail-from", f"<{sender.decode()}>", "--rcpt", f"<bob@{domain}>",
                                   *(["--smtputf8"] if options else []), path)
        expect(status in (0, 1), f"{name}: presend check answered {status}: {err.decode()}")
        by_file = json.loads(out)
        for part in ("verdict", "class", "mode", "author", "from_raw", "findings", "reply"):
            expect_equal(f"{name}: {part} of presend check", by_file.get(part), by_milter.get(part))


# ---- whose mail is judged ----------------------------------------------------

@tests
def login_is_known_at_mail(world):
    """One connection: a message before AUTH, two after it."""
    expect(world.logins, "saslpasswd2 is not there: ./quickstart packages test")
    world.use(ENFORCE)
    fault = BY_NAME["comma"]
    domains = [world.domain() for _ in range(3)]
    with world.client(source=OUTSIDER) as client:
        first = client.send(fault.sender, [f"bob@{domains[0]}"], fault.message())
        expect_equal("AUTH", client.login("ann", USERS["ann"]).code, 235)
        rest = [client.send(fault.sender, [f"bob@{d}"], fault.message()) for d in domains[1:]]
    expect_equal("codes", [first.code] + [r.code for r in rest], [250, 550, 550])
    world.untouched(fault, world.delivered(domains[0]))
    for domain in domains[1:]:
        record = world.milter.record_to(domain)
        expect_equal("class", record["class"], "authenticated")
        expect_equal("login", record["envelope"]["auth"], f"ann@{HOST}")
    expect_equal("records of the message before AUTH", world.milter.records_to(domains[0]), [])


@tests
def mail_from_outside_is_not_judged(world):
    world.use(ENFORCE)
    fault = BY_NAME["comma"]
    for port in ("submission", "smtp"):
        domain, reply = world.send(fault, port, source=OUTSIDER)
        expect_equal(f"code at {port}", reply.code, 250)
        world.delivered(domain)
        expect_equal("records", world.milter.records_to(domain), [])


@tests
def reinjected_mail_is_not_judged(world):
    world.use(ENFORCE)
    for port in ("reinject", "reinject-named"):
        for sample in SAMPLES:
            domain, reply = world.send(sample, port)
            expect_equal(f"{sample.name}: code at {port}", reply.code, 250)
            world.untouched(sample, world.delivered(domain))
            expect_equal(f"{sample.name}: records", world.milter.records_to(domain), [])


@tests
def mail_between_users_is_untouched(world):
    """Whatever its From, mail that stays here is delivered as it is."""
    world.use(ENFORCE)
    for name in ("comma", "missing", "two-addresses", "eight-bit"):
        fault = BY_NAME[name]
        with world.client() as client:
            reply = client.send(fault.sender, [f"carl@{Postfix.OWN}"], fault.message())
        expect_equal(f"{name}: code", reply.code, 250)
        whole = fault.message().replace(b"\r\n", b"\n")
        wait_until(f"{name}, as sent, in the mailbox",
                   lambda end=whole: any(mail.endswith(end) for mail in world.postfix.mailbox()))
    expect_equal("records", world.milter.records_to(Postfix.OWN), [])


@tests
def cron_mail_is_untouched(world):
    world.use(ENFORCE)
    message = b'From: root (Cron <Daemon>\nTo: root\nSubject: Cron <root@here> run-parts\n\nthe output of a job\n'
    world.postfix.sendmail(message, "-f", "root", "root")
    mail = wait_until("root's mail", lambda: world.postfix.local_mailbox("root"))[-1]
    expect(b"(Cron <Daemon>" in mail, f"the From field is not there: {mail!r}")
    expect(mail.endswith(b"\nthe output of a job\n"), f"the body is not there: {mail!r}")
    expect_equal("records", [r for r in world.milter.records() if HOST in r["envelope"]["rcpt_domains"]], [])
    world.nothing_left()


@tests
def one_outside_recipient_is_enough(world):
    world.use(ENFORCE)
    fault, before = BY_NAME["comma"], len(world.postfix.mailbox())
    for order in (1, -1):
        domain = world.domain()
        recipients = [f"carl@{Postfix.OWN}", f"bob@{domain}"][::order]
        with world.client() as client:
            reply = client.send(fault.sender, recipients, fault.message())
        refusal_is_clear(fault, reply)
        expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])
    world.nothing_left()
    expect_equal("new mail in the mailbox", len(world.postfix.mailbox()), before)


@tests
def bounces_pass(world):
    """A null sender is never refused, unless somebody logged in sends it."""
    world.use(ENFORCE)
    message = b"From: MAILER-DAEMON <>\r\nTo: bob@remote.example\r\nSubject: Undelivered\r\n\r\nsorry\r\n"
    domain = world.domain()
    with world.client() as client:
        expect_equal("code", client.send("", [f"bob@{domain}"], message).code, 250)
    expect_equal("delivered", world.delivered(domain).without_trace(), message)
    record = world.milter.record_to(domain)
    expect_equal("verdict", record["verdict"], "accept")
    expect_equal("actions", {f["action"] for f in record["findings"]}, {"log"})
    expect(world.logins, "saslpasswd2 is not there: ./quickstart packages test")
    with world.client() as client:
        client.login("ann", USERS["ann"])
        expect_equal("code with a login", client.send("", [f"bob@{world.domain()}"], message).code, 550)


@tests
def postfix_completes_from_for_local_clients(world):
    """What contrib/README.md says of local_header_rewrite_clients."""
    world.use(ENFORCE)
    domain, reply = world.send(BY_NAME["missing"], "smtp")
    expect_equal("code where Postfix completes", reply.code, 250)
    expect(b"\r\nFrom: ann@example.com\r\n" in world.delivered(domain).data, "Postfix added a From field")
    expect_equal("code where it does not", world.send(BY_NAME["missing"])[1].code, 550)


# ---- sendmail(1) -------------------------------------------------------------

@tests
def local_submission_in_audit(world):
    world.use(AUDIT)
    domain = world.domain()
    world.postfix.sendmail(b'From: Doe, John <john@example.com>\nSubject: x\n\nbody\n', "-f", f"ann@{Postfix.OWN}",
                           f"bob@{domain}")
    world.delivered(domain)
    record = world.milter.record_to(domain)
    expect_equal("class", record["class"], "local")
    expect_equal("verdict and action", (record["verdict"], record["action"]), ("reject", "accept"))
    world.nothing_left()


@tests
def local_submission_refused_comes_back(world):
    """The report reaches the sender and names the fault; the queue is empty."""
    world.use(ENFORCE)
    good, bad, before = world.domain(), world.domain(), len(world.postfix.mailbox())
    # Of an unquoted comma Postfix itself makes two addresses before a milter is asked.
    for domain, name in ((good, b'"Doe, John"'), (bad, b"Doe, John")):
        world.postfix.sendmail(b"From: %s <john@example.com>\nSubject: x\n\nbody\n" % name,
                               "-f", f"ann@{Postfix.OWN}", f"bob@{domain}")
    world.delivered(good)
    wait_until("the report", lambda: len(world.postfix.mailbox()) > before)
    report = world.postfix.mailbox()[-1]
    expect(b"from.multiple" in report, f"the check is not named in the report: {report!r}")
    world.nothing_left()
    expect_equal("at the sink", world.sink.to(f"bob@{bad}"), [])


@tests
def local_submission_never_sticks_in_the_queue(world):
    """A bad sender is refused at the end of the message; a bad recipient cannot be refused at all."""
    world.use(ENFORCE + 'check "envelope.*" { action = reject }\n')
    message = b"From: ann@example.com\nSubject: x\n\nbody\n"
    domain = world.domain()
    world.postfix.sendmail(message, "-f", "ann@exam_ple.com", f"bob@{domain}")
    expect_equal("verdict", world.milter.record_to(domain)["verdict"], "reject")
    world.nothing_left()
    expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])
    domain = f"under_score.{world.domain()}"
    world.postfix.sendmail(message, "-f", f"ann@{Postfix.OWN}", f"bob@{domain}")
    world.delivered(domain)
    world.nothing_left()
    with world.client() as client:
        reply = client.send("ann@example.com", [f"bob@{domain}"], message)
        expect_equal("over SMTP", (reply.stage, reply.code), ("RCPT", 553))


# ---- the other actions -------------------------------------------------------

@tests
def flag_header_is_ours_alone(world):
    fault = BY_NAME["comma"]
    forged = b"X-Presend-Flag: nothing\r\nx-presend-flag: at all\r\n" + fault.message()
    setting = 'check "from.display-name" { action = flag }\n'
    results = {}
    for mode in (AUDIT, ENFORCE):
        world.use(mode + setting)
        domain = world.domain()
        with world.client() as client:
            expect_equal("code", client.send(fault.sender, [f"bob@{domain}"], forged).code, 250)
        results[mode] = world.delivered(domain).without_trace()
        expect_equal("verdict", world.milter.record_to(domain)["verdict"], "flag")
    expect_equal("delivered in audit", results[AUDIT], forged)
    flags = re.findall(rb"(?im)^(X-Presend-Flag:.*)\r\n", results[ENFORCE])
    expect_equal("flags in enforce", [f.split(b":", 1)[1].strip() for f in flags], [b"from.display-name"])
    rest = re.sub(rb"(?im)^X-Presend-Flag:.*\r\n", b"", results[ENFORCE])
    expect_equal("the rest of the message", rest, fault.message())


@tests
def quarantine_holds(world):
    world.use(ENFORCE + 'check "from.display-name" { action = quarantine }\n')
    fault = BY_NAME["comma"]
    domain, reply = world.send(fault)
    expect_equal("what the client is told", reply.code, 250)
    expect_equal("action", world.milter.record_to(domain)["action"], "quarantine")
    held = wait_until("the hold queue", world.postfix.queued)
    expect_equal("queue", [entry["queue_name"] for entry in held], ["hold"])
    expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])
    world.postfix.run("postsuper", "-H", held[0]["queue_id"])
    world.postfix.run("postqueue", "-f")
    world.untouched(fault, world.delivered(domain))
    expect_equal("records", len(world.milter.records_to(domain)), 1)


@tests
def tempfail_puts_off(world):
    world.use(ENFORCE + 'check "from.*" { action = tempfail }\n')
    domain, reply = world.send(BY_NAME["comma"])
    expect_equal("code", reply.code, 451)
    expect(reply.lines[0][4:].startswith("4.1.7"), f"no status of class 4 in {reply}")
    expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])


@tests
def scopes_and_exemptions(world):
    world.use(AUDIT + 'domain "example.com" { mode = enforce }\n'
              'exempt "old" { mail_from = { "old@example.com" } checks = { "from.*" } }\n')
    fault = BY_NAME["comma"]
    expect_equal("in the domain", world.send(fault)[1].code, 550)
    with world.client() as client:
        other = client.send("x@example.net", [f"bob@{world.domain()}"], b"From: A, B <x@example.net>\r\n\r\nbody\r\n")
        expect_equal("in another domain", other.code, 250)
        exempt = client.send("old@example.com", [f"bob@{world.domain()}"], fault.message())
        expect_equal("exempt", exempt.code, 250)


@tests
def smtputf8_is_respected(world):
    world.use(ENFORCE)
    message = "From: Jürgen <jürgen@bücher.example>\r\nSubject: x\r\n\r\nbody\r\n".encode()
    domain = world.domain()
    with world.client() as client:
        asked = client.send("jürgen@bücher.example", [f"bob@{domain}"], message, " SMTPUTF8")
        unasked = client.send("ann@example.com", [f"bob@{world.domain()}"], message)
    expect_equal("codes", (asked.code, unasked.code), (250, 550))
    expect_equal("delivered", world.delivered(domain).without_trace(), message)
    expect_equal("domain", world.milter.record_to(domain)["author"]["domain"], "bücher.example")


# ---- under load --------------------------------------------------------------

class Load:
    """Connections that send good and bad messages in turn until told to stop."""

    def __init__(self, world, connections=4, retry=False):
        self.world, self.retry = world, retry
        self.stop = threading.Event()
        self.accepted, self.answers, self.errors = [], [], []
        self.lock = threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,)) for n in range(connections)]
        self.began = f"load{world.count}"
        world.count += 1
        for thread in self.threads:
            thread.start()

    def work(self, connection):
        number, client = 0, None
        try:
            while not self.stop.is_set():
                number += 1
                name = "plain" if number % 2 else "comma"
                recipient = f"bob@n{number}.c{connection}.{self.began}.remote.example"
                client = self.until_answered(client, connection, number, name, recipient)
        except Exception as why:  # told by finish()
            self.errors.append(why)
        finally:
            if client:
                client.close()

    def until_answered(self, client, connection, number, name, recipient):
        """Sends one message; with retry, again for as long as it is put off."""
        while True:
            client = client or self.world.client()
            sample = BY_NAME[name]
            try:
                code = client.send(sample.sender, [recipient], sample.message(number)).code
            except ConnectionError:
                code = 421
            with self.lock:
                self.answers.append((connection, number, name, code))
                if code == 250:
                    self.accepted.append(recipient)
            if code // 100 == 4:  # a session that lost its milter never finds it again
                client.close()
                client = None
                if self.retry and not self.stop.is_set():
                    time.sleep(0.05)
                    continue
            return client

    def wait_for(self, more):
        """Until so many more answers have come."""
        goal = len(self.answers) + more
        wait_until(f"{more} more answers", lambda: len(self.answers) >= goal or self.errors, 60)

    def finish(self):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.errors:
            raise self.errors[0]
        # Nothing that was accepted is lost, nothing that was not is delivered.
        wait_until("all mail at the sink", lambda: all(self.world.sink.to(r) for r in self.accepted), 60)
        self.world.nothing_left()
        with self.world.sink.lock:
            got = sorted(r for m in self.world.sink.kept for r in m.recipients if f".{self.began}." in r)
        expect_equal("mail at the sink and mail accepted", got, sorted(self.accepted))

    def codes(self, name, connection=None):
        return [c for n, _, s, c in self.answers if s == name and connection in (None, n)]


@tests
def reload_under_load(world):
    """The mode changes on connections that stay open; no message is lost or put off."""
    world.use(AUDIT)
    load = Load(world)
    try:
        load.wait_for(80)
        world.use(ENFORCE)
        load.wait_for(80)
        for _ in range(10):
            world.milter.reload(ENFORCE)
            load.wait_for(4)
        world.use(AUDIT)
        load.wait_for(80)
    finally:
        load.finish()
    expect_equal("codes of good messages", set(load.codes("plain")), {250})
    expect_equal("codes of bad ones", set(load.codes("comma")), {250, 550})
    for connection in range(len(load.threads)):
        codes = load.codes("comma", connection)
        changes = sum(a != b for a, b in zip(codes, codes[1:]))
        expect_equal(f"changes of mode seen by connection {connection}: {codes}", changes, 2)


@tests
def broken_configuration_at_reload_changes_nothing(world):
    world.use(ENFORCE)
    try:
        said = world.milter.reload("mode = no-such-mode\n")
        expect("is not in force" in said, f"the daemon said {said!r}")
        expect(re.search(r"milter\.conf:\d+: .*no-such-mode", world.milter.log()), "the log names file, line and fault")
        expect_equal("code", world.send(BY_NAME["comma"])[1].code, 550)
    finally:
        world.milter.reload(ENFORCE)


@tests
def killed_under_load(world):
    """SIGKILL and a while without: every message is delivered once or put off, none goes round."""
    world.use(ENFORCE)
    load = Load(world, retry=True)
    try:
        load.wait_for(80)
        world.milter.kill()
        local = [world.domain() for _ in range(5)]
        for domain in local:
            world.postfix.sendmail(BY_NAME["plain"].message().replace(b"\r\n", b"\n"), "-f", f"ann@{Postfix.OWN}",
                                   f"bob@{domain}")
        load.wait_for(20)
        world.milter.start()
        load.wait_for(80)
    finally:
        load.finish()
    expect_equal("codes of bad messages", set(load.codes("comma")) - {550}, set(load.codes("comma")) & {421, 451})
    expect(any(code // 100 == 4 for code in load.codes("plain") + load.codes("comma")), "nothing was put off")
    for domain in local:
        world.delivered(domain)


@tests
def terminated_under_load(world):
    """SIGTERM lets messages on their way finish; what comes later is put off."""
    world.use(ENFORCE)
    load = Load(world, retry=True)
    fault = BY_NAME["comma"]
    slow = world.client()
    try:
        load.wait_for(40)
        slow.command("MAIL FROM:<ann@example.com>")
        slow.command(f"RCPT TO:<bob@{world.domain()}>")
        slow.command("DATA")
        said = world.milter.log().count("stopping: ")
        ending = threading.Thread(target=lambda: setattr(world, "status", world.milter.stop()))
        ending.start()
        wait_until("the daemon that stops", lambda: world.milter.log().count("stopping: ") > said)
        slow.socket.sendall(fault.message() + b".\r\n")
        expect_equal("code of the message on its way", slow.reply("end of data").code, 550)
        ending.join()
        world.milter.start()
        load.wait_for(40)
    finally:
        slow.close()
        load.finish()
    expect_equal("exit status of the daemon", world.status, 0)
    expect_equal("codes of bad messages", set(load.codes("comma")) - {421, 451}, {550})


@tests
def away_while_auditing(world):
    """With default_action=accept mail goes on without the milter, with tempfail it does not."""
    world.milter.kill()
    try:
        domain, reply = world.send(BY_NAME["comma"], "smtp")
        expect_equal("code", reply.code, 250)
        world.delivered(domain)
        expect_equal("code under tempfail", world.send(BY_NAME["plain"])[1].code, 451)
    finally:
        world.milter.start()


def main():
    if not os.path.exists(os.path.join(build_folder(), "presend-milter")):
        print(f"presend-milter is not in {build_folder()}: ./quickstart build", file=sys.stderr)
        return 1
    missing = list(filter(None, (Postfix.missing(), NameServer.missing())))
    if missing:
        skip(*missing)
    with Lab("postfix") as lab:
        world = World(lab)
        print(f"Postfix {world.postfix.run('postconf', '-h', 'mail_version').stdout.decode().strip()}"
              f" and {world.milter.program}, in {lab.top}", flush=True)

        def show():
            print("  the milter: " + world.milter.log()[-1500:].replace("\n", "\n    "))
            print("  Postfix: " + world.postfix.log()[-1500:].replace("\n", "\n    "))

        return tests.run(sys.argv[1:], world, on_failure=show)


if __name__ == "__main__":
    sys.exit(main())
