"""Sending domains as a name server and a signer have them, and mail from each.

One of each way in which authentication goes right or wrong, and what the mail
has to get.  The end-to-end tests and the demo share them.
"""
import dataclasses

from names import txt
from receiver import sign
from signer import Key, Signature

EGRESS = "192.0.2.9"
SPF = f"v=spf1 ip4:{EGRESS} -all"
SPF_ELSEWHERE = "v=spf1 ip4:198.51.100.7 -all"
MAIN = "main._domainkey"


@dataclasses.dataclass(frozen=True)
class Domain:
    """A domain that sends; `signs` are (d=, selector, key): how mail from it and its subdomains is signed."""

    name: str
    spf: str | None = SPF
    dmarc: str | None = "v=DMARC1; p=reject"
    published: tuple[tuple[str, str], ...] = ()  # owner, and the key's name or the record's text
    signs: tuple[tuple[str, str, str], ...] = ()
    ours: bool = True  # is it one of own_domains?
    other: str = ""  # further records, as a master file has them
    served: bool = True  # False: the name server knows the zone and cannot load it

    def zone(self, keys):
        if not self.served:
            return None
        records = self.other or "@ MX 10 mail\nmail A 192.0.2.25\n"
        if self.spf:
            records += txt("@", self.spf)
        if self.dmarc:
            records += txt("_dmarc", self.dmarc)
        for owner, key in self.published:
            records += txt(owner, keys[key].record if key in keys else key)
        return records


def plain(name, **more):
    """A domain with a key of 2,048 bits at the selector "main", published, and signed with."""
    return Domain(name, published=((MAIN, "main"),), signs=((name, "main", "main"),), **more)


def failing(policy):
    """Nothing authenticates; not one of ours, so that DMARC alone has something to say."""
    return Domain(f"{policy}.example", spf=SPF_ELSEWHERE, dmarc=f"v=DMARC1; p={policy}", ours=False)


DOMAINS = [
    plain("good.example", other="@ MX 10 mail\nmail A 192.0.2.25\ndesk A 192.0.2.26\n"),
    Domain("curve.example", published=(("ed._domainkey", "curve"),), signs=(("curve.example", "ed", "curve"),)),
    Domain("both.example", published=((MAIN, "main"), ("ed._domainkey", "curve")),
           signs=(("both.example", "main", "main"), ("both.example", "ed", "curve"))),
    Domain("short.example", published=(("short._domainkey", "short"),), signs=(("short.example", "short", "short"),)),
    Domain("unsigned.example"),
    Domain("borrowed.example", signs=(("good.example", "main", "main"),)),
    Domain("mismatch.example", published=((MAIN, "other"),), signs=(("mismatch.example", "main", "main"),)),
    Domain("revoked.example", published=((MAIN, "v=DKIM1; p="),), signs=(("revoked.example", "main", "main"),)),
    Domain("absent.example", signs=(("absent.example", "main", "main"),)),
    Domain("weak.example", published=(("weak._domainkey", "weak"),), signs=(("weak.example", "weak", "weak"),)),
    Domain("carried.example", published=((MAIN, "main"),)),
    plain("elsewhere.example", spf=SPF_ELSEWHERE),
    failing("none"),
    failing("quarantine"),
    failing("reject"),
    # d= is a subdomain of the author's domain: aligned where relaxed, not where strict.
    Domain("relaxed.example", spf=SPF_ELSEWHERE, published=((f"{MAIN}.mail", "main"),), ours=False,
           signs=(("mail.relaxed.example", "main", "main"),), other="@ MX 10 mail\nmail A 192.0.2.25\n"),
    Domain("strict.example", spf=SPF_ELSEWHERE, dmarc="v=DMARC1; p=reject; adkim=s", ours=False,
           published=((f"{MAIN}.mail", "main"),), signs=(("mail.strict.example", "main", "main"),),
           other="@ MX 10 mail\nmail A 192.0.2.25\n"),
    Domain("silent.example", other="@ MX 0 .\n", ours=False, dmarc=None),
    # Each message of a load comes from a name of its own, so that no answer is known before.
    plain("load.example", other="@ MX 10 mail\n* A 192.0.2.25\n"),
    Domain("broken.example", served=False, signs=(("broken.example", "main", "main"),)),
]


@dataclasses.dataclass(frozen=True)
class Mail:
    """A message, and what it gets in enforce mode with the default settings."""

    name: str
    author: str  # the domain of From
    sender: str = ""  # the domain of MAIL FROM, where it is another
    check: str = ""  # the check that refuses it, "" where it is delivered
    code: int = 250
    enhanced: str = ""
    cause: str = ""  # the check that refuses it, by 550 5.7.20, where dkim.signed only logs
    also: tuple[str, ...] = ()  # what is found besides, whatever comes of it
    dkim: tuple[str, ...] = ()  # the results of its signatures, sorted
    verified: tuple[str, ...] = ()  # domains whose signatures an independent receiver verifies
    spf: str = "pass"  # of MAIL FROM, for the egress address
    dmarc: str = "pass"  # under both standards
    disposition: str = "none"
    carried: str = ""  # the signature that it has before it is submitted
    title: str = ""  # for people

    def envelope(self):
        return f"ann@{self.sender or self.author}"

    def message(self, keys, number=1):
        message = (
            f"From: Ann <ann@{self.author}>\r\n"
            "To: Bob <bob@remote.example>\r\n"
            f"Subject: {self.name}\r\n"
            "Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            f"Message-ID: <{self.name}.{number}@{self.author}>\r\n"
            "\r\n"
            "Hello,\r\n"
            ".a line that begins with a dot,\r\n"
            "\ta tab and trailing blanks  \r\n"
            "\r\n").encode()
        if not self.carried:
            return message
        algorithm = "rsa-sha1" if self.carried == "sha1" else "rsa-sha256"
        message = sign(message, keys["main"], self.author, "main", algorithm)
        return message.replace(b"Hello", b"Goodbye") if self.carried == "spoilt" else message


SIGNED = "dkim.signed", 550, "5.7.22"
ALIGNMENT = "dmarc.alignment", 550, "5.7.26"

MAILS = [
    Mail("signed", "good.example", dkim=("pass",), verified=("good.example",), title="signed, RSA 2048"),
    Mail("ed25519", "curve.example", dkim=("pass",), verified=("curve.example",), title="signed, ed25519"),
    Mail("both-keys", "both.example", dkim=("pass", "pass"), verified=("both.example",),
         title="signed with RSA and with ed25519"),
    Mail("short-key", "short.example", also=("dkim.key",), dkim=("pass",), verified=("short.example",),
         title="signed, RSA 1024"),
    Mail("resigned", "good.example", also=("dkim.valid",), dkim=("fail", "pass"), verified=("good.example",),
         carried="spoilt", title="a spoilt signature, and a good new one"),
    Mail("subdomain", "desk.good.example", "good.example", dkim=("pass",), verified=("good.example",),
         title="a subdomain, signed by its parent"),
    Mail("relaxed", "relaxed.example", also=("spf.egress",), dkim=("pass",), verified=("mail.relaxed.example",),
         spf="fail", title="signed by a subdomain, relaxed alignment"),
    Mail("carried", "carried.example", dkim=("pass",), verified=("carried.example",), carried="sound",
         title="signed before it was submitted"),
    Mail("unsigned", "unsigned.example", "", *SIGNED, title="not signed"),
    Mail("borrowed", "borrowed.example", "", *SIGNED, dkim=("pass",), verified=("good.example",),
         title="signed by another domain"),
    Mail("mismatch", "mismatch.example", "", *SIGNED, cause="dkim.valid", dkim=("fail",), title="another key is published"),
    Mail("spoilt", "carried.example", "", *SIGNED, cause="dkim.valid", dkim=("fail",), carried="spoilt", title="body changed after signing"),
    Mail("revoked", "revoked.example", "", *SIGNED, cause="dkim.key", dkim=("permerror",), title="the key is revoked"),
    Mail("absent", "absent.example", "", *SIGNED, cause="dkim.key", dkim=("permerror",), title="no key is published"),
    Mail("weak", "weak.example", "", *SIGNED, cause="dkim.key", dkim=("policy",), title="signed, RSA 512"),
    Mail("sha1", "carried.example", "", *SIGNED, cause="dkim.key", dkim=("policy",), carried="sha1", title="signed with SHA-1"),
    Mail("elsewhere", "elsewhere.example", also=("spf.egress",), dkim=("pass",), verified=("elsewhere.example",),
         spf="fail", title="the egress address is not in SPF"),
    Mail("p-none", "none.example", also=("dkim.signed", "spf.egress", "dmarc.alignment"), spf="fail", dmarc="fail",
         title="nothing authenticates, p=none"),
    Mail("p-quarantine", "quarantine.example", "", *ALIGNMENT, spf="fail", dmarc="fail", disposition="quarantine",
         title="nothing authenticates, p=quarantine"),
    Mail("p-reject", "reject.example", "", *ALIGNMENT, spf="fail", dmarc="fail", disposition="reject",
         title="nothing authenticates, p=reject"),
    Mail("strict", "strict.example", "", *ALIGNMENT, dkim=("pass",), verified=("mail.strict.example",), spf="fail",
         dmarc="fail", disposition="reject", title="signed by a subdomain, adkim=s"),
    Mail("no-such-author", "gone.good.example", "good.example", "from.resolves", 550, "5.1.8",
         dkim=("pass",), verified=("good.example",), title="From: a subdomain without records"),
    Mail("null-mx-author", "silent.example", "good.example", "from.resolves", 550, "5.7.27", also=("dmarc.record",),
         dmarc="none", title="From: a domain with a null MX"),
    Mail("no-such-sender", "good.example", "gone.good.example", "envelope.sender-domain", 553, "5.1.8",
         dkim=("pass",), verified=("good.example",), spf="none", title="MAIL FROM: a subdomain without records"),
    Mail("null-mx-sender", "good.example", "silent.example", "envelope.sender-domain", 550, "5.7.27",
         dkim=("pass",), verified=("good.example",), title="MAIL FROM: a domain with a null MX"),
]

BY_NAME = {mail.name: mail for mail in MAILS}

# The server fails for its names: nothing can be told, and nothing may be held against it.
UNTOLD = Mail("untold", "broken.example", title="signed, and the name server fails")

OWN = tuple(name for d in DOMAINS if d.ours for name in (d.name, f"*.{d.name}"))


def make_keys(lab):
    return {"main": Key(lab, "main"), "other": Key(lab, "other"), "short": Key(lab, "short", bits=1024),
            "weak": Key(lab, "weak", bits=512), "curve": Key(lab, "curve", kind="ed25519")}


def zones(keys):
    """What the name server has; the parent zone answers for what lies beside the domains."""
    return {"example": ""} | {domain.name: domain.zone(keys) for domain in DOMAINS}


def signatures(keys, algorithm):
    """What a signer with this algorithm has in its tables."""
    return [Signature(domain.name, d, selector, keys[key]) for domain in DOMAINS for d, selector, key in domain.signs
            if keys[key].algorithm == algorithm]
