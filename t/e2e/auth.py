#!/usr/bin/python3
"""Authentication end to end: OpenDKIM signs, Presend judges, behind Postfix and behind Sendmail.

usage: auth.py [TEST...]          (root; $builddir names the build folder)

A real name server has the domains of domains.py; what is delivered is verified
by python3-dkim, which asks the same server.  Each test runs with both mail
servers.
"""
import itertools
import json
import os
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Client, Lab, Sink, Tests, expect, expect_equal, skip, wait_until  # noqa: E402
from servers import Milter, Postfix, Sendmail, build_folder, presend  # noqa: E402

try:
    import domains
    import receiver
    from names import NameServer, SilentServer
    from signer import Signer
except ImportError as why:
    skip(f"{why}: ./quickstart packages test")

LONG_DEADLINE = 8.0  # the longest there is: name servers that answer do so before, on a busy machine too
DEADLINE = 1.0  # where they do not
CLIENTS = 8  # at a time
SLACK = 1.0  # for two busy mail servers, and CONTROLS times what the same took that did not wait
CONTROLS = 3

tests = Tests()


def configuration(resolver, more="", mode="enforce", deadline=LONG_DEADLINE):
    own = ", ".join(f'"{name}"' for name in domains.OWN)
    return (f'own_domains = {{ {own} }}\negress = {{ "{domains.EGRESS}" }}\nhelo = "mail.good.example"\n'
            f'resolver = {{ "{resolver}" }}\ndeadline = {deadline}\nmode = {mode}\n{more}')


class Chain:
    """A mail server with the signers and Presend behind it, and a sink behind all."""

    def __init__(self, world, name, lab):
        self.world, self.name, self.lab, self.sink, self.count = world, name, lab, Sink(lab), itertools.count(1)
        start = configuration(world.names.address)
        if name == "Postfix":
            milters = ", ".join([s.milter() for s in world.signers] + ["$presend"])
            self.mta = Postfix(lab, self.sink, settings={"smtpd_milters": milters, "non_smtpd_milters": milters})
            self.milter = Milter(lab, self.mta.socket, start, self.mta.group).start()
            self.port = self.mta.start().ports["submission"]
        else:
            self.mta = Sendmail(lab, self.sink, before="".join(s.filter() for s in world.signers))
            self.milter = Milter(lab, self.mta.socket, start).start()
            self.port = self.mta.start().port
        self.config = start

    def use(self, config):
        if config != self.config:
            self.milter.reload(config)
            self.config = config

    def recipient_domain(self):
        return f"m{next(self.count)}.remote.example"

    def send(self, mail):
        """Sends it to an address of its own."""
        domain, message = self.recipient_domain(), mail.message(self.world.keys)
        with Client(self.port) as client:
            began = time.monotonic()
            reply = client.send(mail.envelope(), [f"bob@{domain}"], message)
            return Sent(self, mail, domain, message, reply, time.monotonic() - began)

    def show(self):
        print(f"  {self.name}'s milter: " + self.milter.log()[-1500:].replace("\n", "\n    "))
        print(f"  {self.name}: " + self.mta.log()[-1500:].replace("\n", "\n    "))


class Sent:
    """A message that was sent through a chain, and what became of it."""

    def __init__(self, chain, mail, domain, message, reply, seconds):
        self.chain, self.mail, self.domain, self.message = chain, mail, domain, message
        self.reply, self.seconds = reply, seconds  # from MAIL on
        self.what = f"{mail.name} by {chain.name}"

    def has_reply(self, code):
        expect_equal(f"{self.what}: {self.reply}", self.reply.code, code)

    def record(self):
        return self.chain.milter.record_to(self.domain)

    def delivered(self):
        return self.chain.sink.one_to(f"bob@{self.domain}")

    def is_not_delivered(self):
        expect_equal(f"{self.what}: at the sink", self.chain.sink.to(f"bob@{self.domain}"), [])

    def is_untouched(self):
        """Nothing but trace and signatures was added, and the signatures verify as they deserve."""
        delivered = self.delivered()
        expect_equal(f"{self.what}: message", receiver.without_added(delivered.data, self.message), self.message)
        expect_equal(f"{self.what}: sender", delivered.mail.split()[0], f"<{self.mail.envelope()}>")
        expect_equal(f"{self.what}: verified", tuple(receiver.verified(delivered.data, self.chain.world.names)),
                     self.mail.verified)

    def is_judged(self, verdict):
        """Does the record say what the message deserves?"""
        record, mail = self.record(), self.mail
        expect_equal(f"{self.what}: verdict", record["verdict"], verdict)
        found = [finding["check"] for finding in record["findings"]]
        for check in filter(None, (mail.check, mail.cause, *mail.also)):
            expect(check in found, f"{self.what}: {check} is not among {found}")
        expect_equal(f"{self.what}: DKIM", tuple(sorted(s["result"] for s in record["dkim"])), mail.dkim)
        passed = {s["domain"] for s in record["dkim"] if s["result"] == "pass"}
        expect_equal(f"{self.what}: domains", tuple(sorted(passed)), mail.verified)
        expect_equal(f"{self.what}: SPF", {s["result"] for s in record["spf"] if s["identity"] == "mailfrom"}, {mail.spf})
        for standard in ("rfc7489", "rfc9989"):
            dmarc = record["dmarc"][standard]
            expect_equal(f"{self.what}: DMARC by {standard}", (dmarc["result"], dmarc["disposition"]),
                         (mail.dmarc, mail.disposition))

    def is_refused_clearly(self, check, enhanced):
        """Check, reason and fix, each line with the codes."""
        for line in self.reply.lines:
            expect(line[4:].startswith(enhanced + " "), f"{self.what}: {line!r} does not begin with {enhanced}")
        expect(check in self.reply.lines[0], f"{self.what}: {check} is not named in {self.reply}")
        expect("Fix: " in self.reply.text, f"{self.what}: no fix in {self.reply}")
        early = check.startswith("envelope.")
        expect_equal(f"{self.what}: where it is refused", self.reply.stage, "RCPT" if early else "end of data")


class World:
    """The name server, the signers, and the two mail servers that share them."""

    def __init__(self, lab, postfix_lab, sendmail_lab):
        self.lab = lab
        self.keys = domains.make_keys(lab)
        self.names = NameServer(lab, domains.zones(self.keys)).start()
        self.silence = SilentServer(lab)
        self.signers = [Signer(lab, f"opendkim-{algorithm.split('-')[0]}", algorithm,
                               domains.signatures(self.keys, algorithm)).start()
                        for algorithm in ("rsa-sha256", "ed25519-sha256")]
        self.chains = [Chain(self, "Postfix", postfix_lab), Chain(self, "Sendmail", sendmail_lab)]

    def use(self, more="", resolver=None, **others):
        """Puts a configuration in force with both mail servers."""
        for chain in self.chains:
            chain.use(configuration(resolver or self.names.address, more, **others))

    def sent(self, mails, chains=None):
        """Sends each of them through each mail server, side by side."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            yield from pool.map(lambda pair: pair[0].send(pair[1]),
                                [(chain, mail) for chain in chains or self.chains for mail in mails])

    def show(self):
        for chain in self.chains:
            chain.show()


# ---- audit and enforce -------------------------------------------------------

@tests
def audit_delivers_and_records(world):
    """Everything goes out as signed, verifies independently, and the record says what would become of it."""
    world.use(mode="audit")
    for sent in world.sent(domains.MAILS):
        sent.has_reply(250)
        sent.is_untouched()
        sent.is_judged("reject" if sent.mail.check else "accept")
        record = sent.record()
        expect_equal(f"{sent.what}: mode and action", (record["mode"], record["action"]), ("audit", "accept"))


@tests
def enforce_refuses_and_says_why(world):
    world.use()
    for sent in world.sent(domains.MAILS):
        sent.has_reply(sent.mail.code)
        if not sent.mail.check:
            sent.is_untouched()
            continue
        sent.is_refused_clearly(sent.mail.check, sent.mail.enhanced)
        record = sent.record()
        expect_equal(f"{sent.what}: verdict and action", (record["verdict"], record["action"]), ("reject", "reject"))
        sent.is_not_delivered()
    for chain in world.chains:
        chain.mta.wait_empty()


@tests
def each_fault_of_a_signature_has_its_own_refusal(world):
    """Where dkim.signed, which comes first, only logs."""
    world.use('check "dkim.signed" { action = log }\n')
    for sent in world.sent([mail for mail in domains.MAILS if mail.cause]):
        sent.has_reply(550)
        sent.is_refused_clearly(sent.mail.cause, "5.7.20")
        sent.is_not_delivered()


@tests
def spf_refuses_where_it_is_told_to(world):
    world.use('check "spf.egress" { action = reject }\n')
    for sent in world.sent([domains.BY_NAME["elsewhere"]]):
        sent.has_reply(550)
        expect(sent.reply.text.startswith("5.7.23 "), f"{sent.what}: {sent.reply}")
        expect(domains.EGRESS in sent.reply.text, f"{sent.what}: the address is not in {sent.reply}")
    for sent in world.sent([domains.BY_NAME["signed"]]):
        sent.has_reply(250)


@tests
def presend_check_agrees_with_the_milter(world):
    """What was delivered, judged from a file: the same signatures, SPF, DMARC and verdict."""
    world.use(mode="audit")
    for sent in world.sent(domains.MAILS, world.chains[:1]):
        path = world.lab.path(f"{sent.mail.name}.eml")
        with open(path, "wb") as f:
            f.write(sent.delivered().data)
        _, out, err = presend("check", "--json", "-c", sent.chain.milter.config, "--client", "127.0.0.1", "--mail-from",
                              f"<{sent.mail.envelope()}>", "--rcpt", f"bob@{sent.domain}", path)
        expect(out, f"{sent.what}: presend check said {err.decode()}")
        by_file, by_milter = json.loads(out), sent.record()
        for part in ("verdict", "findings", "reply", "dkim", "spf", "dmarc"):
            expect_equal(f"{sent.what}: {part} of presend check", by_file.get(part), by_milter.get(part))


@tests
def local_submission_is_signed_and_judged(world):
    world.use()
    for chain in world.chains:
        good, bad = chain.recipient_domain(), chain.recipient_domain()
        for mail, domain in ((domains.BY_NAME["signed"], good), (domains.BY_NAME["unsigned"], bad)):
            message = mail.message(world.keys).replace(b"\r\n", b"\n")
            chain.mta.sendmail(message, "-f", mail.envelope(), f"bob@{domain}")
        delivered = chain.sink.one_to(f"bob@{good}")
        expect_equal(f"{chain.name}: verified", receiver.verified(delivered.data, world.names), ["good.example"])
        report = chain.sink.one_to("ann@unsigned.example").data
        expect(b"dkim.signed" in report, f"{chain.name}: the check is not named: {report!r}")
        expect_equal(f"{chain.name}: at the sink", chain.sink.to(f"bob@{bad}"), [])
        chain.mta.wait_empty()


# ---- a name server that fails ------------------------------------------------

def told_nothing(what, record):
    """Does the record say that it could not be told, and nothing else?"""
    results = [s["result"] for s in record["dkim"] + record["spf"]]
    results += [record["dmarc"][standard]["result"] for standard in ("rfc7489", "rfc9989")]
    expect_equal(f"{what}: results", set(results), {"temperror"})
    failed = [f for f in record["findings"] if f["result"] == "fail" and f["action"] != "log"]
    expect_equal(f"{what}: held against it", failed, [])
    expect([f for f in record["findings"] if f["result"] == "unknown"], f"{what}: nothing is unknown")


def failure_is_no_verdict(world, mail, resolver):
    """Audit and `accept` deliver, `tempfail` puts off; in time, each of them."""
    world.use(mode="audit")
    control = max(sent.seconds for sent in world.sent([domains.BY_NAME["signed"]]))
    for mode, on_unknown, code in (("audit", "tempfail", 250), ("enforce", "accept", 250), ("enforce", "tempfail", 451)):
        world.use(f"on_unknown = {on_unknown}\n", resolver=resolver, mode=mode, deadline=DEADLINE)
        for sent in world.sent([mail]):
            what = f"{sent.what}, {mode}, {on_unknown}"
            expect_equal(f"{what}: {sent.reply}", sent.reply.code, code)
            expect(sent.seconds < DEADLINE + SLACK + CONTROLS * control,
                   f"{what}: it took {sent.seconds:.2f} s, {control:.2f} where nothing is waited for")
            if code == 250:
                sent.is_untouched()
                told_nothing(what, sent.record())
            else:
                sent.is_not_delivered()
                expect(sent.reply.text.startswith("4."), f"{what}: {sent.reply}")


@tests
def servfail_is_no_verdict(world):
    failure_is_no_verdict(world, domains.UNTOLD, world.names.address)


@tests
def silence_is_no_verdict(world):
    failure_is_no_verdict(world, domains.BY_NAME["signed"], world.silence.address)


# ---- a name server that stops in mid-load ------------------------------------

PART, LIMIT = 30, 4000
LOAD_DEADLINE = 1.0


class Load:
    """Messages sent side by side until it is stopped, each from a domain of its own; the replies."""

    def __init__(self, chain, mark):
        self.chain, self.mark = chain, mark
        self.began, self.stopped = 0, False
        self.replies, self.seconds, self.lock = {}, {}, threading.Lock()
        self.before = None  # the last one that was begun before the outage
        self.threads = [threading.Thread(target=self.work) for _ in range(CLIENTS)]
        for thread in self.threads:
            thread.start()

    def next(self):
        with self.lock:
            if self.stopped or self.began == LIMIT:
                return None
            self.began += 1
            return self.began

    def work(self):
        with Client(self.chain.port) as client:
            for number in iter(self.next, None):
                mail = domains.Mail("load", f"{self.mark}{number}.load.example")
                began = time.monotonic()
                reply = client.send(mail.envelope(), [self.recipient(number)], mail.message(self.chain.world.keys))
                with self.lock:
                    self.replies[number] = reply.code
                    self.seconds[number] = time.monotonic() - began

    def recipient(self, number):
        return f"{self.mark}{number}@load.remote.example"

    def finish(self):
        self.stopped = True
        for thread in self.threads:
            thread.join(120)
        expect(self.began < LIMIT, f"{self.mark}: the load ended by itself")
        expect_equal(f"{self.mark}: messages without a reply", self.began - len(self.replies), 0)

    def records(self):
        """Those of its messages, by number."""
        found = {}
        for record in self.chain.milter.records_to("load.remote.example"):
            name = record["envelope"]["mail_from"].removeprefix("ann@").removesuffix(".load.example")
            if name.startswith(self.mark):
                found[int(name.removeprefix(self.mark))] = record
        return found


def untold(record):
    return any(finding["result"] == "unknown" for finding in record["findings"])


def wait_for(loads, what, question):
    """Waits until, in each load, it is true of that many records of messages that have yet to begin."""
    begun = {load: load.began for load in loads}

    def enough(load):
        return sum(question(record) for number, record in load.records().items() if number > begun[load]) > PART

    wait_until(what, lambda: all(map(enough, loads)), 120)


def load_through_an_outage(world, mark, fail, mend, on_unknown):
    """Told before, untold while it lasts, told again after it; nothing is lost or refused for good."""
    world.use(f"on_unknown = {on_unknown}\n", deadline=LOAD_DEADLINE)
    loads = [Load(chain, f"{mark}-{chain.name.lower()}-") for chain in world.chains]
    try:
        wait_for(loads, "messages that can be told", lambda record: not untold(record))
        for load in loads:
            load.before = load.began - CLIENTS
        try:
            fail()
            wait_for(loads, "messages that cannot be told", untold)
        finally:
            mend()
        wait_for(loads, "messages that can be told again", lambda record: not untold(record))
    finally:
        for load in loads:
            load.finish()
    for load in loads:
        nothing_was_lost(load, {250} if on_unknown == "accept" else {250, 451})


def nothing_was_lost(load, allowed):
    """Each message was delivered once, or the client knows that it was not."""
    expect_equal(f"{load.mark}: codes", set(load.replies.values()), allowed)
    expect_equal(f"{load.mark}: refused", [r for r in load.records().values() if r["verdict"] == "reject"], [])
    # the control: those that could be told, before the outage
    elapsed = {number: record["elapsed_us"] / 1e6 for number, record in load.records().items()}
    told = [number for number, record in load.records().items() if number <= load.before and not untold(record)]
    control, slowest = max(elapsed[number] for number in told), max(elapsed.values())
    expect(slowest < LOAD_DEADLINE + 0.5 + CONTROLS * control,
           f"{load.mark}: one was judged for {slowest:.2f} s, {control:.2f} at the most before the outage")
    control, slowest = max(load.seconds[number] for number in told), max(load.seconds.values())
    expect(slowest < 10 + CONTROLS * control,
           f"{load.mark}: one took {slowest:.2f} s, {control:.2f} at the most before the outage")
    wait_until(f"{load.mark}: all that was taken at the sink", lambda: all(
        load.chain.sink.to(load.recipient(number)) for number, code in load.replies.items() if code == 250))
    for number, code in load.replies.items():
        copies = len(load.chain.sink.to(load.recipient(number)))
        expect_equal(f"{load.mark}{number}: copies, after {code}", copies, 1 if code == 250 else 0)


@tests
def name_server_stops_in_mid_load(world):
    load_through_an_outage(world, "gone", world.names.stop, world.names.start, "accept")


@tests
def name_server_falls_silent_in_mid_load(world):
    load_through_an_outage(world, "mute", world.names.pause, world.names.resume, "tempfail")


def missing():
    """What this machine lacks."""
    return list(filter(None, (server.missing() for server in (NameServer, Signer, Postfix, Sendmail))))


def main():
    if not os.path.exists(os.path.join(build_folder(), "presend-milter")):
        print(f"presend-milter is not in {build_folder()}: ./quickstart build", file=sys.stderr)
        return 1
    if missing():
        skip(*missing())
    with Lab("auth") as lab, Lab("auth-postfix") as postfix_lab, Lab("auth-sendmail") as sendmail_lab:
        world = World(lab, postfix_lab, sendmail_lab)
        print(f"{world.chains[1].mta.version()}, Postfix, OpenDKIM, NSD in {lab.top}", flush=True)
        return tests.run(sys.argv[1:], world, on_failure=world.show)


if __name__ == "__main__":
    sys.exit(main())
