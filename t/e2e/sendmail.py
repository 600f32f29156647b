#!/usr/bin/python3
"""Presend behind a real Sendmail, with a real client in front and a sink behind.

usage: sendmail.py [TEST...]      (root; $builddir names the build folder)

The line that attaches the milter is that of contrib/sendmail.mc.  Sendmail is
unpacked by ./quickstart and never installed, so it runs beside Postfix.
"""
import json
import os
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from lab import Client, Lab, Sink, Tests, expect, expect_equal, skip, wait_until  # noqa: E402
from messages import BY_NAME, SAMPLES  # noqa: E402
from names import NameServer, everything_exists  # noqa: E402
from servers import HOST, Milter, Sendmail, build_folder, presend  # noqa: E402

BASE = f'own_domains = {{ "{HOST}" }}\n'
AUDIT = BASE + "mode = audit\n"
ENFORCE = BASE + "mode = enforce\n"

# Sendmail offers no SMTPUTF8.
SENT = [sample for sample in SAMPLES if not sample.options]

tests = Tests()


class World:
    """Sendmail with the milter, another without, and the sink of both."""

    def __init__(self, lab, bare_lab):
        self.lab = lab
        self.sink = Sink(lab)
        self.bare = Sendmail(bare_lab, self.sink, attached=False).start()
        self.sendmail = Sendmail(lab, self.sink)
        self.milter = Milter(lab, self.sendmail.socket, AUDIT, always=everything_exists(lab)).start()
        self.sendmail.start()
        self.config, self.count = AUDIT, 0

    def use(self, config):
        if config != self.config:
            self.milter.reload(config)
            self.config = config

    def domain(self):
        self.count += 1
        return f"m{self.count}.remote.example"

    def client(self):
        return Client(self.sendmail.port)

    def send(self, sample, server=None):
        domain = self.domain()
        with Client((server or self.sendmail).port) as client:
            return domain, client.send(sample.sender, [f"bob@{domain}"], sample.message(), sample.options)

    def delivered(self, domain):
        return self.sink.one_to(f"bob@{domain}")


def only_logged(sample):
    """Sendmail adds a missing From after its milters."""
    return sample.check == "from.missing"


def deserved(sample):
    return "accept" if sample.good or only_logged(sample) else "reject"


@tests
def audit_delivers_octet_for_octet(world):
    """What Sendmail itself rewrites after its milters, it rewrites without them too."""
    world.use(AUDIT)
    for sample in SENT:
        with_milter, reply = world.send(sample)
        expect_equal(f"{sample.name}: answer", reply.code, 250)
        without, _ = world.send(sample, world.bare)
        here, there = world.delivered(with_milter), world.delivered(without)
        expect_equal(f"{sample.name}: message", here.without_trace(), there.without_trace())
        expect_equal(f"{sample.name}: sender", here.mail, there.mail)
        record = world.milter.record_to(with_milter)
        expect_equal(f"{sample.name}: verdict", record["verdict"], deserved(sample))
        expect_equal("mode and action", (record["mode"], record["action"]), ("audit", "accept"))
        for check in filter(None, (sample.check, sample.also)):
            expect(check in [f["check"] for f in record["findings"]], f"{sample.name}: {check} is not found")


@tests
def enforce_refuses_and_says_why(world):
    world.use(ENFORCE)
    for sample in SENT:
        domain, reply = world.send(sample)
        if deserved(sample) == "accept":
            expect_equal(f"{sample.name}: {reply}", reply.code, 250)
            world.delivered(domain)
            continue
        expect_equal(f"{sample.name}: {reply}", reply.code, sample.code)
        expect_equal(f"{sample.name}: lines", len(reply.lines), 2)
        for line in reply.lines:
            expect(line.startswith(str(sample.code)) and line[4:].startswith(sample.enhanced), f"{sample.name}: {line!r}")
        expect(sample.check in reply.lines[0] and "Fix: " in reply.lines[1], f"{sample.name}: {reply}")
        if sample.offset is not None:
            expect(f"column {sample.offset + 1}" in reply.text, f"{sample.name}: column {sample.offset + 1} not in {reply}")
        expect_equal(f"{sample.name}: at the sink", world.sink.to(f"bob@{domain}"), [])
    world.sendmail.wait_empty()


@tests
def presend_check_agrees_with_the_milter(world):
    world.use(AUDIT)
    for number, sample in enumerate(SENT):
        if only_logged(sample):
            continue
        domain, _ = world.send(sample)
        by_milter = world.milter.record_to(domain)
        path = world.lab.path(f"{number}.eml")
        with open(path, "wb") as f:
            f.write(sample.message())
        _, out, _ = presend("check", "--json", "-c", world.milter.config, "--client", "127.0.0.1", "--mail-from",
                            f"<{sample.sender.decode()}>", "--rcpt", f"<bob@{domain}>", path)
        by_file = json.loads(out)
        for part in ("verdict", "class", "mode", "author", "from_raw", "findings", "reply"):
            expect_equal(f"{sample.name}: {part} of presend check", by_file.get(part), by_milter.get(part))


@tests
def mode_changes_on_an_open_connection(world):
    world.use(AUDIT)
    fault, codes = BY_NAME["comma"], []
    with world.client() as client:
        for config in (AUDIT, ENFORCE, AUDIT):
            world.use(config)
            codes.append(client.send(fault.sender, [f"bob@{world.domain()}"], fault.message()).code)
    expect_equal("codes", codes, [250, 550, 250])


@tests
def local_submission(world):
    """
    By the submission program, a client of the daemon on loopback, which makes two
    addresses of an unquoted comma before a milter is asked.
    """
    message = b"From: %s <john@example.com>\nSubject: x\n\nbody\n"
    world.use(AUDIT)
    domain = world.domain()
    world.sendmail.sendmail(message % b"Doe, John", "-f", "ann@example.com", f"bob@{domain}")
    world.delivered(domain)
    record = world.milter.record_to(domain)
    expect_equal("class", record["class"], "submitter")
    expect_equal("verdict and action", (record["verdict"], record["action"]), ("reject", "accept"))
    world.use(ENFORCE)
    good, bad = world.domain(), world.domain()
    world.sendmail.sendmail(message % b'"Doe, John"', "-f", "ann@example.com", f"bob@{good}")
    world.delivered(good)
    world.sendmail.sendmail(message % b"Doe, John", "-f", "carl@example.com", f"bob@{bad}")
    report = world.sink.one_to("carl@example.com").data
    expect(b"from.multiple" in report, f"the check is not named: {report!r}")
    world.sendmail.wait_empty()
    expect_equal("at the sink", world.sink.to(f"bob@{bad}"), [])


@tests
def submission_over_a_pipe(world):
    """sendmail -bs has no client address: class local; refused at the end of the message."""
    world.use(ENFORCE)
    domain = world.domain()
    said = world.sendmail.over_a_pipe("HELO here", "MAIL FROM:<ann@exam_ple.com>", f"RCPT TO:<bob@{domain}>", "DATA",
                                      "From: ann@example.com\r\n\r\nbody\r\n.", "QUIT")
    expect_equal("class", world.milter.record_to(domain)["class"], "local")
    expect("354 " in said, f"RCPT was refused: {said}")
    expect("envelope.sender-syntax" in said, f"the check is not named: {said}")
    world.sendmail.wait_empty()
    expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])


@tests
def mail_that_stays_is_untouched(world):
    world.use(ENFORCE)
    fault, domain = BY_NAME["comma"], world.domain()
    with world.client() as client:
        expect_equal("code", client.send(fault.sender, ["games"], fault.message()).code, 250)
        expect_equal("with one outside", client.send(fault.sender, ["games", f"bob@{domain}"], fault.message()).code, 550)
    world.sendmail.sendmail(b"From: root (Cron <Daemon>\nTo: root\nSubject: Cron\n\nthe output of a job\n",
                            "-f", "root", "root")
    kept = wait_until("games' mail", lambda: world.sendmail.local_mailbox("games"))
    expect_equal("games' mail", len(kept), 1)
    expect(b"John <john@example.com>\n" in kept[0], f"the From field is not there: {kept[0]!r}")
    mail = wait_until("root's mail", lambda: world.sendmail.local_mailbox("root"))
    expect(b"the output of a job" in mail[-1], f"the body is not there: {mail[-1]!r}")
    world.sendmail.wait_empty()


@tests
def bounces_pass(world):
    world.use(ENFORCE)
    message = b"From: MAILER-DAEMON <>\r\nTo: bob@remote.example\r\nSubject: Undelivered\r\n\r\nsorry\r\n"
    domain = world.domain()
    with world.client() as client:
        expect_equal("code", client.send("", [f"bob@{domain}"], message).code, 250)
    world.delivered(domain)
    expect_equal("verdict", world.milter.record_to(domain)["verdict"], "accept")


@tests
def flag_header_is_added(world):
    world.use(ENFORCE + 'check "from.display-name" { action = flag }\n')
    fault, domain = BY_NAME["parenthesis"], world.domain()
    with world.client() as client:
        client.send(fault.sender, [f"bob@{domain}"], b"X-Presend-Flag: forged\r\n" + fault.message())
    data = world.delivered(domain).data
    expect_equal("flags", [line for line in data.split(b"\r\n") if line.lower().startswith(b"x-presend-flag")],
                 [b"X-Presend-Flag: from.display-name"])


@tests
def quarantine_holds(world):
    world.use(ENFORCE + 'check "from.display-name" { action = quarantine }\n')
    domain, reply = world.send(BY_NAME["comma"])
    expect_equal("code", reply.code, 250)
    held = wait_until("a held message", lambda: world.sendmail.queue_files("hf"))
    expect_equal("held", len(held), 1)
    time.sleep(3)  # more than one queue run
    expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])
    world.sendmail.run("-Q", "-qQ", f"-qI{held[0][2:]}")
    world.sendmail.run(f"-qI{held[0][2:]}")
    world.delivered(domain)
    world.sendmail.wait_empty()
    expect_equal("records", len(world.milter.records_to(domain)), 1)


@tests
def killed_and_back(world):
    """With F=T mail is put off while the milter is away; none goes round it."""
    world.use(ENFORCE)
    good = BY_NAME["plain"]
    domain = world.domain()
    with world.client() as client:
        expect_equal("before", client.send(good.sender, [f"bob@{world.domain()}"], good.message()).code, 250)
        world.milter.kill()
        put_off = client.send(good.sender, [f"bob@{domain}"], good.message()).code
    expect(put_off // 100 == 4, f"the open connection got {put_off}")
    with Client(world.sendmail.port, hello=False) as client:
        new = client.greeting.code if client.greeting.code >= 400 else \
            client.send(good.sender, [f"bob@{domain}"], good.message()).code
    expect(new // 100 == 4, f"a new connection got {new}")
    world.milter.start()
    expect_equal("code after it", world.send(good)[1].code, 250)
    expect_equal("at the sink", world.sink.to(f"bob@{domain}"), [])


def main():
    if not os.path.exists(os.path.join(build_folder(), "presend-milter")):
        print(f"presend-milter is not in {build_folder()}: ./quickstart build", file=sys.stderr)
        return 1
    missing = list(filter(None, (Sendmail.missing(), NameServer.missing())))
    if missing:
        skip(*missing)
    with Lab("sendmail") as lab, Lab("sendmail-bare") as bare_lab:
        world = World(lab, bare_lab)
        print(f"{world.sendmail.version()} and {world.milter.program}, in {lab.top}", flush=True)

        def show():
            print("  the milter: " + world.milter.log()[-1500:].replace("\n", "\n    "))
            print("  Sendmail: " + world.sendmail.log()[-1500:].replace("\n", "\n    "))

        return tests.run(sys.argv[1:], world, on_failure=show)


if __name__ == "__main__":
    sys.exit(main())
