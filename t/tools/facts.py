#!/usr/bin/python3
"""facts.py - `presend spf` and `presend dmarc` as programs.

Exit statuses, the shape of the JSON, what a person is shown; DNS from records
files, and from a real name server (NSD on loopback) that the `resolver` of a
configuration names.  Everything is in a temporary folder, on free ports, and
ended by pid.  Names of tests as arguments run these alone.
"""

import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PRESEND = os.environ.get("PRESEND") or os.path.join(os.environ.get("builddir", "."), "presend")
NSD = shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
failures = []
skipped = []

SPF_ZONE = """\
example.com. TXT "v=spf1 ip4:192.0.2.0/24 include:_spf.example.net -all"
_spf.example.net. TXT "v=spf1 ip6:2001:db8::/32 ?all"
soft.example. TXT "v=spf1 ~all"
bad.example. TXT "v=spf1 a ip4:192.0.2.300 -all"
why.example. TXT "v=spf1 exp=text.why.example -all"
text.why.example. TXT "%{i} at %{t} is not ours"
bell.example. TXT "v=spf1 \\007 -all"
two.example. TXT "v=spf1 -all"
two.example. TXT "v=spf1 +all"
xn--bcher-kva.example. TXT "v=spf1 +all"
;; TIMEOUT slow.example
"""

SPF_KEYS = {"ip": str, "identity": str, "domain": str, "result": str, "lookups": int,
            "void_lookups": int}
DMARC_KEYS = ["org_domain", "record_domain", "policy", "result", "disposition", "aligned_dkim",
              "aligned_spf"]


def check(label, got, wanted):
    if got != wanted:
        failures.append(label)
        print("FAIL %s\n  got    %r\n  wanted %r" % (label, got, wanted))


class Folder:
    def __init__(self):
        self.temporary = tempfile.TemporaryDirectory(prefix="presend-facts.")

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
                          text=True, timeout=60, check=False)


def spf(zone, *words):
    return presend("spf", "--offline", "--records", zone, *words)


# ---- SPF --------------------------------------------------------------------------------


def test_spf_results():
    """(sender, address, result, exit status, lookups)"""
    rows = [
        ("ann@example.com", "192.0.2.9", "pass", 0, 0),
        ("<ann@example.com>", "192.0.2.9", "pass", 0, 0),
        ("ann@example.com", "2001:db8::1", "pass", 0, 1),
        ("ann@example.com", "203.0.113.1", "fail", 1, 1),
        ("ann@soft.example", "203.0.113.1", "softfail", 1, 0),
        ("ann@bad.example", "203.0.113.1", "permerror", 1, 0),
        ("ann@two.example", "203.0.113.1", "permerror", 1, 0),
        ("ann@gone.example", "203.0.113.1", "none", 1, 0),
        ("ann@slow.example", "203.0.113.1", "temperror", 2, 0),
        ("ann@b\u00fccher.example", "203.0.113.1", "pass", 0, 0),
        # no domain names, so nothing is asked: RFC 7208 4.3
        ("ann@[192.0.2.1]", "203.0.113.1", "none", 1, 0),
        ("ann@b c.example", "203.0.113.1", "none", 1, 0),
    ]
    with Folder() as folder:
        zone = folder.file("zone", SPF_ZONE)
        for sender, ip, result, status, lookups in rows:
            label = "%s from %s" % (sender, ip)
            run = spf(zone, "--ip", ip, "--mail-from", sender, "--json")
            check(label + ": status", run.returncode, status)
            got = json.loads(run.stdout)
            check(label + ": one line", run.stdout.count("\n"), 1)
            for key, kind in SPF_KEYS.items():
                check("%s: %s" % (label, key), type(got.get(key)), kind)
            check(label, (got["result"], got["lookups"], got["ip"], got["identity"]),
                  (result, lookups, ip, "mailfrom"))
            readable = spf(zone, "--ip", ip, "--mail-from", sender)
            check(label + ": same status", readable.returncode, status)
            check(label + ": readable", ": %s for %s " % (result, ip) in readable.stdout, True)


def test_spf_null_sender():
    with Folder() as folder:
        zone = folder.file("zone", SPF_ZONE)
        for sender in ("", "<>"):
            run = spf(zone, "--ip", "192.0.2.9", "--mail-from", sender, "--helo", "example.com",
                      "--json")
            got = json.loads(run.stdout)
            check("null sender", (run.returncode, got["identity"], got["domain"], got["result"]),
                  (0, "helo", "example.com", "pass"))
            run = spf(zone, "--ip", "192.0.2.9", "--mail-from", sender)
            check("null sender without HELO", run.returncode, 64)


def test_spf_explanation_without_end():
    """What a record makes us do is bounded: thousands of macros over a long sender."""
    strings = " ".join('"%s"' % ("%{S}" * 60) for _ in range(260))
    with Folder() as folder:
        zone = folder.file("zone", 'big.example. TXT "v=spf1 -all exp=e.example"\n'
                           'e.example. TXT %s\n' % strings)
        begun = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = spf(zone, "--ip", "192.0.2.1", "--mail-from", "\u00e9" * 5000 + "@big.example",
                  "--json")
        check("an endless explanation", json.loads(run.stdout)["result"], "fail")
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        check("its time of the processor",
              ended.ru_utime + ended.ru_stime - begun.ru_utime - begun.ru_stime < 5, True)


def test_spf_a_label():
    with Folder() as folder:
        run = spf(folder.file("zone", SPF_ZONE), "--ip", "::1", "--mail-from",
                  "a@b\u00fccher.example", "--json")
        check("domain in A-form", json.loads(run.stdout)["domain"], "xn--bcher-kva.example")


def test_spf_shown():
    """The fault has a caret under it; nothing of the DNS reaches the terminal as it is."""
    with Folder() as folder:
        zone = folder.file("zone", SPF_ZONE)
        lines = spf(zone, "--ip", "192.0.2.1", "--mail-from", "a@bad.example").stdout.split("\n")
        at = next(i for i, line in enumerate(lines) if "ip4:192.0.2.300" in line)
        check("the caret", lines[at + 1],
              " " * lines[at].index("ip4:") + "^" + "~" * (len("ip4:192.0.2.300") - 1))
        run = spf(zone, "--ip", "192.0.2.1", "--mail-from", "a@why.example", "--time", "1234567")
        check("explanation", "192.0.2.1 at 1234567 is not ours" in run.stdout, True)
        run = spf(zone, "--ip", "192.0.2.1", "--mail-from", "a@bell.example")
        check("a control character", ("\\x07" in run.stdout, "\x07" in run.stdout), (True, False))
        got = json.loads(spf(zone, "--ip", "192.0.2.1", "--mail-from", "a@bad.example",
                             "--json").stdout)
        check("problem", (got["record"][got["problem_offset"]:][:4], bool(got["problem"])),
              ("ip4:", True))


# ---- DMARC --------------------------------------------------------------------------------

# Records (NAME TAGS; "+NAME" exists, "!NAME" cannot be looked up), From, what passed, then for
# each standard: organizational domain, policy @ domain of the record, result, disposition.
# "-": none.  One figure for both where they agree.
DMARC = [
    ("example.com p=reject", "example.com", "d=mail.example.com",
     "example.com reject@example.com pass none"),
    ("example.com p=reject", "news.example.com", "spf=foo.example.net +news.example.com",
     "example.com reject@example.com fail reject"),
    ("example.com p=reject", "example.com", "d=com d=badexample.com d=example.com.evil.net",
     "example.com reject@example.com fail reject"),
    ("example.com p=reject", "example.com", "spf=mail.example.com",
     "example.com reject@example.com pass none"),
    ("example.com p=reject; adkim=s", "news.example.com", "d=News.Example.COM",
     "example.com reject@example.com pass none"),
    ("example.com p=reject; aspf=s", "example.com", "spf=bounce.example.com",
     "example.com reject@example.com fail reject"),
    ("example.co.uk p=reject", "example.co.uk", "d=co.uk d=other.co.uk",
     "example.co.uk reject@example.co.uk fail reject"),
    ("example.com rua=mailto:d@example.com", "example.com", "",
     "example.com none@example.com fail none"),
    ("", "localhost", "d=localhost", "- - none none", "localhost - none none"),
    ("bank p=reject; psd=y", "bank", "d=mail.bank", "- reject@bank fail reject",
     "bank reject@bank fail reject"),
    ("mail.example.com p=reject", "mail.example.com", "d=example.com",
     "example.com reject@mail.example.com pass none",
     "mail.example.com reject@mail.example.com fail reject"),
    ("corp.example.com p=reject", "alerts.corp.example.com", "d=corp.example.com",
     "example.com - none none", "corp.example.com reject@corp.example.com pass none"),
    ("example.com p=reject; sp=none; np=reject", "nx.example.com", "",
     "example.com none@example.com fail none", "example.com reject@example.com fail reject"),
    ("example.com p=reject; t=y", "example.com", "",
     "example.com reject@example.com fail reject",
     "example.com reject@example.com fail quarantine"),
    ("example.com p=reject; pct=0", "example.com", "",
     "example.com reject@example.com fail quarantine",
     "example.com reject@example.com fail reject"),
    ("uk.com p=reject", "uk.com", "d=mail.uk.com", "- reject@uk.com fail reject",
     "uk.com reject@uk.com pass none"),
    ("!_dmarc.example.com", "example.com", "d=example.com", "example.com - temperror none",
     "- - temperror none"),
    ("xn--bcher-kva.example p=reject", "b\u00fccher.example", "d=m.B\u00dcCHER.example",
     "xn--bcher-kva.example reject@xn--bcher-kva.example pass none"),
]


def dmarc_zone(text):
    lines = []
    for piece in filter(None, text.split(" / ")):
        if piece[0] == "!":
            lines.append(";; TIMEOUT " + piece[1:])
        else:
            name, tags = piece.split(" ", 1)
            lines.append('_dmarc.%s. TXT "v=DMARC1; %s"' % (name, tags))
    return "\n".join(lines) + "\n"


def figure(verdict):
    record = "-"
    if verdict["record_domain"]:
        record = "%s@%s" % (verdict["policy"], verdict["record_domain"])
    return " ".join([verdict["org_domain"] or "-", record, verdict["result"],
                     verdict["disposition"]])


def dmarc_status(figures):
    results = [f.split()[2] for f in figures]
    if "fail" in results:
        return 1
    return 2 if "temperror" in results else 0


def test_dmarc_examples():
    with Folder() as folder:
        for number, (records, author, passed, *wanted) in enumerate(DMARC):
            words, exists = [], ""
            for word in passed.split():
                if word[0] == "+":
                    exists += word[1:] + ". A 192.0.2.1\n"
                else:
                    key, value = word.split("=")
                    words += ["--dkim" if key == "d" else "--spf", value]
            zone = folder.file("zone%d" % number, dmarc_zone(records) + exists)
            command = ["dmarc", "--offline", "--records", zone, "--from", author] + words
            label = "[%s] %s %s" % (records, author, passed)
            run = presend(*command, "--json")
            wanted = wanted * 2 if len(wanted) == 1 else wanted
            got = json.loads(run.stdout)
            check(label + ": members", list(got), ["rfc7489", "rfc9989", "opendmarc"])
            check(label, [figure(got["rfc7489"]), figure(got["rfc9989"])], wanted)
            check(label + ": status", run.returncode, dmarc_status(wanted))
            for verdict in (got["rfc7489"], got["rfc9989"]):
                check(label + ": keys", list(verdict)[:7], DMARC_KEYS)
                check(label + ": aligned", [type(verdict[k]) for k in DMARC_KEYS[5:]],
                      [bool, bool])
                check(label + ": policy", verdict["policy"] is None,
                      verdict["record_domain"] is None)
            readable = presend(*command)
            check(label + ": same status", readable.returncode, run.returncode)


def test_dmarc_shown():
    with Folder() as folder:
        def shown(records, *words):
            zone = folder.file("zone", dmarc_zone(records))
            return presend("dmarc", "--offline", "--records", zone, *words).stdout

        text = shown("mail.example.com p=reject", "--from", "mail.example.com", "--dkim",
                     "example.com")
        check("heading", text.split("\n")[0],
              "mail.example.com: pass under RFC 7489, fail under RFC 9989")
        check("in words", "organizational domain differs: example.com under RFC 7489, by the "
              "public suffix list; mail.example.com under RFC 9989, by the walk" in text, True)
        text = shown("example.com p=reject; adkim=s", "--from", "example.com", "--dkim",
                     "mail.example.com")
        check("second opinion", "second opinion: a receiver with OpenDMARC 1.4 would" in text,
              True)
        got = json.loads(shown("example.com p=reject; adkim=s", "--from", "example.com", "--dkim",
                               "mail.example.com", "--json"))
        check("second opinion as JSON", type(got["opendmarc"]), str)
        got = json.loads(shown("example.com p=reject", "--from", "example.com", "--json"))
        check("no second opinion as JSON", got["opendmarc"], None)
        text = shown("example.com p=reject", "--from", "example.com", "--dkim", "example.com")
        check("no second opinion", "OpenDMARC" in text or "differs" in text, False)
        lines = shown("example.com p=rejct", "--from", "example.com").split("\n")
        at = next((i for i, line in enumerate(lines) if "p=rejct" in line), -2)
        check("the caret", lines[at + 1], " " * lines[at].index("rejct") + "^~~~~")


def test_dmarc_psl():
    """The list of --psl wins over that of the configuration."""
    with Folder() as folder:
        zone = folder.file("zone", dmarc_zone("a.b.example p=reject"))
        mine = folder.file("mine.dat", "b.example\n")
        other = folder.file("other.dat", "example\n")
        conf = folder.file("c.conf", 'public_suffix_list = "%s"\n' % mine)
        words = ["dmarc", "--offline", "--records", zone, "--from", "x.a.b.example", "--json"]
        for label, more, wanted in (("--psl", ["--psl", mine], "a.b.example"),
                                    ("configuration", ["-c", conf], "a.b.example"),
                                    ("both", ["-c", conf, "--psl", other], "b.example")):
            got = json.loads(presend(*words, *more).stdout)
            check(label, got["rfc7489"]["org_domain"], wanted)
        run = presend(*words, "--psl", os.path.join(folder.temporary.name, "none"))
        check("a list that is not there", (run.returncode, run.stdout), (66, ""))
        bad = folder.file("bad.conf", 'public_suffix_list = "/no/such"\n')
        check("one that the configuration names", presend(*words, "-c", bad).returncode, 78)


# ---- both ---------------------------------------------------------------------------------


def test_usage():
    rows = [
        ["spf"], ["spf", "--ip", "192.0.2.1"], ["spf", "--mail-from", "a@example.com"],
        ["spf", "--ip", "192.0.2.300", "--mail-from", "a@example.com"],
        ["spf", "--ip", "192.0.2.1", "--mail-from", "a@example.com", "operand"],
        ["spf", "--ip", "192.0.2.1", "--mail-from", "a@example.com", "--from", "example.com"],
        ["dmarc"], ["dmarc", "--spf", "example.com"], ["dmarc", "--from", ""],
        ["dmarc", "--from", "ann@example.com"], ["dmarc", "--from", "a..b"],
        ["dmarc", "--from", "example.com", "--dkim", "[192.0.2.1]"],
        ["dmarc", "--from", "example.com", "--ip", "192.0.2.1"],
        ["dmarc", "--from", "example.com", "more"],
        ["check", "--egress", "192.0.2.300", "/dev/null"],
        ["check", "--egress", "192.0.2.1,", "/dev/null"],
        ["check", "--egress-helo", "a..b", "/dev/null"],
        ["check", "--ip", "192.0.2.1", "/dev/null"],
    ]
    for words in rows:
        run = presend(*words, "--offline")
        check(" ".join(words), (run.returncode, run.stdout), (64, ""))
        check(" ".join(words) + ": says why", run.stderr != "", True)
    for name in ("spf", "dmarc"):
        run = presend(name, "--help")
        check(name + " --help", (run.returncode, "--records" in run.stdout), (0, True))


def commands(*more):
    return [["spf", "--ip", "192.0.2.1", "--mail-from", "a@example.com", *more],
            ["dmarc", "--from", "example.com", "--dkim", "example.com", *more]]


def test_offline():
    """Nothing is asked: nothing can be told."""
    for words in commands("--offline"):
        check(words[0] + " offline", presend(*words).returncode, 2)


def test_inputs():
    with Folder() as folder:
        bad = folder.file("bad", "example.com. A 192.0.2.1\nexample.com. A x\n")
        conf = folder.file("c.conf", 'records = "%s"\n' % bad)
        faults = ["b\u00fccher.example. A 192.0.2.1", ";; TIMEOUT a.example b.example"]
        for fault in faults:
            run = spf(folder.file("fault", fault + "\n"), "--ip", "192.0.2.1", "--mail-from",
                      "a@a.example")
            check(fault, (run.returncode, "fault:1: " in run.stderr), (66, True))
        nonsense = folder.file("d.conf", "nonsense = 1\n")
        mixed = folder.file("e.conf", 'resolver = { recursive, "127.0.0.1@53" }\n')
        for words in commands():
            run = presend(*words, "--offline", "--records", bad)
            check(words[0] + ": bad records", (run.returncode, "bad:2: " in run.stderr), (66, True))
            run = presend(*words, "--offline", "--records", "/no/such")
            check(words[0] + ": no records", run.returncode, 66)
            run = presend(*words, "--offline", "-c", conf)
            check(words[0] + ": bad records of the configuration",
                  (run.returncode, "bad:2: " in run.stderr), (78, True))
            check(words[0] + ": bad configuration", presend(*words, "-c", nonsense).returncode, 78)
            check(words[0] + ": bad resolver", presend(*words, "-c", mixed).returncode, 78)
            with open("/dev/full", "w", encoding="ascii") as full:
                run = subprocess.run([PRESEND, *words, "--offline"], stdout=full,
                                     stderr=subprocess.DEVNULL, timeout=60, check=False)
            check(words[0] + ": full", run.returncode, 74)


def test_records_of_the_configuration():
    with Folder() as folder:
        zone = folder.file("zone", SPF_ZONE)
        conf = folder.file("c.conf", 'records = "%s"\n' % zone)
        words = ["spf", "--ip", "192.0.2.1", "--mail-from", "a@example.com", "--offline", "-c",
                 conf]
        check("records", presend(*words).returncode, 0)
        other = folder.file("other", 'example.com. TXT "v=spf1 -all"\n')
        check("--records wins", presend(*words, "--records", other).returncode, 1)


def write_when_read(path, text):
    """Writes into the pipe once somebody is there to read it."""
    with open(path, "w", encoding="utf-8") as pipe:
        pipe.write(text)


def test_pipes():
    """A configuration, and records, may come out of a pipe whose writer is late."""
    with Folder() as folder:
        pipes = [os.path.join(folder.temporary.name, name) for name in ("conf", "zone")]
        texts = ('records = "%s"\n' % pipes[1], SPF_ZONE)
        for pipe in pipes:
            os.mkfifo(pipe)
        process = subprocess.Popen(
            [PRESEND, "spf", "--ip", "192.0.2.1", "--mail-from", "a@example.com", "--offline",
             "-c", pipes[0]], stdout=subprocess.DEVNULL)
        writers = [threading.Thread(target=write_when_read, args=pair, daemon=True)
                   for pair in zip(pipes, texts)]
        # time in which it would have taken an empty pipe for a file without records
        time.sleep(0.2)
        for writer in writers:
            writer.start()
        try:
            check("out of pipes", process.wait(60), 0)
        except subprocess.TimeoutExpired:
            process.kill()
            check("out of pipes", "it hangs", 0)


# ---- a real name server -------------------------------------------------------------------


def free_port():
    """Free for UDP and for TCP."""
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            try:
                tcp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


class NameServer:
    def __init__(self, folder, zone):
        directory, self.port = folder.temporary.name, free_port()
        path = folder.file("zone.nsd", zone)
        conf = folder.file("nsd.conf", "\n".join([
            "server:", "  ip-address: 127.0.0.1@%d" % self.port, '  username: ""',
            '  zonesdir: "%s"' % directory, '  pidfile: "%s/pid"' % directory, '  database: ""',
            '  zonelistfile: "%s/zone.list"' % directory, '  xfrdfile: "%s/xfrd"' % directory,
            '  xfrdir: "%s"' % directory, '  logfile: "%s/log"' % directory,
            "  rrl-ratelimit: 0", "  server-count: 1", "remote-control:", "  control-enable: no",
            "zone:", '  name: "."', '  zonefile: "%s"' % path]) + "\n")
        self.process = subprocess.Popen([NSD, "-d", "-c", conf], start_new_session=True)

    def __enter__(self):
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("nsd does not start")

    def __exit__(self, *_):
        # NSD is several processes, in a group of their own
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


ROOT = """\
$TTL 300
. IN SOA ns.example.net. h.example.net. 1 3600 600 86400 60
. IN NS ns.example.net.
ns.example.net. A 127.0.0.1
example.com. TXT "v=spf1 include:spf.example.com -all"
spf.example.com. CNAME real.example.com.
real.example.com. TXT "v=spf1 " "ip4:192.0.2.0/28 mx ~all"
real.example.com. MX 10 mx.example.com.
mx.example.com. A 192.0.2.77
_dmarc.example.com. TXT "v=DMARC1; p=reject"
"""


def test_name_server():
    if NSD is None:
        skipped.append("nsd is not installed")
        return
    with Folder() as folder, NameServer(folder, ROOT) as server:
        conf = folder.file("c.conf", 'resolver = { "127.0.0.1@%d" }\n' % server.port)

        def asked(*words):
            run = presend(*words, "-c", conf, "--json")
            return run.returncode, json.loads(run.stdout)

        def spf_of(ip, *more):
            status, got = asked("spf", "--ip", ip, "--mail-from", "a@example.com", *more)
            return status, got["result"], got["lookups"]

        check("by network", spf_of("192.0.2.1"), (0, "pass", 1))
        check("by MX", spf_of("192.0.2.77"), (0, "pass", 2))
        check("not", spf_of("192.0.2.78"), (1, "fail", 2))
        overlay = folder.file("overlay", 'spf.example.com. TXT "v=spf1 ip4:192.0.2.78"\n')
        check("tried before it is published", spf_of("192.0.2.78", "--records", overlay),
              (0, "pass", 1))
        status, got = asked("dmarc", "--from", "news.example.com", "--dkim", "example.com")
        check("dmarc", (status, figure(got["rfc7489"]), figure(got["rfc9989"])),
              (0, *["example.com reject@example.com pass none"] * 2))


def test_silent_name_server():
    """The deadline holds, and what could not be told is no verdict."""
    with Folder() as folder, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        conf = folder.file("c.conf", 'resolver = { "127.0.0.1@%d" }\ndeadline = 0.5\n'
                           % silent.getsockname()[1])
        for words in commands("-c", conf):
            begin = time.monotonic()
            check(words[0] + " of silence", presend(*words).returncode, 2)
            waited = time.monotonic() - begin
            begin = time.monotonic()  # the control: the same without a question
            presend(*words, "--offline")
            control = time.monotonic() - begin
            check("%s: waited %.2f s, offline %.2f" % (words[0], waited, control),
                  0.4 < waited < 5 + 4 * control, True)


def main():
    tests = {name: f for name, f in globals().items() if name.startswith("test_")}
    for name in sys.argv[1:] or tests:
        tests[name]()
    print("%d failures" % len(failures))
    if not failures and skipped:
        print("skipped: " + ", ".join(skipped))
        return 77
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
