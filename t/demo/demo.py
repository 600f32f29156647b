#!/usr/bin/python3
"""Presend at work: a private Postfix, presend-milter attached, real messages.

usage: demo.py [--builddir DIR] [FILE...]

Sends good messages and one of each kind of fault (or the message files named)
over SMTP, first in audit mode, then in enforce mode, and shows what became of
each; then mail of domains whose keys and records are right or wrong, signed by
a private OpenDKIM, judged with a private name server.  Everything runs on loopback and in a temporary folder, and is stopped and
removed at the end.
"""
import argparse
import json
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "e2e"))
import domains  # noqa: E402
import receiver  # noqa: E402
from lab import Client, Failure, Lab, Sink  # noqa: E402
from messages import BY_NAME, Sample  # noqa: E402
from names import EVERYTHING, NameServer  # noqa: E402
from servers import HOST, Milter, Postfix, presend  # noqa: E402
from signer import Signer  # noqa: E402

SHOWN = ["plain", "quoted-comma", "encoded", "comma", "parenthesis", "eight-bit", "missing", "duplicate", "no-at",
         "two-at", "space", "nested", "ambiguous", "two-addresses", "group", "hidden-control", "underscore", "long",
         "envelope"]
COLUMNS = "  {:<42} {:<11} {:<16} {}"
FACTS = "  {:<42} {:<10} {:<10} {:<10} {:<9} {}"


class FileMessage:
    """A message file of the user's, with the look of a sample."""

    def __init__(self, path):
        with open(path, "rb") as f:
            octets = f.read()
        if octets.startswith((b"From ", b">From ")):  # of an mbox, no part of the message
            octets = octets.partition(b"\n")[2]
        self.title = os.path.basename(path)
        self.octets = b"\r\n".join(line.removesuffix(b"\r") for line in octets.split(b"\n"))
        _, out, err = presend("check", "--json", path)
        if not out:
            raise Failure(err.decode().strip() or f"{path} cannot be judged")
        sender = json.loads(out)["envelope"].get("mail_from")
        self.sender = b"demo@example.com" if sender is None else sender.encode()
        self.options = ""

    def message(self):
        return self.octets

    @property
    def field(self):
        head = self.octets.partition(b"\r\n\r\n")[0].split(b"\r\n")
        return next((line for line in head if line[:5].lower() == b"from:"), b"")


class SignedMessage:
    """A message of a domain of the lab, with the look of a sample."""

    options = ""

    def __init__(self, mail, keys):
        self.title, self.sender, self.octets = mail.title, mail.envelope().encode(), mail.message(keys)

    def message(self):
        return self.octets

    @property
    def field(self):
        lines = self.octets.split(b"\r\n")
        return next(line for line in lines if line.startswith(b"From:"))


def shown(octets, width):
    """Octets of a message, safe for a terminal and cut to a width."""
    text = octets.decode("utf-8", "backslashreplace").replace("\r\n", " ")
    text = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text)
    return text if len(text) <= width else text[:width - 1] + "…"


class Demo:
    def __init__(self, lab, samples):
        self.samples = samples
        self.width = max(72, min(shutil.get_terminal_size((100, 24)).columns, 120))
        self.sink, self.rounds = Sink(lab), 0
        keys = domains.make_keys(lab)
        self.names = NameServer(lab, EVERYTHING | domains.zones(keys)).start()
        self.signed = [SignedMessage(mail, keys) for mail in (*domains.MAILS, domains.UNTOLD)]
        signers = [Signer(lab, f"opendkim-{algorithm}", algorithm, domains.signatures(keys, algorithm)).start()
                   for algorithm in ("rsa-sha256", "ed25519-sha256")]
        milters = ", ".join([signer.milter() for signer in signers] + ["$presend"])
        self.postfix = Postfix(lab, self.sink, settings={"smtpd_milters": milters})
        self.milter = Milter(lab, self.postfix.socket, "mode = audit\n", self.postfix.group, self.settings()).start()
        self.postfix.start()

    def settings(self):
        own = ", ".join(f'"{name}"' for name in (HOST, *domains.OWN))
        return (f'own_domains = {{ {own} }}\nresolver = {{ "{self.names.address}" }}\n'
                f'egress = {{ "{domains.EGRESS}" }}\nhelo = "mail.good.example"\n')

    def run(self, authentication):
        version = self.postfix.run("postconf", "-h", "mail_version").stdout.decode().strip()
        print(f"Postfix {version} on 127.0.0.1 port {self.postfix.ports['submission']}, with OpenDKIM and presend-milter"
              " attached to it as contrib/postfix-main.cf says.\n")
        print("AUDIT: every message is judged and delivered, the log says what would have become of it.\n")
        self.round(self.samples, replies=False)
        if authentication:
            print("\nAUTHENTICATION, as the receiver will see it: the signature just added, SPF for the address that mail"
                  f" leaves from\n({domains.EGRESS}), DMARC of both. The last column is python3-dkim's opinion of what was"
                  " delivered.\n")
            self.facts()
        self.milter.reload("mode = enforce\n")
        print("\nENFORCE: the same messages; the client learns which check, where, and how to mend it.\n")
        self.round(self.samples + (self.signed if authentication else []), replies=True)

    def send(self, sample):
        """Sends it to an address of its own; returns the reply and the address's domain."""
        self.rounds += 1
        domain = f"m{self.rounds}.example.net"
        with Client(self.postfix.ports["submission"]) as client:
            return client.send(sample.sender, [f"bob@{domain}"], sample.message(), sample.options), domain

    def round(self, samples, replies):
        print(COLUMNS.format("message", "verdict", "client was told", "delivered"))
        for sample in samples:
            reply, domain = self.send(sample)
            print(COLUMNS.format(shown(sample.title.encode(), 42), self.verdict(reply, domain),
                                 f"{reply.code} {reply.text.split()[0]}", self.outcome(sample, reply, domain)))
            if replies and reply.code >= 400:
                self.show_reply(sample, reply)

    def facts(self):
        print(FACTS.format("message", "DKIM", "SPF", "DMARC", "verdict", "verified"))
        for sample in self.signed:
            _, domain = self.send(sample)
            record = self.milter.record_to(domain)
            verified = receiver.verified(self.sink.one_to(f"bob@{domain}").data, self.names)
            print(FACTS.format(shown(sample.title.encode(), 42), "/".join(s["result"] for s in record["dkim"]) or "none",
                               record["spf"][0]["result"], record["dmarc"]["rfc9989"]["result"], record["verdict"],
                               ", ".join(verified) or "-"))

    def verdict(self, reply, domain):
        if reply.stage == "MAIL" and not self.milter.records_to(domain):
            return "(Postfix)"  # refused before any milter was asked
        return self.milter.record_to(domain)["verdict"]

    def outcome(self, sample, reply, domain):
        if reply.code >= 400:
            return "no" if not self.sink.to(f"bob@{domain}") else "YES, THOUGH REFUSED"
        delivered = self.sink.one_to(f"bob@{domain}").data
        if receiver.without_added(delivered, sample.message()).rstrip() != sample.message().rstrip():
            return "changed"
        added = receiver.signature_count(delivered) - receiver.signature_count(sample.message())
        return "as sent, and signed" if added else "as sent"

    def show_reply(self, sample, reply):
        envelope = reply.stage in ("MAIL", "RCPT")
        field = b"MAIL FROM:<" + sample.sender + b">" if envelope else sample.field
        print("      " + shown(field or b"(no From field)", self.width - 6))
        for line in reply.lines:
            print("      " + shown(line.encode(), max(self.width - 6, 200)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--builddir", help="where presend-milter was built")
    parser.add_argument("files", nargs="*", metavar="FILE", help="message files to send instead")
    arguments = parser.parse_args()
    if arguments.builddir:
        os.environ["builddir"] = os.path.abspath(arguments.builddir)
    reason = next(filter(None, (server.missing() for server in (Postfix, NameServer, Signer))), None)
    if reason:
        print(f"demo: {reason}", file=sys.stderr)
        return 1
    try:
        samples: list[Sample | FileMessage] = [BY_NAME[name] for name in SHOWN]
        if arguments.files:
            samples = [FileMessage(path) for path in arguments.files]
        with Lab("demo") as lab:
            Demo(lab, samples).run(authentication=not arguments.files)
    except (Failure, OSError) as why:
        print(f"demo: {why}", file=sys.stderr)
        return 1
    print("\nAll that was started is stopped and removed.  Without any mail server: build/presend check FILE")
    return 0


if __name__ == "__main__":
    sys.exit(main())
