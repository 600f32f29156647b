#!/usr/bin/python3
"""hostile.py - `presend spf` and `presend dmarc` against a name server that lies.

The server is liar.py.  For each name: the programs come to a verdict within the
deadline; the verdict is right, never a pass that the facts do not give, and what
could not be told is temperror (exit status 2), not fail; what is printed is
clean UTF-8, and JSON with --json; nothing crashes.  And names that get no answer
do not take the answers of others away, in a process that goes on.  Arguments:
parts of labels, whose rows alone are run.

$PRESEND and $ASK are the programs, default presend and t/dns/ask in $builddir.
What sanitizers have to report is output that should not be there.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import unicodedata

from liar import (A, LIES, TO_QUESTION, Liar, Send, a, cname, mx, packet, ptr, record, txt)

ASK = os.environ.get("ASK") or os.path.join(os.environ.get("builddir", "."), "t/dns/ask")
PRESEND = os.environ.get("PRESEND") or os.path.join(os.environ.get("builddir", "."), "presend")
# Silence is waited for until the short deadline.  What answers has the long one, the longest
# there is: nothing that is right may depend on how fast the machine is.
DEADLINE, LONG_DEADLINE = 1.0, 8.0
SLACK = 5.0  # of a busy machine; what does not end has ten times that
CONTROLS = 8  # times a run that asks nobody, beside the slack
QUIET = 0.3  # seconds of such a run on a machine that is not busy
TRIES = 6  # of a row by itself, while the machine is busy
OURS, OTHER = "192.0.2.1", "203.0.113.7"
STATUS = {"pass": 0, "temperror": 2}  # of spf; any other result: 1
DMARC_STATUS = {"pass": 0, "none": 0, "fail": 1, "temperror": 2}
# Sanitizers: a status of their own, so that none is taken for a verdict.
ENVIRONMENT = {**os.environ, "ASAN_OPTIONS": "exitcode=99", "COLUMNS": "80",
               "UBSAN_OPTIONS": "halt_on_error=1:exitcode=99:print_stacktrace=1"}

# ---- how busy the machine is ----------------------------------------------------------------


def control():
    """Seconds that a run takes which asks nobody."""
    begun = time.monotonic()
    subprocess.run([PRESEND, "from", "--offline", "a@example.com"], stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                   env=ENVIRONMENT)
    return time.monotonic() - begun


def is_late(waited, deadline):
    late = waited - deadline - SLACK
    return late > 0 and late > CONTROLS * control()


def by_itself(judge_it):
    """A row again, without the crowd; on a machine that is busy a few times more."""
    for _ in range(TRIES):
        faults = judge_it()
        if not faults or control() < QUIET:
            break
    return faults


# ---- what lies come to ----------------------------------------------------------------------

# Results of SPF for a domain that honestly publishes "v=spf1 ip4:192.0.2.1 -all", and of DMARC
# for one that publishes p=reject, with an aligned signature: `pass` alike, without the lie.
#
# A set: more than one result is right.  An answer that holds nothing for the question, with
# NOERROR, is what RFC 2308 2.2 calls NODATA (type 3, without a SOA): `none` by RFC 7208 4.5.
# It would be as right to distrust it.
TRUE, UNTOLD, EMPTY = {"pass"}, {"temperror"}, {"none", "temperror"}
COMES_TO = {
    "late": TRUE, "right-at-last": TRUE, "trailing": TRUE, "ttl-zero": TRUE, "ttl-huge": TRUE,
    "tcp-good": TRUE, "tcp-drip": TRUE,
    "nothing-at-all": EMPTY, "other-name": EMPTY, "other-type": EMPTY, "other-class": EMPTY,
    "pointer-to-header": EMPTY,
}

# ---- hostile records ------------------------------------------------------------------------

# Zone: name -> records.  ROWS: label, program, words, results that are right.  For dmarc they are
# those of each standard if there are two sets, in the order of the standards.
ZONE, ROWS = {}, []


def put(name, *records):
    ZONE.setdefault(name, []).extend(records)


def spf_row(label, results, *texts, ip=OURS, name=None, sender="a"):
    """A domain of its own with these TXT records, and what SPF comes to for it."""
    name = name or "%s.test" % re.sub("[^a-z0-9]+", "-", label.lower())[:60].strip("-")
    if texts:
        put(name, *[txt(text) for text in texts])
    ROWS.append(("spf: " + label, "spf", ["--ip", ip, "--mail-from", "%s@%s" % (sender, name)],
                 results))
    return name


def dmarc_row(label, results, *texts, name=None, ids=True):
    """A domain with these records at _dmarc; ids: a signature that is aligned."""
    name = name or "d-%s.test" % re.sub("[^a-z0-9]+", "-", label.lower())[:58].strip("-")
    if texts:
        put("_dmarc." + name, *[txt(text) for text in texts])
    ROWS.append(("dmarc: " + label, "dmarc",
                 ["--from", name] + (["--dkim", name, "--spf", name] if ids else []), results))
    return name


def lies():
    for lie in LIES:
        name = lie + ".test"
        put(name, txt("v=spf1 ip4:%s -all" % OURS), a(OURS), mx(10, name))
        put("_dmarc." + name, txt("v=DMARC1; p=reject"))
        good = COMES_TO.get(lie, UNTOLD)
        spf_row(lie, good, name=name)
        # from another address it is fail; a lie must not turn into that
        spf_row(lie + ", other address", {"fail"} if good == TRUE else good, ip=OTHER, name=name)
        dmarc_row(lie, good, name=name)
        dmarc_row(lie + ", nothing aligned", {"fail"} if good == TRUE else good, name=name,
                  ids=False)
        # met on the way: include (5.2), a (5.3), mx (5.4), exists (5.7), redirect (6.1).
        # An include without a record is a permerror; an empty answer matches nothing.
        empty = {"fail", "temperror", "permerror"}
        met = good if good != EMPTY else empty
        for term in ("include:", "a:", "mx:", "exists:", "redirect="):
            end = "" if term == "redirect=" else " -all"
            # lies of one record carry TXT data: an A or MX record of that is no answer at all
            spf_row("%s behind %s" % (lie, term), met, "v=spf1 %s%s%s" % (term, name, end))
        # behind exp= nothing changes the result (6.2)
        spf_row(lie + " behind exp", {"fail"}, "v=spf1 -all exp=" + name)


def loops():
    """CNAMEs and includes that lead in circles, or far."""
    put("self.test", cname("self.test"))
    put("round-a.test", cname("round-b.test"))
    put("round-b.test", cname("round-a.test"))
    for name in ("self.test", "round-a.test"):
        put("_dmarc." + name, cname("_dmarc." + name))
        spf_row("CNAME circle " + name, UNTOLD, name=name)
        dmarc_row("CNAME circle " + name, UNTOLD, name=name)
    # libunbound takes a chain in one packet as far as it goes, and follows a dozen by itself;
    # both are right, no standard has a number
    for n in range(15):
        put("chain-%d.test" % n, cname("chain-%d.test" % (n + 1)))
        put("_dmarc.chain-%d.test" % n, cname("_dmarc.chain-%d.test" % (n + 1)))
    put("chain-15.test", txt("v=spf1 ip4:%s -all" % OURS))
    put("_dmarc.chain-15.test", txt("v=DMARC1; p=none"))
    spf_row("CNAME chain of 15", {"pass", "temperror"}, name="chain-0.test")
    dmarc_row("CNAME chain of 15", {"pass", "temperror"}, name="chain-0.test")
    # RFC 7208 4.6.4: a circle ends at ten lookups, a permerror
    put("inc-b.test", txt("v=spf1 include:inc-a.test -all"))
    spf_row("include circle", {"permerror"}, "v=spf1 include:inc-b.test -all", name="inc-a.test")
    spf_row("include of itself", {"permerror"}, "v=spf1 include:inc-self.test ?all",
            name="inc-self.test")
    spf_row("redirect to itself", {"permerror"}, "v=spf1 redirect=red-self.test",
            name="red-self.test")
    put("red-b.test", txt("v=spf1 redirect=red-a.test"))
    spf_row("redirect circle", {"permerror"}, "v=spf1 redirect=red-b.test", name="red-a.test")
    spf_row("CNAME to itself included", UNTOLD, "v=spf1 include:self.test -all")
    # matched before the circle: the terms behind it are not evaluated (4.6.2)
    spf_row("circle behind the match", TRUE,
            "v=spf1 ip4:%s include:circle-behind-the-match.test -all" % OURS)
    for n in range(200):
        put("tree-%d.test" % n, txt("v=spf1 include:tree-%d.test include:tree-%d.test -all"
                                    % ((2 * n + 1) % 200, (2 * n + 2) % 200)))
    spf_row("tree of 200 includes", {"permerror"}, name="tree-0.test")
    wide = " ".join("include:tree-%d.test" % n for n in range(200))
    spf_row("200 includes in one record", {"permerror"}, "v=spf1 %s -all" % wide)
    # what macros make: a name that grows at each step, up to the end of names
    spf_row("include that grows", {"permerror"}, "v=spf1 include:x.%{d} -all")
    put("x.include-that-grows.test", txt("v=spf1 include:x.%{d} -all"))


def void():
    spf_row("void lookups", {"permerror"}, "v=spf1 a:n1.test a:n2.test a:n3.test -all")
    # what fails and what is void, side by side: neither a pass nor a fail
    spf_row("two void, one silent", UNTOLD,
            "v=spf1 a:n1.test a:n2.test a:silence.test ip4:%s -all" % OURS)


def many():
    """Long records and many."""
    nets = " ".join("ip4:198.51.%d.%d" % (n >> 8, n & 255) for n in range(3000))
    spf_row("64 KB, matching at the end", TRUE, "v=spf1 %s ip4:%s -all" % (nets, OURS))
    spf_row("64 KB, not matching", {"fail"}, "v=spf1 %s -all" % nets, ip=OTHER)
    spf_row("64 KB of blanks", TRUE, "v=spf1" + " " * 60000 + "ip4:" + OURS)
    spf_row("64 KB of one term", {"permerror"}, "v=spf1 a:" + "x" * 60000 + " -all")
    spf_row("64 KB of a modifier", {"fail"}, "v=spf1 x=" + "y" * 60000 + " -all")
    spf_row("64 KB of macros", {"permerror", "fail"},
            "v=spf1 exists:" + "%{s}." * 12000 + "test -all")
    spf_row("64 KB explanation", {"fail"}, "v=spf1 -all exp=long-exp.test")
    put("long-exp.test", txt("%{i}" + "x" * 60000))
    # 100 records are looked at; with more, what has not been found there could not be told
    spf_row("2000 TXT, SPF first", {"pass", "temperror"}, "v=spf1 ip4:%s -all" % OURS,
            *["other text %d" % n for n in range(2000)])
    spf_row("2000 TXT, SPF last", {"pass", "temperror"},
            *["other text %d" % n for n in range(2000)], "v=spf1 ip4:%s -all" % OURS)
    spf_row("1500 SPF records", {"permerror"},
            *["v=spf1 ip4:198.51.100.%d -all" % (n & 255) for n in range(1500)])
    put("addresses.test", *[a("198.51.%d.%d" % (n >> 8, n & 255)) for n in range(3000)])
    put("addresses.test", a(OURS))
    spf_row("3001 addresses", {"pass", "temperror"}, "v=spf1 a:addresses.test -all")
    spf_row("3001 addresses, not ours", {"fail", "temperror"}, "v=spf1 a:addresses.test -all",
            ip=OTHER)
    put("exchangers.test", *[mx(n, "mx%d.test" % n) for n in range(2000)])
    spf_row("2000 MX", {"permerror"}, "v=spf1 mx:exchangers.test -all")
    put("7.113.0.203.in-addr.arpa", *[ptr("p%d.ptr.test" % n) for n in range(2000)])
    put("ptr.test", txt("v=spf1 ptr -all"))
    put("p0.ptr.test", a(OTHER))
    spf_row("2000 PTR", {"pass", "fail", "permerror"}, name="ptr.test", ip=OTHER)


ESCAPES = (b"\x1b[31mred\x1b[0m", b"\x1b]0;title\x07", b"\r\nfaked: line\n", b"\0nul\0",
           b"\xff\xfe\x80", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xc0\xaf",
           "\u202egnp.\u2066".encode(), "\u2028\u2029\u0085".encode(), b"\x9b31m", b"\x7f",
           b'"}{"result":"pass"}', b"\\", b"%n%s%1000000d", bytes(range(256)))


def odd_octets():
    for n, octets in enumerate(ESCAPES):
        one = octets.replace(b" ", b"")
        # no VCHARs, or no known mechanism: a syntax error, RFC 7208 4.6
        spf_row("octets %d as a term" % n, {"permerror"}, b"v=spf1 " + one + b" -all")
        spf_row("octets %d in a domain" % n, {"permerror"}, b"v=spf1 include:" + one + b" -all")
        spf_row("octets %d in front" % n, {"none"}, octets + b"v=spf1 +all")
        spf_row("octets %d behind v=spf1" % n, {"none"}, b"v=spf1" + octets + b" +all")
        spf_row("octets %d as explanation" % n, {"fail"}, "v=spf1 -all exp=octets%d.test" % n)
        put("octets%d.test" % n, txt(octets))
        # what stands in the record of an included name is shown with that name
        spf_row("octets %d in an included record" % n, {"permerror"},
                "v=spf1 include:octets-%d-as-a-term.test -all" % n)
        # a tag that nobody knows says nothing, whatever its octets (RFC 7489 6.3, RFC 9989 4.7)
        plain = octets.replace(b";", b"")
        dmarc_row("octets %d in a tag" % n, TRUE, b"v=DMARC1; p=reject; x=" + plain)
        dmarc_row("octets %d as p" % n, {"none"}, b"v=DMARC1; p=" + plain)
        dmarc_row("octets %d as p, with rua" % n, TRUE,
                  b"v=DMARC1; p=" + plain + b"; rua=mailto:a@d.test")
        dmarc_row("octets %d in front" % n, {"none"}, octets + b"v=DMARC1; p=reject")
    local = "\x1b[31m\u202e\u0085\u00e9\\"
    spf_row("octets of the sender in an explanation", {"fail"},
            "v=spf1 -all exp=why.test", sender=local)
    put("why.test", txt("%{s} %{S} %{l} %{lr} %{h} of %{d}"))
    spf_row("octets of the sender in a name", {"fail"}, "v=spf1 exists:%{l}.nobody.test -all",
            sender=local)


def odd_names():
    """Labels with dots, blanks, control octets; such names are nobody's host."""
    odd = [(b"a.b", b"test"), (b"a b", b"test"), (b"\x1b[31m", b"test"), (b"\0", b"test"),
           (b"\xff\xfe", b"test"), (b"." * 63, b"test"), (b"." * 63,) * 3 + (b"test",),
           (b"\\046", b"test"), (b"x" * 63,) * 3 + (b"y" * 56, b"test"), (b"\r\n", b"test")]
    for n, labels in enumerate(odd):
        name = "odd-%d.test" % n
        put(name, mx(1, labels), txt("v=spf1 mx -all"))
        # no address there: void, no match.  A name too long to be written down cannot be told.
        spf_row("odd name %d as MX" % n, {"fail", "temperror"}, name=name)
        put("alias-" + name, cname(labels))
        spf_row("odd name %d as CNAME" % n, {"none", "temperror"}, name="alias-" + name)
        put("_dmarc.alias-" + name, cname(labels))
        dmarc_row("odd name %d as CNAME" % n, {"none", "temperror"}, name="alias-" + name)
        put("%d.2.0.192.in-addr.arpa" % (100 + n), ptr(labels))
        spf_row("odd name %d as PTR" % n, {"fail", "temperror"}, "v=spf1 ptr -all",
                ip="192.0.2.%d" % (100 + n))
        spf_row("odd name %d in p" % n, {"fail"}, "v=spf1 -all exp=validated.test",
                ip="192.0.2.%d" % (100 + n))
    # other receivers may reach an exchanger whose name we cannot write down
    put("odd-mx.test", mx(1, odd[6]), mx(2, "other-mx.test"), txt("v=spf1 mx -all"))
    put("other-mx.test", a(OTHER))
    spf_row("an unreadable MX beside another", UNTOLD, name="odd-mx.test")
    put("validated.test", txt("%{p} it is"))


def dmarc_records():
    dmarc_row("thousands of tags", TRUE,
              "v=DMARC1; p=reject; " + " ".join("x%d=y;" % n for n in range(6000)))
    # of a tag that comes twice the last one counts, for p too: see dmarc_record.c
    dmarc_row("thousands of p", TRUE, "v=DMARC1; " + "p=reject; " * 6000)
    dmarc_row("64 KB of semicolons", TRUE, "v=DMARC1;" + ";" * 60000 + "p=reject")
    dmarc_row("64 KB of rua", TRUE, "v=DMARC1; p=none; rua="
              + ",".join("mailto:a%d@d.test!10m" % n for n in range(2500)))
    dmarc_row("64 KB of one value", TRUE, "v=DMARC1; p=none; rua=mailto:" + "x" * 60000)
    dmarc_row("64 KB of p", {"none"}, "v=DMARC1; p=" + "reject" * 10000)
    dmarc_row("64 KB of octets", TRUE, b"v=DMARC1; p=reject; x=" + b"\xff\x1b\0" * 20000)
    # RFC 7489 6.6.3 and RFC 9989 4.10.1: several records are none.  Only 100 are looked at, and
    # two of these are enough to say so.
    dmarc_row("1500 records", {"none"}, *["v=DMARC1; p=reject; x=%d" % n for n in range(1500)])
    dmarc_row("2000 texts beside it", {"pass", "temperror"}, "v=DMARC1; p=reject",
              *["other text %d" % n for n in range(2000)])
    for size in (255, 256, 257, 511, 512, 513, 8191, 8192, 8193):
        value = "m:" + "x" * (size - 2)
        # of sizes that OpenDMARC's parser has buffers of
        dmarc_row("a URI of %d" % size, TRUE, "v=DMARC1; p=reject; rua=" + value)
        dmarc_row("a tag of %d" % size, TRUE, "v=DMARC1; p=reject; %s=1" % ("x" * size))
        dmarc_row("a format of %d" % size, TRUE, "v=DMARC1; p=reject; rf=" + "x" * size)
    # RFC 9989 4.10: eight names at the most, however deep
    dmarc_row("a deep name", {"none"}, name=".".join(["a"] * 120) + ".deep.test")
    # the names above fail: nothing is known of the organizational domain
    dmarc_row("silence above", UNTOLD, name="sub.silence.test")
    # existence of the author for np=: could not be told, so neither could the policy
    put("_dmarc.np.test", txt("v=DMARC1; p=reject; np=none"))
    # ... under RFC 9989; RFC 7489 has no np, and takes sp
    dmarc_row("existence not told", ({"fail"}, {"temperror"}), name="lost.np.test", ids=False)


# ---- the programs ---------------------------------------------------------------------------

# Marks of direction and separators of lines count as control characters here.
NOT_CLEAN = re.compile("[\u2028\u2029\u202a-\u202e\u2066-\u2069\u200e\u200f]")


def is_clean(text):
    return (NOT_CLEAN.search(text) is None
            and all(unicodedata.category(c) not in ("Cc", "Cs", "Cn") for c in set(text) - {"\n"}))


def results_of(program, got):
    return [got["result"]] if program == "spf" else [got[s]["result"]
                                                     for s in ("rfc7489", "rfc9989")]


def status_of(program, results):
    if program == "spf":
        return STATUS.get(results[0], 1)
    statuses = [DMARC_STATUS.get(result) for result in results]
    return 1 if 1 in statuses else max(statuses)


def run(conf, program, words, json_wanted, deadline=DEADLINE):
    """What is wrong with one run, and the results that its JSON tells."""
    begun = time.monotonic()
    try:
        process = subprocess.run(
            [PRESEND, program, "-c", "%s-%.1f" % (conf, deadline), *words,
             *(["--json"] if json_wanted else [])],
            stdin=subprocess.DEVNULL, capture_output=True, timeout=10 * SLACK, check=False,
            env=ENVIRONMENT)
    except subprocess.TimeoutExpired:
        return ["does not end"], None, None
    waited, faults = time.monotonic() - begun, []
    if is_late(waited, deadline):
        faults.append("took %.1f s" % waited + BUSY)
    if process.stderr:
        faults.append("says " + repr(process.stderr[:2000]))
    try:
        text = process.stdout.decode("utf-8")
    except UnicodeDecodeError as error:
        return faults + ["output: %s" % error], process.returncode, None
    if not is_clean(text):
        faults.append("output is not clean: %r" % text[:300])
    if not json_wanted:
        return faults, process.returncode, [text.split("\n")[0]]
    try:
        got = json.loads(text)
        return (faults + (["several lines"] if text.count("\n") != 1 else []),
                process.returncode, results_of(program, got))
    except (ValueError, KeyError, TypeError) as error:
        return faults + ["JSON: %s: %r" % (error, text[:300])], process.returncode, None


# Ends the description of a fault that a busy machine may have made.
BUSY = " (or the machine is busy)"


def deadline_of(row, alone):
    """The short one where something is waited for that does not come."""
    label, _, _, sets = row
    sets = sets if isinstance(sets, tuple) else (sets, sets)
    if any("temperror" in good for good in sets):
        return DEADLINE
    # an explanation that does not come changes nothing, and there are many of them
    return DEADLINE if " behind exp" in label and not alone else LONG_DEADLINE


def judge(conf, row, alone=False):
    """The faults of a row: empty if it is good."""
    _, program, words, sets = row
    deadline = deadline_of(row, alone)
    sets = sets if isinstance(sets, tuple) else (sets, sets)
    faults, status, results = run(conf, program, words, True, deadline)
    if results is not None:
        if any(result not in good for result, good in zip(results, sets)):
            faults.append("result %s, wanted %s" % (results, sets)
                          + BUSY * ("temperror" in results))
        if status != status_of(program, results):
            faults.append("status %s for %s" % (status, results))
    more, status, _ = run(conf, program, words, False, deadline)
    faults += ["readable: " + fault for fault in more]
    if results is not None and len(sets[0]) == 1 and status != status_of(program, results):
        faults.append("readable: status %s for %s" % (status, results) + BUSY * (status == 2))
    return faults


# ---- neighbours -----------------------------------------------------------------------------


def half_silent(question, good):
    """Every other name never gets an answer: N.every-other.test."""
    if int(question.labels[0]) % 2:
        return []
    return [Send(packet(question, [record(TO_QUESTION, A, b"\xc0\0\2\1")]))]


def neighbours(port):
    """Sixteen askers of one resolver, who wait for nobody but themselves."""
    with tempfile.TemporaryFile() as errors, subprocess.Popen(
            [ASK, "-d", "1500", "-t", "16", "-l", "%d" % (20 * SLACK), "127.0.0.1@%d" % port,
             "every-other.test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors,
            text=True) as load:
        found, failed, lost = 0, 0, "nothing at its end"
        for line in load.stdout:
            if line.startswith("lost"):
                lost = line.strip()
            else:
                found, failed = found + int(line.split()[0]), failed + int(line.split()[1])
            if failed >= 64 and not load.stdin.closed:
                load.stdin.close()  # that is its sign to end
        errors.seek(0)
        said = errors.read()
    faults = [] if lost == "lost 0" else [lost]
    if said:
        faults.append("says " + repr(said[:2000]))
    # each asker has as many answers as failures, give or take those under way
    if found < 0.8 * failed or failed < 50:
        faults.append("%d found, %d not: one of two should be" % (found, failed))
    return faults


def report(label, faults):
    for fault in faults:
        print("FAIL %s: %s" % (label, fault))
    return bool(faults)


LIES_OF_NAMES = {
    **{lie + ".test": LIES[lie] for lie in LIES},
    "every-other.test": half_silent,
    # exists or not, nobody says; what it publishes can be asked for
    "lost.np.test": lambda question, good: [] if question.kind == A else [Send(good)],
}


def wanted(label):
    return not sys.argv[1:] or any(part in label for part in sys.argv[1:])


def main():
    for add in (lies, loops, void, many, odd_octets, odd_names, dmarc_records):
        add()
    rows = [row for row in ROWS if wanted(row[0])]
    if len({row[0] for row in ROWS}) != len(ROWS):
        sys.exit("two rows have one label")
    failed = 0
    with tempfile.TemporaryDirectory(prefix="presend-hostile.") as folder, \
            Liar(ZONE, LIES_OF_NAMES) as liar:
        conf = os.path.join(folder, "conf")
        for deadline in (DEADLINE, LONG_DEADLINE):
            with open("%s-%.1f" % (conf, deadline), "w", encoding="ascii") as file:
                file.write('resolver = { "127.0.0.1@%d" }\ndeadline = %.1f\n'
                           % (liar.port, deadline))
        with concurrent.futures.ThreadPoolExecutor(32) as pool:
            found = list(pool.map(lambda row: judge(conf, row), rows))
        for row, faults in zip(rows, found):
            if any(fault.endswith(BUSY) for fault in faults):
                # the crowd's doing, or a fault?  alone it shows
                faults = by_itself(lambda row=row: judge(conf, row, alone=True))
            failed += report(row[0], faults)
        if wanted("neighbours"):
            rows.append("neighbours")
            failed += report("neighbours", neighbours(liar.port))
        failed += report("the name server", liar.faults)
    print("%d passed, %d failed" % (len(rows) - failed, failed))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
