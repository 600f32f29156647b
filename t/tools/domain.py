#!/usr/bin/python3
"""domain.py - `presend domain` as a program.

Exit statuses, the shape of the JSON, what a person is shown; DNS from records
files, from a real name server (NSD on loopback), and from one that keeps silent.  Everything is in a temporary
folder, and ended by pid.  Names of tests as arguments run these alone.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time

import facts

PRESEND = os.environ.get("PRESEND") or os.path.join(os.environ.get("builddir", "."), "presend")
passed = 0
failures = []
skipped = []


def source_key(name):
    """A key out of those that the unit tests have."""
    path = os.path.join(os.environ.get("srcdir", os.path.dirname(__file__) + "/../.."), "t",
                        "unit", "dkim_keys.h")
    with open(path, encoding="ascii") as file:
        text = file.read()
    value = re.search(r"#define %s \\\n((?:\t\".*\"(?: \\)?\n)+)" % name, text)[1]
    return "".join(re.findall(r'"([^"]*)"', value)).replace("\\n", "\n")


RSA2048, RSA1024, RSA768 = (source_key("RSA%d_PUBLIC" % n) for n in (2048, 1024, 768))
ED25519 = source_key("ED25519_PUBLIC")
PRIVATE2048, PRIVATE1024 = source_key("RSA2048_PRIVATE"), source_key("RSA1024_PRIVATE")

GOOD = """\
good.example. SOA ns.good.example. h.good.example. 1 1 1 1 1
good.example. MX 20 mx2.good.example.
good.example. MX 10 mx1.good.example.
mx1.good.example. A 192.0.2.25
mx2.good.example. AAAA 2001:db8::25
good.example. TXT "v=spf1 ip4:192.0.2.0/28 include:_spf.good.example -all"
_spf.good.example. TXT "v=spf1 a:gone.good.example ip4:198.51.100.1 -all"
_dmarc.good.example. TXT "v=DMARC1; p=reject; rua=mailto:d@good.example"
rsa._domainkey.good.example. TXT "v=DKIM1; k=rsa; p=%s"
short._domainkey.good.example. TXT "v=DKIM1; p=%s"
weak._domainkey.good.example. TXT "v=DKIM1; p=%s"
ed._domainkey.good.example. TXT "v=DKIM1; k=ed25519; t=y:s; h=sha256; s=email; p=%s"
old._domainkey.good.example. TXT "v=DKIM1; p="
two._domainkey.good.example. TXT "v=DKIM1; p="
two._domainkey.good.example. TXT "v=DKIM1; p=%s"
selector1._domainkey.good.example. TXT "v=DKIM1; p=%s"
;; TIMEOUT slow._domainkey.good.example
""" % tuple('" "'.join(re.findall(".{1,200}", key))
           for key in (RSA2048, RSA1024, RSA768, ED25519, RSA2048, RSA2048))

OTHERS = """\
null.example. MX 0 .
_dmarc.null.example. TXT "v=DMARC1; p=none; rua=mailto:d@null.example"
address.example. AAAA 2001:db8::1
address.example. TXT "v=spf1 ip4:192.0.2.300 -all"
empty.example. TXT "nothing"
alias.example. MX 5 alias2.alias.example.
alias.example. MX 5 gone.alias.example.
alias.example. MX 6 slow.alias.example.
alias2.alias.example. CNAME mx.alias.example.
mx.alias.example. A 192.0.2.1
;; TIMEOUT slow.alias.example
two.example. A 192.0.2.1
two.example. TXT "v=spf1 -all"
two.example. TXT "v=spf1 +all"
loop.example. A 192.0.2.1
loop.example. TXT "v=spf1 include:loop.example -all"
xn--bcher-kva.example. A 192.0.2.1
;; TIMEOUT slow.example
diff.example. A 192.0.2.1
a.sub.diff.example. A 192.0.2.1
_dmarc.sub.diff.example. TXT "v=DMARC1; p=quarantine; psd=n"
_dmarc.diff.example. TXT "v=DMARC1; p=reject; np=none; pct=40; t=y"
near.example. A 192.0.2.1
_dmarc.near.example. TXT "v=DMARC1; p=rejct"
hostile.example. MX 1 a\\027[31m\\195\\010.hostile.example.
hostile.example. TXT "v=spf1 exists:\\027]0;x\\007 -all"
_dmarc.hostile.example. TXT "v=DMARC1; p=\\027[31m"
evil._domainkey.hostile.example. TXT "k=\\027[31m; p=x"
evil2._domainkey.hostile.example. TXT "v=DKIM1; k=\\"; p=x"
"""

ZONE = GOOD + OTHERS


def check(label, got, wanted):
    global passed
    if got == wanted:
        passed += 1
        return
    failures.append(label)
    print("FAIL %s\n  got    %r\n  wanted %r" % (label, got, wanted))


class Folder:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="presend-domain.")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def file(self, name, text):
        path = os.path.join(self.temporary.name, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path


def presend(*words):
    return subprocess.run([PRESEND, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60, check=False, encoding="utf-8", errors="surrogateescape")


def run(*words, zone=ZONE, conf=""):
    """The exit status and the objects, or the text without --json."""
    with Folder() as folder:
        got = presend("domain", "--offline", "--records", folder.file("zone", zone), "-c",
                      folder.file("conf", conf), *words)
        check("%s: standard error" % (words,), got.stderr, "")
        if "--json" not in words:
            return got.returncode, got.stdout
        return got.returncode, [json.loads(line) for line in got.stdout.splitlines()]


def report(*words, **more):
    status, objects = run("--json", *words, **more)
    check("%s: one line" % (words,), len(objects), 1)
    return status, objects[0]


def named(found):
    return ["%s %s" % (f["check"], f["action"]) for f in found["findings"]]


# ---- what there is ------------------------------------------------------------------------


def test_good():
    status, got = report("good.example", "--egress", "192.0.2.0/28,198.51.100.1")
    check("status", status, 0)
    check("findings", (got["domain"], got["verdict"], got["mode"], got["findings"]),
          ("good.example", "accept", "audit", []))
    check("mx", got["mx"],
          [{"preference": 10, "exchange": "mx1.good.example", "resolves": True, "alias": False},
           {"preference": 20, "exchange": "mx2.good.example", "resolves": True, "alias": False}])
    check("existence", [got[k] for k in ("existence", "null_mx", "soa", "a", "aaaa", "secure")],
          ["mail", False, True, False, False, False])
    check("spf", [(s["ip"], s["result"], s["aligned_rfc7489"]) for s in got["spf"]],
          [("192.0.2.1", "pass", True), ("192.0.2.8", "pass", True),
           ("192.0.2.14", "pass", True), ("198.51.100.1", "pass", True)])
    check("spf_record", got["spf_record"],
          {"record": "v=spf1 ip4:192.0.2.0/28 include:_spf.good.example -all", "count": 1,
           "problem": None, "problem_offset": None, "lookups": 2, "lookups_max": 10,
           "void_lookups": 1, "void_lookups_max": 2})
    check("dkim", got["dkim"], [])
    for standard in ("rfc7489", "rfc9989"):
        verdict = got["dmarc"][standard]
        check("dmarc " + standard,
              [verdict[k] for k in ("org_domain", "record_domain", "policy", "p", "sp", "np",
                                    "pct", "testing", "rua", "result", "aligned_spf")],
              ["good.example", "good.example", "reject", "reject", "reject", "reject", 100, False,
               True, "pass", True])
    check("opendmarc", got["dmarc"]["opendmarc"], None)


def test_without_egress():
    _, got = report("good.example")
    check("spf is not evaluated", "spf" in got, False)
    check("its record is read", got["spf_record"]["lookups"], 2)
    _, got = report("loop.example")
    check("too many lookups", (named(got), got["spf_record"]["problem"]),
          (["spf.record log", "dmarc.record log"], "the record needs more than 10 DNS lookups"))


def test_findings():
    """(domain, exit status, verdict, findings)"""
    rows = [
        ("null.example", 1, "reject", ["envelope.sender-domain reject", "from.resolves reject"]),
        ("gone.example", 1, "reject", ["envelope.sender-domain reject", "from.resolves reject",
                                       "dmarc.record log"]),
        ("empty.example", 0, "accept", ["envelope.sender-domain log", "from.resolves log",
                                        "dmarc.record log"]),
        ("address.example", 0, "accept", ["spf.record log", "dmarc.record log"]),
        ("two.example", 0, "accept", ["spf.record log", "dmarc.record log"]),
        ("near.example", 0, "accept", ["dmarc.record log"]),
        ("slow.example", 2, "accept", ["envelope.sender-domain reject", "from.resolves reject",
                                       "spf.record log", "dmarc.record log"]),
        ("b\u00fccher.example", 0, "accept", ["dmarc.record log"]),
        ("GOOD.example.", 0, "accept", []),
        ("example", 1, "reject", ["from.domain reject"]),
        ("a_b.example", 1, "reject", ["from.domain reject"]),
    ]
    for domain, status, verdict, findings in rows:
        got_status, got = report(domain)
        check(domain, (got_status, got["verdict"], named(got)), (status, verdict, findings))
        for finding in got["findings"]:
            check(domain + ": there is no field", (finding["field"], finding["offset"]),
                  (None, None))
        check(domain + ": A-form", got["domain"].isascii(), True)


def test_existence():
    """(domain, existence, null_mx, soa, a, aaaa)"""
    for domain, *wanted in (("null.example", "null-mx", True, False, False, False),
                            ("gone.example", "nxdomain", False, False, False, False),
                            ("empty.example", "no-mail", False, False, False, False),
                            ("address.example", "mail", False, False, False, True),
                            ("slow.example", "unknown", None, None, None, None)):
        _, got = report(domain)
        check(domain, [got[k] for k in ("existence", "null_mx", "soa", "a", "aaaa")], wanted)
    check("unknown MX", got["mx"], None)
    _, got = report("alias.example")
    check("exchanges", [(x["exchange"].split(".")[0], x["resolves"], x["alias"])
                        for x in got["mx"]],
          [("alias2", True, True), ("gone", False, False), ("slow", None, False)])


def test_many_exchanges():
    lines = ["many.example. MX %d mx%d.many.example." % (n, n) for n in range(60)]
    lines += ["mx%d.many.example. A 192.0.2.1" % n for n in range(60)]
    _, got = report("many.example", zone="\n".join(lines) + "\n")
    check("looked up", [x["resolves"] for x in got["mx"]], [True] * 20 + [None] * 40)
    _, text = run("many.example", zone="\n".join(lines) + "\n")
    check("shown", text.count("mx"), 20)
    check("and more", "and 40 more" in text, True)


# ---- SPF, DMARC ---------------------------------------------------------------------------


def test_egress():
    status, got = report("good.example", "--egress", "203.0.113.9")
    check("the term to add", (status, got["findings"][0]["fix"]),
          (0, "add ip4:203.0.113.9 to the SPF record of good.example: \"v=spf1 ip4:203.0.113.9 "
           "ip4:192.0.2.0/28 include:_spf.good.example -all\""))
    conf = 'egress = { "203.0.113.9" }\ncheck "spf.egress" { action = reject }\n'
    status, got = report("good.example", conf=conf)
    check("as configured", (status, got["verdict"]), (1, "reject"))
    status, got = report("good.example", "--egress", "192.0.2.1", conf=conf)
    check("--egress wins", (status, got["verdict"]), (0, "accept"))
    conf += 'domain "good.example" { egress = { "192.0.2.2" } }\n'
    _, (one, other) = run("--json", "good.example", "two.example", conf=conf)
    check("of the domain", [one["spf"][0]["ip"], other["spf"][0]["ip"]],
          ["192.0.2.2", "203.0.113.9"])


def test_dmarc():
    _, got = report("diff.example")
    check("np, pct, t", [[got["dmarc"][s][k] for k in ("np", "pct", "testing")]
                         for s in ("rfc7489", "rfc9989")],
          [["reject", 40, False], ["none", 100, True]])
    _, text = run("diff.example")
    check("in words: np", "for names not there differs: reject under RFC 7489, which does not "
          "know np=; none under RFC 9989" in text, True)
    check("in words: pct and t", "applied differs: to a part under RFC 7489, with pct=, without "
          "t=; a test under RFC 9989" in text, True)
    _, text = run("a.sub.diff.example")
    check("another record", "record at differs: diff.example under" in text, True)
    check("what follows from that", "for its subdomains differs" in text, False)
    _, got = report("near.example")
    check("what means to be a record", got["dmarc"]["rfc9989"]["near_miss"], "v=DMARC1; p=rejct")
    lines = run("near.example")[1].split("\n")
    at = next((i for i, line in enumerate(lines) if "p=rejct" in line), -2)
    check("the caret", lines[at + 1], " " * lines[at].index("rejct") + "^~~~~")


# ---- DKIM ---------------------------------------------------------------------------------


def test_selectors():
    """(selector, status, type, bits, testing, exact_domain)"""
    rows = [("rsa", "good", "rsa", 2048, False, False),
            ("short", "good", "rsa", 1024, False, False),
            ("weak", "weak", "rsa", 768, False, False),
            ("ed", "good", "ed25519", 256, True, True),
            ("old", "revoked", "rsa", None, False, False),
            ("two", "several", None, None, False, False),
            ("none", "absent", None, None, False, False),
            ("slow", "unknown", None, None, False, False)]
    words = [word for row in rows for word in ("--selector", row[0])]
    status, got = report("good.example", *words)
    check("keys", [(k["selector"], k["status"], k["type"], k["bits"], k["testing"],
                    k["exact_domain"]) for k in got["dkim"]], rows)
    check("status", status, 0)
    check("findings", named(got), ["dkim.key log"] * 7)
    check("name", got["dkim"][0]["name"], "rsa._domainkey.good.example")
    check("of ed", [got["dkim"][3][k] for k in ("hashes", "services", "reason", "origin")],
          ["sha256", "email", None, "selector"])
    check("a good key alone", report("good.example", "--selector", "RSA")[1]["findings"], [])
    own = 'own_domains = { "good.example" }\n'
    for selector, wanted in (("none", 1), ("old", 1), ("two", 1), ("weak", 1), ("slow", 2),
                             ("short", 0), ("rsa", 0)):
        got_status, _ = report("good.example", "--selector", selector, conf=own)
        check("own domain, " + selector, got_status, wanted)
    got_status, _ = report("good.example", "--selector", "none", "--selector", "rsa", conf=own)
    check("own domain, a good key beside it", got_status, 0)
    fix = report("good.example", "--selector", "none")[1]["findings"][0]["fix"]
    check("fix", fix.startswith("publish the public key of this selector at "
                                "none._domainkey.good.example: TXT "), True)


def test_guess():
    _, got = report("good.example", "--guess")
    check("found", [(k["selector"], k["status"], k["origin"]) for k in got["dkim"]],
          [("selector1", "good", "guess")])
    _, got = report("good.example", "--guess", "--selector", "selector1")
    check("once", [(k["selector"], k["origin"]) for k in got["dkim"]], [("selector1", "selector")])
    guessed = 'k1._domainkey.good.example. TXT "v=DKIM1; p="\n' + ZONE
    _, got = report("good.example", "--guess", "--selector", "rsa", zone=guessed,
                    conf='own_domains = { "good.example" }\n')
    check("a guess is no finding", ([k["status"] for k in got["dkim"]], got["findings"]),
          (["good", "revoked", "good"], []))
    silent = ZONE + "".join(";; TIMEOUT k%d._domainkey.two.example\n" % n for n in (1, 2, 3))
    check("not told", "3 of the usual names could not be looked up" in
          run("two.example", "--guess", zone=silent)[1], True)
    check("in words", "no key under the usual names" in run("two.example", "--guess")[1], True)


# ---- the signer's tables --------------------------------------------------------------------


class Signer:
    """A configuration of Presend that names one of OpenDKIM, with tables and keys."""

    def __init__(self, folder, signing, keys, more=""):
        self.folder = folder
        path = folder.temporary.name
        os.chmod(folder.file("2048.pem", PRIVATE2048), 0o600)
        os.chmod(folder.file("1024.pem", PRIVATE1024), 0o600)
        os.chmod(folder.file("bad.pem", "no key\n"), 0o600)
        folder.file("signing", signing)
        folder.file("keys", keys.replace("@", path + "/"))
        folder.file("opendkim.conf", "KeyTable %s/keys\nSigningTable refile:%s/signing\n"
                    "RequireSafeKeys no\n" % (path, path))
        self.conf = folder.file("conf", 'own_domains = { "*.example" }\nsigner = "opendkim:%s'
                                '/opendkim.conf"\n%s' % (path, more))
        self.zone = folder.file("zone", ZONE)

    def run(self, *words):
        got = presend("domain", "--offline", "--records", self.zone, "-c", self.conf, *words)
        if "--json" not in words:
            return got.returncode, got.stdout
        return got.returncode, [json.loads(line) for line in got.stdout.splitlines()]

    def report(self, *words):
        status, objects = self.run("--json", *words)
        return status, objects[0]


def test_signer():
    """(selector in the table, its key, exit status, private key, signatures, findings)"""
    rows = [
        ("rsa", "@2048.pem", 0, "fits", ["pass"], []),
        ("rsa", "@1024.pem", 1, "differs", ["bad-key"], ["dkim.signed reject", "dkim.key reject"]),
        ("rsa", "@bad.pem", 1, "cannot-sign", [], ["dkim.signed reject"]),
        ("short", "@1024.pem", 0, "fits", ["pass"], ["dkim.key log"]),
        ("old", "@2048.pem", 1, "revoked", ["bad-key"], ["dkim.signed reject", "dkim.key reject"]),
        ("none", "@2048.pem", 1, None, ["no-key"], ["dkim.signed reject", "dkim.key reject"]),
        ("slow", "@2048.pem", 2, None, ["unknown"], ["dkim.signed reject", "dkim.key reject"]),
    ]
    for selector, key, wanted, fit, signatures, findings in rows:
        with Folder() as folder:
            signer = Signer(folder, "*@good.example k\n", "k good.example:%s:%s\n"
                            % (selector, key))
            label = "%s with %s" % (selector, key)
            status, got = signer.report("good.example")
            check(label, (status, [k["private_key"] for k in got["dkim"]], named(got)),
                  (wanted, [fit], findings))
            check(label + ": key", [(k["domain"], k["selector"], k["origin"])
                                    for k in got["dkim"]],
                  [("good.example", selector, "signer")])
            check(label + ": signer", [got["signer"][k] for k in ("answer", "more")],
                  ["signs" if signatures else "defers", False])
            check(label + ": signatures", [s["result"] for s in got["signer"]["signatures"]],
                  signatures)
            check(label + ": reason", got["signer"]["reason"] is None, bool(signatures))


def test_signer_does_not_sign():
    with Folder() as folder:
        signer = Signer(folder, "*@good.example k\n", "k good.example:rsa:@2048.pem\n")
        status, got = signer.report("two.example")
        check("not in the table", (status, got["signer"]["answer"], got["dkim"],
                                   "dkim.signed reject" in named(got)), (1, "signs-not", [], True))
        text = signer.run("two.example")[1]
        check("in words", "  OpenDKIM does not sign mail of postmaster@two.example: " in text, True)
        text = signer.run("good.example")[1]
        check("signs", "  OpenDKIM signs mail of postmaster@good.example\n" in text, True)
        check("fits", "rsa 2048 bits     good, the private key fits\n" in text, True)
        text = signer.run("good.example", "--only", "from.*")[1]
        check("--only", text.split("\n")[0], "good.example: accept")
        status, got = signer.report("good.example", "--selector", "rsa", "--selector", "old",
                                    "--selector", "ed", "--guess")
        folder.file("signing", "*@two.example k\n")
        code, other = signer.report("good.example")
        check("a key for nobody", (code, other["signer"]["answer"],
                                   other["dkim"][0]["private_key"], named(other)),
              (1, "signs-not", "fits", ["dkim.signed reject"]))
        check("named beside it", (status, [(k["selector"], k["origin"], k["private_key"])
                                           for k in got["dkim"]], named(got)),
              (0, [("rsa", "selector", "fits"), ("old", "selector", None),
                   ("ed", "selector", None), ("selector1", "guess", None)],
               ["dkim.key log", "dkim.key log"]))
        status, got = signer.report("good.example", "--selector", "rsa", "--selector", "slow")
        check("a named key leaves nothing open",
              (status, [(f["check"], f["result"]) for f in got["findings"]]),
              (1, [("dkim.signed", "fail"), ("dkim.key", "unknown")]))
        status, got = signer.report("two.example", "--selector", "rsa")
        check("a named key is no signature", "dkim.signed reject" in named(got), True)


def test_signer_alignment():
    """d= of another domain: of the same organization, and not."""
    strict = 'sub.good.example. A 192.0.2.1\n_dmarc.sub.good.example. TXT ' \
        '"v=DMARC1; p=reject; adkim=s"\n'
    with Folder() as folder:
        signer = Signer(folder, "*@sub.good.example k\n*@two.example k\n",
                        "k good.example:rsa:@2048.pem\n")
        signer.zone = folder.file("zone", ZONE + "sub.good.example. A 192.0.2.1\n")
        check("relaxed", named(signer.report("sub.good.example")[1]), [])
        check("shown", " rsa of good.example " in signer.run("sub.good.example")[1], True)
        signer.zone = folder.file("zone", ZONE + strict)
        check("strict", named(signer.report("sub.good.example")[1]), ["dkim.signed reject"])
        check("foreign", "dkim.signed reject" in named(signer.report("two.example")[1]), True)


def test_signer_in_doubt():
    with Folder() as folder:
        signer = Signer(folder, "*@good.example k\n", "k good.example:rsa:@2048.pem\n")
        os.unlink(os.path.join(folder.temporary.name, "2048.pem"))
        status, got = signer.report("good.example")
        check("no private key", (status, got["signer"]["answer"], named(got)),
              (1, "defers", ["dkim.signed reject", "dkim.key reject"]))
        check("it is a fault here", [f["result"] for f in got["findings"]], ["fail", "unknown"])
        check("and why", "it puts the mail off: " in got["findings"][0]["reason"], True)
        check("in words", "  OpenDKIM puts off mail of postmaster@good.example: " in
              signer.run("good.example")[1], True)
        os.unlink(os.path.join(folder.temporary.name, "keys"))
        os.mkdir(os.path.join(folder.temporary.name, "keys"))
        status, got = signer.report("good.example")
        check("no table", (status, got["signer"]["answer"], [f["result"] for f in got["findings"]]),
              (2, "unknown", ["unknown"]))
        check("and no domain", signer.run(), (78, ""))
        os.unlink(os.path.join(folder.temporary.name, "opendkim.conf"))
        check("bad configuration", signer.run("good.example"), (78, ""))


def test_signer_for_others():
    """Keys that postmaster's mail is not signed with: their faults are told, and they sign nothing."""
    with Folder() as folder:
        signer = Signer(folder, "*@good.example k\n", "k good.example:rsa:@2048.pem\n"
                        "b good.example:short:@2048.pem\nc good.example:selector1:@bad.pem\n"
                        "d good.example:none:@2048.pem\n")
        status, got = signer.report("good.example")
        check("beside a good one", (status, named(got)), (0, ["dkim.key log"] * 4))
        check("fixes", [f["fix"].split(" ")[0] for f in got["findings"]],
              ["publish", "make", "mend", "publish"])
        check("they are not to come", [s["selector"] for s in got["signer"]["signatures"]], ["rsa"])
        check("their keys", [(k["selector"], k["private_key"]) for k in got["dkim"]],
              [("rsa", "fits"), ("short", "differs"), ("selector1", "cannot-sign"),
               ("none", None)])
        signer = Signer(folder, "*@good.example k\n", "k good.example:none:@2048.pem\n"
                        "b good.example:rsa:@2048.pem\n")
        status, got = signer.report("good.example")
        check("no good one", (status, named(got)), (1, ["dkim.signed reject", "dkim.key reject"]))


def test_all_domains():
    """Without an operand: every domain of the tables, once."""
    with Folder() as folder:
        signer = Signer(folder, "*@good.example a\n*@two.example b\n",
                        "a good.example:rsa:@2048.pem\nb two.example:rsa:@2048.pem\n"
                        "c Good.example:selector1:@2048.pem\nd %:x:@2048.pem\n")
        status, objects = signer.run("--json")
        check("each", (status, [o["domain"] for o in objects]),
              (1, ["good.example", "two.example"]))
        check("all its keys", [(k["selector"], k["private_key"]) for k in objects[0]["dkim"]],
              [("rsa", "fits"), ("selector1", "fits")])
        check("one that is given", [o["domain"] for o in signer.run("--json", "null.example")[1]],
              ["null.example"])


def test_many_keys_of_the_signer():
    with Folder() as folder:
        signer = Signer(folder, "*@good.example k0\n", "".join(
            "k%d good.example:s%d:@2048.pem\n" % (n, n) for n in range(150)))
        _, got = signer.report("good.example")
        check("ceiling", (len(got["dkim"]), got["signer"]["more"]), (100, True))


# ---- for people ---------------------------------------------------------------------------


def test_readable():
    status, text = run("good.example", "--egress", "192.0.2.1", "--selector", "rsa")
    check("status", status, 0)
    for line in ("good.example: accept\n",
                 "  MX       10 mx1.good.example           has an address\n"
                 "           20 mx2.good.example           has an address\n",
                 "  DNS      SOA yes, A no, AAAA no, not proved by DNSSEC\n",
                 "  SPF      v=spf1 ip4:192.0.2.0/28 include:_spf.good.example -all\n"
                 "           lookups 2 of 10, void ones 1 of 2, on the longest way through it\n",
                 "pass       aligned, by \"ip4:192.0.2.0/28\"\n",
                 "  DKIM     rsa                           rsa 2048 bits     good\n",
                 "  DMARC                  RFC 7489      RFC 9989\n",
                 "  policy                 reject        reject\n",
                 "  record: v=DMARC1; p=reject; rua=mailto:d@good.example\n"):
        check("line %r" % line, line in text, True)
    check("no difference", "differs" in text, False)
    _, text = run("gone.example")
    check("said once", text.count("the domain does not exist"), 1)
    check("of both", "envelope.sender-domain, from.resolves: reject: " in text, True)
    _, text = run("address.example")
    lines = text.split("\n")
    at = next((i for i, line in enumerate(lines) if line.startswith("  SPF      v=")), -2)
    check("the term at fault", lines[at + 1], " " * lines[at].index("ip4:") + "^" + "~" * 14)


def test_several():
    status, objects = run("--json", "good.example", "slow.example", "gone.example")
    check("several", (status, [o["domain"] for o in objects]),
          (1, ["good.example", "slow.example", "gone.example"]))
    check("the worst", run("good.example", "slow.example")[0], 2)
    _, text = run("good.example", "slow.example", "gone.example")
    check("sum", text.splitlines()[-1],
          "3 domains: 2 accept, 1 reject (1 with a question left open)")


def test_selection():
    check("--only", named(report("gone.example", "--only", "from.*")[1]), ["from.resolves reject"])
    check("--skip", named(report("gone.example", "--skip", "dmarc.*,from.*")[1]),
          ["envelope.sender-domain reject"])
    check("no message", named(report("two.example", "--only", "dkim.*,dmarc.alignment")[1]), [])
    _, got = report("good.example", "--verbose", "--egress", "192.0.2.1")
    check("--verbose", ["%s %s" % (f["check"], f["result"]) for f in got["findings"]],
          ["envelope.sender-domain pass", "from.domain pass", "from.resolves pass",
           "spf.egress pass", "spf.record pass", "dmarc.record pass"])
    off = 'check "from.resolves" { action = off }\n'
    check("the configuration", named(report("null.example", conf=off)[1]),
          ["envelope.sender-domain reject"])


# ---- hostile ------------------------------------------------------------------------------


def test_hostile():
    words = ("hostile.example", "--selector", "evil", "--selector", "evil2", "--egress",
             "192.0.2.1")
    _, text = run(*words)
    check("nothing escapes", [c for c in text if ord(c) < 32 and c != "\n" or "\x7f" <= c < "\xa0"
                              or "\udc00" <= c], [])
    check("escaped", "\\x1B[31m" in text or "\\x1b[31m" in text, True)
    _, got = report(*words)
    check("JSON", [k["status"] for k in got["dkim"]], ["malformed", "unusable"])


def test_large():
    """A report that is longer than an output line may be is valid all the same."""
    zone = "".join('s%d._domainkey.big.example. TXT %s\n'
                   % (n, " ".join(['"%s"' % ("\\027" * 250)] * 100)) for n in range(60))
    words = [word for n in range(60) for word in ("--selector", "s%d" % n)]
    _, got = report("big.example", *words, zone=zone)
    check("truncated", (got.get("truncated"), len(got["dkim"])), (True, 60))


# ---- the command line, a dead DNS ---------------------------------------------------------


def test_usage():
    rows = [
        [], ["--json"], [""], ["ann@example.com"], ["a..b"], ["[192.0.2.1]"], ["a(b).example"],
        ["good.example", "a b.example"], ["x" * 64 + ".example"], [".".join(["x" * 49] * 5 + ["abcd"])],
        ["good.example", "--selector"],
        ["good.example", "--selector", "a b"], ["good.example", "--selector", "a..b"],
        ["good.example", "--selector", ""], ["good.example", "--egress", "nowhere"],
        ["good.example", "--rcpt", "a@example.com"], ["good.example", "--only", "no.such"],
        ["good.example"] + ["--selector", "s"] * 101,
    ]
    for words in rows:
        got = presend("domain", "--offline", *words)
        check("%s" % words[:4], (got.returncode, got.stdout), (64, ""))
        check("%s: says why" % words[:4], got.stderr != "", True)
    got = presend("domain", "--help")
    check("--help", (got.returncode, "--selector" in got.stdout), (0, True))
    with Folder() as folder:
        bad = folder.file("bad", "good.example. A x\n")
        check("bad records", presend("domain", "--offline", "--records", bad, "a.example")
              .returncode, 66)
        conf = folder.file("c.conf", "nonsense = 1\n")
        check("bad configuration", presend("domain", "-c", conf, "a.example").returncode, 78)
        with open("/dev/full", "w", encoding="ascii") as full:
            got = subprocess.run([PRESEND, "domain", "--offline", "a.example"], stdout=full,
                                 stderr=subprocess.DEVNULL, timeout=60, check=False)
        check("full", got.returncode, 74)


def test_offline():
    got = presend("domain", "--offline", "--json", "a.example")
    check("nothing can be told", (got.returncode, json.loads(got.stdout)["existence"]),
          (2, "unknown"))


def test_silent_name_server():
    """All questions of a domain wait together: one deadline, not one each."""
    with Folder() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        conf = folder.file("c.conf", 'resolver = { "127.0.0.1@%d" }\ndeadline = 0.6\n'
                           % silent.getsockname()[1])
        begin = time.monotonic()
        got = presend("domain", "-c", conf, "--guess", "--selector", "s", "--egress", "192.0.2.1",
                      "--json", "a.example")
        waited = time.monotonic() - begin
        begin = time.monotonic()  # the control: the same without a question
        presend("domain", "-c", conf, "--offline", "--guess", "--selector", "s", "--egress",
                "192.0.2.1", "--json", "a.example")
        control = time.monotonic() - begin
        check("status", got.returncode, 2)
        check("verdict", json.loads(got.stdout)["verdict"], "accept")
        check("waited %.2f s, offline %.2f" % (waited, control), 0.5 < waited < 3 + 4 * control,
              True)


def test_name_server():
    """The same report, with answers that come later."""
    if facts.NSD is None:
        skipped.append("nsd is not installed")
        return
    root = "$TTL 300\n. IN SOA ns.x. h.x. 1 3600 600 86400 60\n. IN NS ns.x.\nns.x. A 127.0.0.1\n"
    words = ("--egress", "192.0.2.1,203.0.113.9", "--selector", "rsa", "--selector", "none",
             "--guess", "--json", "good.example", "null.example", "alias.example", "diff.example")
    zone = "".join(line + "\n" for line in (GOOD + OTHERS).splitlines()
                   if not line.startswith(";;") and not re.search("hostile| SOA ", line))
    with facts.Folder() as folder, facts.NameServer(folder, root + zone) as server:
        conf = folder.file("c.conf", 'resolver = { "127.0.0.1@%d" }\n' % server.port)
        got = presend("domain", "-c", conf, *words)
        check("status", got.returncode, 1)
        wanted = presend("domain", "--offline", "--records", folder.file("zone", zone), *words)
        for one, other in zip(got.stdout.splitlines(), wanted.stdout.splitlines(), strict=True):
            one, other = json.loads(one), json.loads(other)
            for key in other:
                check("%s: %s" % (other["domain"], key), one.get(key), other[key])


def main():
    tests = {name: f for name, f in globals().items() if name.startswith("test_")}
    for name in sys.argv[1:] or tests:
        tests[name]()
    if skipped:
        print("skipped: " + ", ".join(skipped))
    print("%d passed, %d failed" % (passed, len(failures)))
    if skipped and not failures:
        return 1 if os.environ.get("CI") == "true" else 77
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
