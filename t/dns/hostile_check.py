#!/usr/bin/python3
"""hostile_check.py - whole messages before the name server that lies, and hostile signatures.

Each message goes through `presend check --json` and, over a socket, through
presend-milter in enforce mode.  What could not be told refuses nothing, whatever
the lie; no hostile signature passes; the record is valid and clean, and the
deadline holds.  Arguments: parts of labels, whose rows alone are run.

$PRESEND is the command, default presend in $builddir; the milter as in mta.py.
"""

import base64
import concurrent.futures
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "socket"))

import hostile  # pylint: disable=wrong-import-position
import mta  # pylint: disable=wrong-import-position
from hostile import (COMES_TO, EMPTY, ENVIRONMENT, ESCAPES, OTHER, PRESEND, SLACK, TRUE, UNTOLD,
                     ZONE, is_clean, put)  # pylint: disable=wrong-import-position
from liar import LIES, Liar, a, mx, txt  # pylint: disable=wrong-import-position

DEADLINE, LONG_DEADLINE = 1.0, 5.0
MILTER_DEADLINE = 2.0
AT_ONCE = 16
FIELD_MOST = 59000  # octets of a field that an MTA hands to a milter

# A public key of 2048 bits; nobody here has the private one, so no signature can pass.
KEY = ("MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAphGTmZMPkPDsTDHcxwCDaB1+1T7f5Q69WXvGLyX7"
       "gngIYKoqx5AO9+9WQkRkJA6UL65fGQqLkDnNdSro7zR4kaa4uoHkvtk/GCYGM8T1TFAnrRmEaim3Yf55D4xq"
       "7lWRfNNbLqXwBWdiA+dAeseHApJQNLQTAY6Os6ucs/sW1B2HKOyE7Tom5Uj4EH4iWxO//dF+KjBHAsVyDbWr"
       "b2kCuP9IA3uS9uTa0Mi7PLZMdaAnV9TcIc+rTtT+X8S8oYiHeuvhOZwbFA1qjuZ4c1ruSUEWo2xbVdbpJKGR"
       "HgoAi2+h+DOtxzuVhH5i7lsoWWrnl8aS4FINklPq5XHaflLTNwIDAQAB")
BODY = b"Hello.\r\n"
BODY_HASH = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
SIGNED = base64.b64encode(b"\x5a" * 256).decode()

# label, author and sender domain, header fields in front of the others, what its record may say
ROWS = []


def tags(**changes):
    """A well-formed signature of signed.test with other tags; None leaves one out."""
    values = {"v": "1", "a": "rsa-sha256", "c": "relaxed/relaxed", "d": "signed.test", "s": "s",
              "h": "from:subject", "bh": BODY_HASH, "b": SIGNED, **changes}
    return "; ".join("%s=%s" % item for item in values.items() if item[1] is not None)


def row(label, domain, fields, dkim, never=("reject", "quarantine"), dmarc=None):
    """never: verdicts that would be wrong.  dkim, dmarc: the results that are right."""
    ROWS.append((label, domain, fields, dkim, never, dmarc))


def lies():
    """All facts of a message behind one lie: existence, key, SPF, DMARC."""
    for lie in LIES:
        name = lie + ".test"
        put(name, txt("v=spf1 ip4:192.0.2.1 -all"), a("192.0.2.1"), mx(10, name))
        put("_dmarc." + name, txt("v=DMARC1; p=reject"))
        put("s._domainkey." + name, txt("v=DKIM1; p=" + KEY))
        good = COMES_TO.get(lie, UNTOLD)
        signature = [("DKIM-Signature", tags(d=name))]
        if good == TRUE:
            row(lie, name, signature, {"fail"}, never=("accept", "tempfail"), dmarc={"fail"})
        elif good == EMPTY:
            # an answer without records says that there is no key (RFC 6376 6.1.2): a permerror,
            # for which `dkim.key` may refuse
            row(lie, name, signature, {"permerror", "temperror"}, never=(),
                dmarc={"none", "temperror"})
        else:
            row(lie, name, signature, {"temperror"}, dmarc={"temperror"})
        # the author is good, the key is behind the lie
        if good == UNTOLD:
            put("behind-%s" % name, a("192.0.2.1"), txt("v=spf1 ip4:%s -all" % OTHER))
            put("_dmarc.behind-" + name, txt("v=DMARC1; p=reject; adkim=r"))
            hostile.LIES_OF_NAMES["_domainkey.behind-" + name] = LIES[lie]
            row("key behind " + lie, "behind-" + name,
                [("DKIM-Signature", tags(d="behind-" + name))], {"temperror"},
                dmarc={"temperror"})


def domain_lies():
    """Null MX is a word about all of the MX records (RFC 7505 3): one unread is none."""
    put("nearly-null.test", mx(0, b""), mx(1, (b"." * 63,) * 3 + (b"test",)))
    hostile.LIES_OF_NAMES["_domainkey.nearly-null.test"] = LIES["servfail"]
    row("a null MX beside one that cannot be read", "nearly-null.test",
        [("DKIM-Signature", tags(d="nearly-null.test"))], {"temperror"})


def keys():
    rows = {
        # what is long may be beside the key, or be it: the library takes so much and no more
        "64 KB of notes": ("v=DKIM1; n=%s; p=%s" % ("x" * 60000, KEY), {"fail", "temperror"}),
        "1025 octets": (("v=DKIM1; p=%s; n=" % KEY).ljust(1025, "x"), {"fail", "temperror"}),
        "64 KB of p": ("v=DKIM1; p=" + KEY * 150, {"temperror"}),
        "thousands of tags": ("v=DKIM1; p=%s; %s" % (KEY, " ".join("x%d=;" % n for n in range(
            5000))), {"permerror", "temperror"}),
        "cut base64": ("v=DKIM1; p=" + KEY[:101], {"permerror"}),
        "no base64": ("v=DKIM1; p=!!!!", {"permerror"}),
        "binary": (b"v=DKIM1; p=" + bytes(range(256)), {"permerror"}),
        "escapes": (b"v=DKIM1; p=" + b"".join(ESCAPES[:2]), {"permerror"}),
        "empty": ("", {"permerror"}),
        "revoked": ("v=DKIM1; p=", {"permerror"}),
        "no p": ("v=DKIM1; k=rsa", {"permerror"}),
        "another type": ("v=DKIM1; k=foo; p=" + KEY, {"permerror"}),
        # RFC 8463 3: not the type of the signature; it verifies neither way
        "ed25519 that is RSA": ("v=DKIM1; k=ed25519; p=" + KEY, {"permerror", "fail"}),
        "another version": ("v=DKIM2; p=" + KEY, {"permerror"}),
        "another hash": ("v=DKIM1; h=sha1; p=" + KEY, {"permerror"}),
        "another service": ("v=DKIM1; s=other; p=" + KEY, {"permerror"}),
    }
    for n, (label, (text, dkim)) in enumerate(rows.items()):
        put("k%d._domainkey.signed.test" % n, txt(text))
        # a key that cannot be used is the domain's fault, and may refuse; one unread may not
        row("key: " + label, "signed.test", [("DKIM-Signature", tags(s="k%d" % n))], dkim,
            never=("reject",) if dkim == {"temperror"} else ())
    put("several._domainkey.signed.test", *[txt("v=DKIM1; p=" + KEY)] * 2,
        txt("v=DKIM1; p=" + KEY[:-8]))
    row("key: several", "signed.test", [("DKIM-Signature", tags(s="several"))], {"permerror"},
        never=())
    # a record whose strings cannot be read may be the one that receivers take
    put("unread._domainkey.signed.test", txt("v=DKIM1; p=" + KEY), (16, b"\x40v=DKIM1"))
    row("key: beside a record that cannot be read", "signed.test",
        [("DKIM-Signature", tags(s="unread"))], {"temperror"})


def signatures():
    put("signed.test", a("192.0.2.1"), txt("v=spf1 ip4:%s -all" % OTHER))
    put("s._domainkey.signed.test", txt("v=DKIM1; p=" + KEY))
    bad, other = {"neutral"}, {"neutral", "fail", "policy", "permerror"}
    rows = {
        "plain": (tags(), other),
        "h of every name twice": (tags(h="from:to:subject:dkim-signature:" * 2 + "x"),
                                  other | {"temperror"}),
        "h of colons": (tags(h="from" + ":" * 1000), other),
        "h of 10,000 names": (tags(h="from" + ":a" * 10000), {"temperror"}),
        "h of From a thousand times": (tags(h=":".join(["from"] * 800)), other),
        "h without From": (tags(h="subject"), bad),
        "h empty": (tags(h=""), bad),
        "h of one name of 3900 octets": (tags(h="from:" + "x" * 3900), other),
        "a tag of 50 KB": (tags(x1="y" * 50000), other),
        "a tag of 100 KB": (tags(x1="y" * 100000), {"temperror", "neutral"}),
        "60 tags more": (tags(**{"x%d" % n: "y" for n in range(60)}), bad),
        "b of 50 KB": (tags(b="A" * 50000), other),
        "l smaller": (tags(l=1), other), "l nought": (tags(l=0), other),
        "l larger": (tags(l=999999), other), "l of 2^64-1": (tags(l=2 ** 64 - 1), other),
        "l of 2^64": (tags(l=2 ** 64), bad), "l below nought": (tags(l=-1), bad),
        "l of 76 digits": (tags(l="9" * 76), bad), "l no number": (tags(l="0x10"), bad),
        "b cut": (tags(b=SIGNED[:101]), other), "b of one octet": (tags(b="A"), other),
        "b no base64": (tags(b="!" * 300), other), "b empty": (tags(b=""), bad),
        "bh cut": (tags(bh=BODY_HASH[:13]), other), "bh long": (tags(bh="A" * 5000), other),
        "bh no base64": (tags(bh="!?"), other), "bh empty": (tags(bh=""), bad),
        "x in the past": (tags(t=1000000000, x=1000000001), {"fail", "policy"}),
        "x before t": (tags(t=2000, x=1000), bad), "x of 2^64-1": (tags(x=2 ** 64 - 1), other),
        "x of 2^63": (tags(x=2 ** 63), other),
        "t in the future": (tags(t=99999999999), {"fail", "policy"}),
        "t of 2^64-1": (tags(t=2 ** 64 - 1), other), "t empty": (tags(t=""), bad),
        "d with a blank": (tags(d="sig ned.test"), None), "d of dots": (tags(d="..."), bad),
        "d with an octet of 8 bits": (tags(d="sign\u00e9d.test"), bad),
        "d with a slash": (tags(d="signed.test/x"), bad), "d with NUL": (tags(d="s\0.test"), None),
        "d of 300 octets": (tags(d=".".join(["x" * 60] * 5)), bad),
        "d literal": (tags(d="[192.0.2.1]"), bad), "d of one label": (tags(d="test"), other),
        "d escape": (tags(d="\x1b[31m.test"), bad),
        "s of 300 octets": (tags(s=".".join(["x" * 60] * 5)), other | {"temperror"}),
        "s escape": (tags(s="\x1b]0;x\x07"), bad), "s of a dot": (tags(s="."), bad),
        "i elsewhere": (tags(i="@other.test"), bad), "i no address": (tags(i="x"), bad),
        "i escape": (tags(i="\x1b[2J@signed.test"), bad),
        "i above": (tags(i="@test"), bad),
        "c unknown": (tags(c="strict/strict"), bad), "c of slashes": (tags(c="////"), bad),
        "a unknown": (tags(a="rsa-md5"), bad), "a none": (tags(a="none"), bad),
        "a of SHA-1": (tags(a="rsa-sha1"), other), "a ed25519": (tags(a="ed25519-sha256"), other),
        "q unknown": (tags(q="http/txt"), other), "v 2": (tags(v="2"), bad),
        "no equals sign": ("v=1; a", bad), "empty": ("", bad), "of semicolons": (";" * 5000, bad),
        "of NULs": ("\0" * 100, None), "of folds": ("\r\n\t".join(tags().split(" ")), other),
        "forged line": (tags(i='"}\\r\\n{"v":1') + "\r\n {\"verdict\":\"accept\"}", bad),
    }
    # names of all fields of the header and one more: past the end of the library's array, which
    # shows or not by its size.  Such a signature names itself, which RFC 6376 3.5 forbids.
    for n in range(8):
        extra = [("X-%d" % i, "x") for i in range(n)]
        names = ["dkim-signature", "from", "to", "subject"] + [name for name, _ in extra] + ["x"]
        row("signature: h of %d names and one more" % (n + 4), "signed.test",
            [("DKIM-Signature", tags(h=":".join(names)))] + extra, other | {"temperror"},
            never=())
    for tag in ("v", "a", "b", "bh", "d", "h", "s"):
        rows["without " + tag] = (tags(**{tag: None}), bad)
        rows["%s twice" % tag] = (tags() + "; %s=x" % tag, bad)
    for label, (signature, dkim) in rows.items():
        row("signature: " + label, "signed.test", [("DKIM-Signature", signature)],
            dkim, never=())
    row("200 signatures", "signed.test", [("DKIM-Signature", tags())] * 200, other, never=())
    row("200 signatures of 200 keys", "signed.test",
        [("DKIM-Signature", tags(s="s%d" % n)) for n in range(200)], other, never=())
    row("200 signatures behind silence", "signed.test",
        [("DKIM-Signature", tags(d="silence.test", s="s%d" % n)) for n in range(200)],
        {"temperror", "neutral"}, never=())


# ---- a message, both ways ---------------------------------------------------------------------


def fields_of(row_):
    return [*row_[2], ("From", "Ann <ann@%s>" % row_[1]), ("To", "bob@example.net"),
            ("Subject", "hello")]


def conf_of(port, deadline):
    return ('resolver = { "127.0.0.1@%d" }\ndeadline = %.1f\negress = { "192.0.2.9" }\n'
            'own_domains = { "*.test" }\n' % (port, deadline))


def judge_record(row_, record):
    """What is wrong with a record."""
    label, _, _, dkim, never, dmarc = row_
    faults = []
    results = [s["result"] for s in record.get("dkim", [])]
    if "pass" in results:
        faults.append("a signature passes")
    if dkim is not None and (not set(results) <= dkim or (dkim and not results)):
        faults.append("DKIM %s, wanted %s" % (results[:5], sorted(dkim)))
    if record["verdict"] in never:
        faults.append("verdict %s: %s" % (record["verdict"], [
            (f["check"], f["result"], f["action"], f["reason"]) for f in record["findings"]]))
    if record["verdict"] == "reject" and not any(
            f["result"] == "fail" and f["action"] == "reject" for f in record["findings"]):
        faults.append("an unknown refuses")
    told = {record["dmarc"][s]["result"] for s in record.get("dmarc", {})}
    if dmarc is not None and not told <= dmarc:
        faults.append("DMARC %s, wanted %s" % (sorted(told), sorted(dmarc)))
    if "pass" in told:
        faults.append("DMARC passes: " + label)
    return faults


def check(folder, row_, deadline):
    """`presend check --json` of a file: what is wrong."""
    path = os.path.join(folder, "%d.eml" % ROWS.index(row_))
    with open(path, "wb") as file:
        for name, body in fields_of(row_):
            file.write(b"%s: %s\r\n" % (name.encode(), body.encode()))
        file.write(b"\r\n" + BODY)
    begun = time.monotonic()
    process = subprocess.run(
        [PRESEND, "check", "--json", "-c", "%s/%.1f" % (folder, deadline), "--mail-from",
         "ann@" + row_[1], "--client", "127.0.0.1", path], stdin=subprocess.DEVNULL,
        capture_output=True, timeout=10 * SLACK, check=False, env=ENVIRONMENT)
    waited, faults = time.monotonic() - begun, []
    if hostile.is_late(waited, deadline):
        faults.append("took %.1f s" % waited)
    if process.stderr:
        faults.append("says " + repr(process.stderr[:1500]))
    try:
        text = process.stdout.decode()
        record = json.loads(text)
        if not is_clean(text) or text.count("\n") != 1:
            faults.append("output is not clean: %r" % text[:300])
        faults += judge_record(row_, record)
        status = {"accept": (0, 2), "tempfail": (2,)}.get(record["verdict"], (1,))
        if process.returncode not in status:
            faults.append("status %d for %s" % (process.returncode, record["verdict"]))
    except (ValueError, KeyError) as error:
        faults.append("record: %r: %r" % (error, process.stdout[:300]))
    return faults


def ask_milter(daemon, row_):
    """The milter's last word for the message, and what is wrong with it."""
    begun = time.monotonic()
    session = daemon.session()
    try:
        session.sock.settimeout(10 * SLACK)
        stage, reply = session.message("<ann@%s>" % row_[1], headers=[
            (name, body.replace("\r\n", "\n").split("\0")[0][:FIELD_MOST])
            for name, body in fields_of(row_)],
            queue_id="Q%d" % ROWS.index(row_))
    except (mta.Gone, OSError) as error:
        return ["milter: gone: %r" % error]
    finally:
        session.close()
    waited, faults = time.monotonic() - begun, []
    if hostile.is_late(waited, MILTER_DEADLINE):
        faults.append("milter: took %.1f s at %s" % (waited, stage))
    if "reject" in row_[4] and (reply.kind in ("r", "q") or str(reply.code or "")[:1] == "5"):
        faults.append("milter: refuses at %s: %r" % (stage, reply))
    return faults


def judge_log(daemon):
    """All lines of the daemon's log are its own."""
    faults = []
    for line in daemon.log().splitlines():
        if not is_clean(line) or not line.startswith(("{", "presend-milter")):
            faults.append("log: %r" % line[:300])
        elif line.startswith("{"):
            json.loads(line)
    return faults


def run_rows(rows, work):
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, rows))


def main():
    for add in (lies, domain_lies, keys, signatures):
        add()
    rows = [r for r in ROWS if hostile.wanted(r[0])]
    failed = 0
    with tempfile.TemporaryDirectory(prefix="presend-hostile.") as folder, \
            Liar(ZONE, hostile.LIES_OF_NAMES) as liar:
        for deadline in (DEADLINE, LONG_DEADLINE):
            with open("%s/%.1f" % (folder, deadline), "w", encoding="ascii") as file:
                file.write(conf_of(liar.port, deadline))
        found = run_rows(rows, lambda r: check(folder, r, DEADLINE))
        with mta.Daemon(conf_of(liar.port, MILTER_DEADLINE) + "mode = enforce\n") as daemon:
            by_milter = run_rows(rows, lambda r: ask_milter(daemon, r))
            failed += hostile.report("the log", judge_log(daemon))
            failed += hostile.report("the daemon", [] if daemon.stop() == 0 else ["its status"])
        for row_, faults, more in zip(rows, found, by_milter):
            if faults:  # the crowd's doing, or a fault?  alone it shows
                faults = hostile.by_itself(lambda row_=row_: check(folder, row_, LONG_DEADLINE))
            failed += hostile.report(row_[0], faults + more)
        failed += hostile.report("the name server", liar.faults)
    print("%d passed, %d failed" % (len(rows) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
