#!/usr/bin/python3
# The resolver against a real name server: NSD on loopback, t/dns/ask in front.
#
# What is there, what is not, SERVFAIL, REFUSED, silence (the deadline holds),
# a server that stops in mid-load and comes back, DNSSEC proofs good and bad.
# Without NSD: skipped (77).  Everything is in a temporary directory on free
# ports, and ended by pid.
#
# Nothing here depends on how fast the machine is: a server that answers has a
# deadline that only a hang reaches, and how late an answer may be is measured
# against a timer in the same process (see ask.c).
#
# $ASK is the asking program, default t/dns/ask in $builddir.

import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import namedtuple

ASK = os.environ.get("ASK") or os.path.join(os.environ.get("builddir", "."), "t/dns/ask")
NSD = shutil.which("nsd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
failures = []

LONG = 20000  # ms, of a server that answers
LIMIT = 60  # seconds; what takes so long hangs
SLACK = 250  # ms after a deadline, and TIMERS times what a mere timer was late by
TIMERS = 4

Counts = namedtuple("Counts", "found failed")

ZONE = """\
$TTL 300
@ IN SOA ns h 1 3600 600 86400 60
@ IN NS ns
ns A 127.0.0.1
@ A 192.0.2.1
@ A 192.0.2.2
@ AAAA 2001:db8::1
@ MX 10 Mail
@ MX 0 .
@ TXT "v=spf1 " "-all"
alias CNAME alias2
alias2 CNAME @
dangling CNAME gone
loop1 CNAME loop2
loop2 CNAME loop1
a.b.c A 192.0.2.3
with\\032space A 192.0.2.4
a\\.b A 192.0.2.5
mx MX 1 a\\.b
*.load A 192.0.2.9
"""


def check(label, got, wanted):
    if got != wanted:
        failures.append(label)
        print("FAIL %s\n  got    %r\n  wanted %r" % (label, got, wanted))


def free_port():
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        udp.bind(("127.0.0.1", 0))
        port = udp.getsockname()[1]
        tcp = socket.socket()
        try:
            tcp.bind(("127.0.0.1", port))
            return port
        except OSError:
            continue
        finally:
            tcp.close()
            udp.close()


class NameServer:
    def __init__(self, directory, zones):
        self.directory, self.port, self.process = directory, free_port(), None
        lines = ["server:", "  ip-address: 127.0.0.1@%d" % self.port, "  username: \"\"",
                 "  zonesdir: \"%s\"" % directory, "  pidfile: \"%s/pid\"" % directory,
                 "  database: \"\"", "  zonelistfile: \"%s/zone.list\"" % directory,
                 "  xfrdfile: \"%s/xfrd\"" % directory, "  xfrdir: \"%s\"" % directory,
                 "  logfile: \"%s/log\"" % directory, "  rrl-ratelimit: 0", "  server-count: 1",
                 "remote-control:", "  control-enable: no"]
        for name in zones:
            lines += ["zone:", "  name: \"%s\"" % name, "  zonefile: \"%s\"" % zones[name]]
        self.config = os.path.join(directory, "nsd.conf")
        with open(self.config, "w") as file:
            file.write("\n".join(lines) + "\n")

    def start(self):
        self.process = subprocess.Popen([NSD, "-d", "-c", self.config], start_new_session=True)
        end = time.monotonic() + LIMIT
        while time.monotonic() < end and self.process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("nsd does not start: " + open(self.directory + "/log").read())

    # NSD is several processes, in a group of their own
    def signal(self, number):
        os.killpg(self.process.pid, number)

    def stop(self):
        if self.process is not None and self.process.poll() is None:
            self.signal(signal.SIGCONT)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.signal(signal.SIGKILL)
                self.process.wait()


# The answers, how long they took, and how late a timer was meanwhile.
def ask(server, *words, deadline=LONG, anchor=None):
    command = [ASK, "-d", str(deadline)] + (["-a", anchor] if anchor else [])
    run = subprocess.run(command + [server] + list(words), stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, universal_newlines=True, timeout=2 * LIMIT)
    if run.returncode != 0:
        return [run.stderr.strip()], 0, 0
    lines = run.stdout.splitlines()
    waited, timer = map(int, lines[-1].split()[1:])
    # where all is answered the last answer ends the wait, and not the deadline
    if not any("within the deadline" in line for line in lines):
        check("%s: answered before the deadline (%d ms)" % (" ".join(words)[:40], waited),
              waited < deadline, True)
    return lines[:-1], waited, timer


def answers(server, words, **options):
    lines, *times = ask(server, *words, **options)
    return ([line.split(" ", 2)[2] for line in lines if line.count(" ") >= 2], *times)


def check_late(label, late, timer):
    check("%s: late by %d ms, a timer by %d" % (label, late, timer),
          late < SLACK + TIMERS * timer, True)


def test_answers(server):
    rows = [
        ("example.test A", "found ttl=yes|192.0.2.1|192.0.2.2"),
        ("EXAMPLE.test. AAAA", "found ttl=yes|2001:db8::1"),
        ("example.test TXT", "found ttl=yes|v=spf1 -all"),
        ("example.test MX", "found ttl=yes|10 mail.example.test|0 "),
        ("example.test NS", "found ttl=yes|ns.example.test"),
        ("example.test SOA", "found ttl=yes|ns.example.test"),
        ("example.test PTR", "nodata ttl=yes"),
        ("c.example.test A", "nodata ttl=yes"),
        ("gone.example.test A", "nxdomain ttl=yes"),
        ("alias.example.test A", "found+cname ttl=yes|192.0.2.1|192.0.2.2"),
        ("alias.example.test CNAME", "found ttl=yes|alias2.example.test"),
        ("alias.example.test PTR", "nodata+cname ttl=yes"),
        ("dangling.example.test A", "nxdomain+cname ttl=yes"),
        ("loop1.example.test A", "tempfail ttl=no (the name server failed (SERVFAIL))"),
        ("with space.example.test A", "found ttl=yes|192.0.2.4"),
        ("mx.example.test MX", "found ttl=yes|1 a\\046b.example.test"),
        ("big.example.test TXT", "found ttl=yes|" + "x" * 20000),
        ("many.example.test A", "found+ttl"),
        ("example.invalid A", "found ttl=yes|192.0.2.1|192.0.2.2"),
        ("1.2.0.192.in-addr.arpa PTR", "found ttl=yes|mail.example.test"),
        ("a..b A", "nxdomain ttl=no"),
        ("broken.test A", "tempfail ttl=no (the name server failed (SERVFAIL))"),
        ("elsewhere.example A", "tempfail ttl=no (the name server failed (SERVFAIL))"),
    ]
    words = [word for row in rows for word in row[0].rsplit(" ", 1)]
    lines, *_ = ask(server, *words)
    check("as many answers as questions", len(lines), len(rows))
    for (question, wanted), line in zip(rows, lines):
        got = line[len(question) + 1:]
        if wanted == "found+ttl":
            got = got.count("|")
            wanted = 100
        elif got.count("|") > 1:
            got, wanted = sorted(got.split("|")), sorted(wanted.split("|"))
        check(question, got, wanted)


def test_silence():
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind(("127.0.0.1", 0))
    server = "127.0.0.1@%d" % silent.getsockname()[1]
    words = [word for n in range(50) for word in ("%d.example.test" % n, "A")]
    got, waited, timer = answers(server, words, deadline=500)
    check("a silent server", set(got), {"tempfail ttl=no (no answer within the deadline)"})
    check("all have an answer", len(got), 50)
    check("none before the deadline (%d ms)" % waited, waited >= 499, True)
    check_late("a silent server", waited - 500, timer)
    # the resolver's own deadlines, as no view waits here
    for threads in ("1", "16"):
        with Load(server, "example.test", "-d", "300", "-t", threads) as load:
            check("%s ask a silent server: could not be told" % threads,
                  load.until(lambda row: row.failed >= 3 * int(threads)), True)
        load.judge("%s ask a silent server" % threads)
        check("%s ask a silent server: found" % threads, load.found, 0)
    silent.close()
    # the host itself says that nobody is there; libunbound tries on all the same
    got, waited, timer = answers("127.0.0.1@%d" % free_port(), ["example.test", "A"], deadline=1000)
    check("nobody listens", got[0].split(" ")[0], "tempfail")
    check_late("nobody listens", waited - 1000, timer)


def test_servers(server, directory):
    def conf(text):
        path = os.path.join(directory, "resolv.conf")
        with open(path, "w") as file:
            file.write(text)
        return path

    for label, words, wanted in (
            ("a word", "no-address", "resolver: no-address: not an address or address@port"),
            ("no file", "/no/such", "resolver: /no/such: No such file or directory"),
            ("nonsense in a file", conf("nameserver x.y\n"),
             "resolver: x.y: not an address or address@port")):
        check(label, ask(words, "example.test", "A")[0][0], wanted)
    # a port is no resolv.conf syntax, but libunbound takes it
    path = conf("# a comment\nsearch x\noptions ndots:1\nnameserver %s\n" % server)
    check("resolv.conf", answers(path, ["ns.example.test", "A"])[0], ["found ttl=yes|127.0.0.1"])


# Many askers at once, as long as the block that it stands for; what they were told.
class Load:
    def __init__(self, server, suffix, *options):
        self.process = subprocess.Popen(
            [ASK, *options, "-l", str(10 * LIMIT), server, suffix], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE)
        self.found, self.failed, self.late, self.timer, self.rest = 0, 0, 0, 0, b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        while self.read():
            pass
        self.process.wait(LIMIT)

    # One line more; False at the end, or if none comes.
    def read(self):
        while b"\n" not in self.rest:
            if not select.select([self.process.stdout], [], [], LIMIT)[0]:
                self.process.kill()
            octets = os.read(self.process.stdout.fileno(), 65536)
            if not octets:
                return False
            self.rest += octets
        line, self.rest = self.rest.split(b"\n", 1)
        words = line.split()
        if words[0] == b"lost":
            self.lost = int(words[1])
        else:
            found, failed, self.late, self.timer = map(int, words)
            self.found, self.failed = self.found + found, self.failed + failed
        return True

    lost = None

    # Waits until so many were found or not, since it is asked for; False: it does not come.
    def until(self, condition):
        found, failed, end = self.found, self.failed, time.monotonic() + LIMIT
        while time.monotonic() < end and self.read():
            if condition(Counts(self.found - found, self.failed - failed)):
                return True
        return False

    def judge(self, label):
        check(label + ": none lost, none twice", self.lost, 0)
        check_late(label, self.late, self.timer)


# The server stops answering in the middle of the load, until that is noticed.
def test_load(name_server, label, hurt, heal):
    with Load("127.0.0.1@%d" % name_server.port, "load.example.test", "-d", "2000") as load:
        begin = time.monotonic()
        check(label + ": answers before", load.until(lambda row: row.found > 100), True)
        quick = time.monotonic() - begin
        check(label + ": none could not be told before", load.failed, 0)
        hurt()
        check(label + ": some could not be told", load.until(lambda row: row.failed > 0), True)
        heal()
        begin = time.monotonic()
        check(label + ": answers again", load.until(lambda row: row.found > 100), True)
        took = time.monotonic() - begin
        # what was open when it came back may still have its deadline to wait for
        check("%s: well again after %.1f s, at first %.1f" % (label, took, quick),
              took < 4 + 10 * quick, True)
    load.judge(label)


def test_dnssec(name_server, anchor):
    server = "127.0.0.1@%d" % name_server.port
    words = ["signed.test", "A", "gone.signed.test", "A", "signed.test", "PTR",
             "spoilt.signed.test", "A", "example.test", "NS"]
    got, *_ = answers(server, words, anchor=anchor)
    check("proved", got, ["found+secure ttl=yes|192.0.2.1", "nxdomain+secure ttl=yes",
                          "nodata+secure ttl=yes", "tempfail ttl=no (the DNSSEC proof failed)",
                          "found ttl=yes|ns.example.test"])
    got, *_ = answers(server, words)
    check("not proved", got[0], "found ttl=yes|192.0.2.1")
    check("not disproved", got[3], "found ttl=yes|192.0.2.66")
    check("no anchor", ask(server, "signed.test", "A", anchor="/no/such")[0],
          ["resolver: /no/such: no trust anchor can be read"])


# signed.test, with an address changed after signing; the path of the anchor, or None.
def sign(directory):
    if shutil.which("ldns-signzone") is None:
        return None
    with open(os.path.join(directory, "signed.zone"), "w") as file:
        file.write("$ORIGIN signed.test.\n" + ZONE.split("@ A 192.0.2.2")[0] +
                   "spoilt A 192.0.2.65\n")
    run = subprocess.run(["ldns-keygen", "-r", "/dev/urandom", "-a", "ECDSAP256SHA256", "-k",
                          "signed.test"], cwd=directory, stdout=subprocess.PIPE,
                         universal_newlines=True, check=True)
    key = run.stdout.strip()
    subprocess.run(["ldns-signzone", "signed.zone", key], cwd=directory, check=True)
    path = os.path.join(directory, "signed.zone.signed")
    with open(path) as file:
        text = file.read().replace("192.0.2.65", "192.0.2.66")
    with open(path, "w") as file:
        file.write(text)
    return os.path.join(directory, key + ".ds")


def write_zones(directory):
    zones = {"example.test": "example.zone", "example.invalid": "example.zone",
             "2.0.192.in-addr.arpa": "reverse.zone", "broken.test": "missing.zone"}
    with open(os.path.join(directory, "example.zone"), "w") as file:
        file.write(ZONE)
        for n in range(150):
            file.write("many A 198.51.100.%d\n" % n)
        file.write("big TXT (" + "\n".join(' "%s"' % ("x" * 250) for _ in range(80)) + ")\n")
    with open(os.path.join(directory, "reverse.zone"), "w") as file:
        file.write("@ 300 IN SOA ns h 1 3600 600 86400 60\n@ 300 NS ns.x.\n"
                   "1 300 PTR mail.example.test.\n")
    anchor = sign(directory)
    if anchor:
        zones["signed.test"] = "signed.zone.signed"
    return zones, anchor


def main():
    if NSD is None:
        print("nsd is not installed: skipped")
        sys.exit(77)
    with tempfile.TemporaryDirectory(prefix="presend-dns.") as directory:
        zones, anchor = write_zones(directory)
        name_server = NameServer(directory, zones)
        try:
            name_server.start()
            server = "127.0.0.1@%d" % name_server.port
            test_answers(server)
            test_silence()
            test_servers(server, directory)
            if anchor:
                test_dnssec(name_server, anchor)
            test_load(name_server, "silent for a while",
                      lambda: name_server.signal(signal.SIGSTOP),
                      lambda: name_server.signal(signal.SIGCONT))
            test_load(name_server, "gone for a while", name_server.stop, name_server.start)
        finally:
            name_server.stop()
    print("%d failures" % len(failures))
    sys.exit(1 if failures else 0)


main()
