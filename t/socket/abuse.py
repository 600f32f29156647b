#!/usr/bin/env python3
"""What no mail server does: the daemon lives, stays small, and its log stays its own."""

import json
import os
import random
import socket
import struct
import threading

import mta
from mta import Daemon, Gone, Session, check, equal

BAD_FROM = (("From", "Doe, John <ann@example.com>"),)
ENFORCE = "mode = enforce"
PEAK_KB = 64 * 1024  # of the whole process, whatever is done to it

EVIL = ('x"\r\n{"v":1,"verdict":"accept"}\npresend-milter: forged\r\n\x1b[2J\u202e\x85'
        ' action=accept\t\\"}')


class Target:
    """A daemon that must be as good after the abuse as before."""

    def __init__(self, config=ENFORCE):
        self.daemon = Daemon(config)

    def __enter__(self):
        return self.daemon

    def __exit__(self, *failure):
        with self.daemon:
            if failure[0] is None:
                self.verify()

    def verify(self):
        d = self.daemon
        s = d.session()
        equal(s.message(headers=BAD_FROM)[1].code, 550, "a bad message afterwards")
        equal(s.message()[1].kind, "a", "a good message afterwards")
        s.quit()
        check(d.peak_kb() < PEAK_KB, f"{d.peak_kb()} kB at the peak")
        d.wait_for(lambda: connections(d) == 0, "end of all connections")
        equal(d.stop(), 0, "status")
        check("stopping: 0 connections are open, 0 messages under way" in d.log(),
              f"something was not given back: {d.log()[-500:]}")
        own_lines(d.log())


def connections(d):
    """Sockets of the daemon beside the listening one and both ends of its nudge."""
    count = 0
    for fd in os.listdir(f"/proc/{d.pid}/fd"):
        try:
            count += os.readlink(f"/proc/{d.pid}/fd/{fd}").startswith("socket:")
        except FileNotFoundError:
            pass
    return count - 3


def own_lines(log, text=False):
    """Every line is a whole record or one of the daemon's own words, in printable characters."""
    for line in log.split("\n")[:-1]:
        check(all(c.isprintable() or ord(c) > 0xffff for c in line), f"not printable: {line!r}")
        if line.startswith("presend-milter: "):
            check("forged" not in line or "\\x" in line, f"a forged line: {line!r}")
        elif not text:
            equal(json.loads(line)["v"], 1, "a record")


def raw(d):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(mta.TIMEOUT)
    s.connect(d.address)
    return s


def packet(command, data=b"", length=None):
    return struct.pack(">I", len(data) + 1 if length is None else length) + command + data


def feed(d, data, patience=0.2):
    """Sends it and waits a moment for the daemon to close, then cuts the line."""
    s = raw(d)
    try:
        s.sendall(data)
        s.settimeout(patience)
        while s.recv(4096):
            pass
    except (OSError, TimeoutError):
        pass
    s.close()


NEGOTIATION = packet(b"O", struct.pack(">III", 6, mta.ALL_ACTIONS, mta.ALL_STEPS))
CONNECT = packet(b"C", b"localhost\x004\x61\xa8127.0.0.1\0")
MAIL, RCPT = packet(b"M", b"<ann@example.com>\0"), packet(b"R", b"<bob@example.net>\0")


def test_garbage():
    generator = random.Random(5321)
    with Target() as d:
        feed(d, b"")
        feed(d, b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        feed(d, b"EHLO client.example.com\r\n")
        feed(d, bytes.fromhex("16030100a5010000a10303") + bytes(160))
        feed(d, b"\xff" * 100)
        feed(d, bytes(1000))
        for _ in range(100):
            feed(d, generator.randbytes(generator.randrange(1, 300)), 0.01)
        for _ in range(100):
            feed(d, NEGOTIATION + generator.randbytes(generator.randrange(1, 300)), 0.01)


def test_packets_of_odd_length():
    with Target() as d:
        for prefix in (b"", NEGOTIATION, NEGOTIATION + CONNECT, NEGOTIATION + CONNECT + MAIL,
                       NEGOTIATION + CONNECT + MAIL + RCPT):
            for bad in (packet(b"O", b"\0" * 11), packet(b"L", length=0), packet(b"L", length=1),
                        packet(b"L", b"a\0", length=0x7fffffff),
                        packet(b"M", b"x", length=0xffffffff),
                        packet(b"L", b"a" * 65534), packet(b"L", b"a" * 65535), packet(b"B", b""),
                        packet(b"C", b"x"), packet(b"C", b"x\0004"), packet(b"C", b"x\0004\0"),
                        packet(b"C", b"x\0004\0\x19999.1.1.1\0"), packet(b"C", b"x\0L\0\0/sock\0"),
                        packet(b"C", b"\0U"), packet(b"H", b""), packet(b"H", b"x"),
                        packet(b"M", b""), packet(b"M", b"x"), packet(b"M", b"\0"),
                        packet(b"R", b"\0\0\0"), packet(b"D", b""), packet(b"D", b"M"),
                        packet(b"D", b"Mi\0"), packet(b"D", b"M\0\0\0"), packet(b"E", b"x" * 10),
                        packet(b"Z", b"x"), packet(b"K"), packet(b"K") + CONNECT + MAIL,
                        packet(b"T"), packet(b"U", b"NOOP\0"), packet(b"A"), packet(b"N")):
                feed(d, prefix + bad, 0.002)


def test_no_negotiation():
    """A peer that does not negotiate has no session, and nothing passes by it."""
    with Target() as d:
        s = Session(d.address, negotiate=False)
        equal(s.mail().kind, "t", "MAIL without negotiation")
        s.close()
        s = d.session()
        equal(s.step("U", b"NOOP\0").kind, "c", "a command that we did not ask for")
        s.send("K")
        s.connect(address="127.0.0.1")
        equal(s.mail().kind, "t", "MAIL on a second connection in the first one's place")
        s.close()


def test_wrong_order():
    with Target() as d:
        s = d.session()
        for command, data in (("R", b"<bob@example.net>\0"), ("N", b""), ("E", b""),
                              ("L", b"From\0 x\0"), ("B", b"x"), ("A", b""), ("T", b"")):
            s.send(command, data)
        equal(s.message(headers=BAD_FROM)[1].code, 550, "a message after all that")
        s.mail()
        s.mail("<b@example.com>")
        s.rcpt()
        s.send("E")
        equal(s.reply().code, 550, "a message without a header")
        equal(d.record()["envelope"]["mail_from"], "b@example.com", "the second MAIL counts")
        s.quit()


def test_death_at_each_stage():
    steps = [NEGOTIATION, packet(b"D", b"C{daemon_name}\0smtpd\0"), CONNECT, packet(b"H", b"x\0"),
             MAIL, RCPT, packet(b"L", b"From\0 Doe, John <a@example.com>\0"),
             packet(b"N"), packet(b"E")]
    whole = b"".join(steps)
    with Target("mode = audit\n") as d:
        # back to enforce for what every test asks at its end
        for reset in (False, True):
            for at in range(len(whole) + 1):
                s = raw(d)
                if reset:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.sendall(whole[:at])
                s.close()
        d.reload(ENFORCE)


def test_death_while_answering():
    with Target() as d:
        for _ in range(200):
            s = d.session()
            s.mail()
            s.rcpt()
            s.header(*BAD_FROM[0])
            s.send("N")
            s.close()


def many_headers(d, count=50000):
    s = d.session()
    s.mail()
    s.rcpt()
    for i in range(count):
        s.header(f"X-{i % 100}", "y" * 20)
    s.header("From", "Doe, John <ann@example.com>")
    equal(s.finish().code, 550, "the From field behind them")
    s.quit()


def test_many_headers():
    with Target() as d:
        many_headers(d)


def test_many_headers_side_by_side():
    failures = []

    def client(d):
        try:
            many_headers(d, 20000)
        except Exception as why:  # reported by the test itself
            failures.append(repr(why))

    with Target() as d:
        clients = [threading.Thread(target=client, args=[d]) for _ in range(10)]
        for c in clients:
            c.start()
        for c in clients:
            c.join()
        equal(failures, [], "failures")


def test_large_headers():
    with Target() as d:
        s = d.session()
        s.mail()
        s.rcpt()
        for i in range(100):
            s.header(f"X-{i}", "y" * 60000)
        s.header("From", "a" * 60000)
        reply = s.finish()
        equal((reply.code, d.record()["findings"][0]["check"][:5]), (550, "from."), "60,000 octets")
        for fold in ("\n ", "\r\n\t", ",", "(", "<", '"', "=?utf-8?q?", "@", "\\"):
            stage, reply = s.message(headers=(("From", fold * (60000 // len(fold))),))
            equal((stage, reply.code), ("eom", 550), f"60,000 octets of {fold!r}")
        s.mail()
        s.rcpt()
        try:
            s.header("From", "a" * 1024 * 1024)
            s.finish()
            raise AssertionError("a packet over the protocol's limit was taken")
        except (Gone, OSError):
            s.close()


def test_many_recipients():
    with Target() as d:
        s = d.session()
        s.mail()
        for i in range(100000):
            # in pieces, since each is answered
            s.send("R", f"<user{i}@host{i}.example.net>\0".encode())
            if i % 100 == 99:
                for _ in range(100):
                    equal(s.reply().kind, "c", "a recipient")
        s.header(*BAD_FROM[0])
        equal(s.finish().code, 550, "the message")
        check(len(d.record()["envelope"]["rcpt_domains"]) <= 50, "too many domains in the record")
        s.quit()


def test_many_bad_recipients():
    with Target(ENFORCE + '\ncheck "envelope.recipient-syntax" { action = reject }') as d:
        s = d.session()
        s.mail()
        for i in range(20000):
            equal(s.rcpt(f"<user{i}@@example.net>").code, 553, "a bad recipient")
        s.rcpt()
        s.header("From", "Ann <ann@example.com>")
        s.end_of_header()
        equal(s.end().kind, "a", "the message")
        check(len(d.record()["findings"]) <= 100, "too many findings")
        s.quit()


def test_many_flag_fields():
    with Target(ENFORCE + '\ncheck "from.duplicate" { action = flag }'
                '\ncheck "from.ambiguous" { action = flag }') as d:
        s = d.session()
        headers = [("X-Presend-Flag", "x")] * 1000 + [("From", "ann@example.com")] * 1000
        stage, reply = s.message(headers=headers)
        equal((stage, reply.kind, len(reply.changed("m"))), ("eom", "a", 100), "fields removed")
        equal(reply.changes[99][1][:4], b"\0\0\0\1", "the last one removed")
        s.quit()


def test_strange_fields():
    with Target("mode = audit") as d:
        s = d.session()
        for data in (b"From\0\0", b"From\0 a\0b\0", b"From: x\0 y\0",
                     b"From \0 a@example.com\0", b"Fr\r\nom\0 a\0", b"\xff\xfe\0\xff\0",
                     b"From\0 \r\n \r\n a@example.com\0", b"From\0\r\0", b"From\0\n\0"):
            s.mail()
            s.rcpt()
            s.send("L", data)
            equal(s.end_of_header().kind, "c", f"the header {data!r}")
            equal(s.end().kind, "a", f"the message with {data!r}")
        for data in (b"From", b"From\0", b"From\0 x", b"\0\0", b"\0 x\0", b""):
            t = d.session()
            t.mail()
            t.rcpt()
            t.send("L", data)
            try:
                t.finish()
                raise AssertionError(f"a packet without its two strings was taken: {data!r}")
            except (Gone, OSError):
                t.close()
        s.quit()
        d.reload(ENFORCE)


def forge(config, text):
    with Target(config) as d:
        s = Session(d.address)
        s.connect(name=EVIL, address="127.0.0.1", macros={"{daemon_name}": EVIL})
        s.helo(EVIL)
        s.message(mail=f"<{EVIL}@example.com>", rcpts=(f"<{EVIL}@example.net>",
                                                       "<bob@example.net>"), headers=())
        for name, body in (("From", EVIL), ("From", f'"{EVIL}" <ann@example.com>'), (EVIL, EVIL),
                           ("From", "=?utf-8?b?" + "DQp7InYiOjF9DQo=" + "?= <ann@example.com>"),
                           ("From", b"\xff\xfe\x80\0".replace(b"\0", b"") + b" <a@example.com>")):
            s.message(rcpts=("<bob@example.net>",), headers=((name, body), ("Message-ID", EVIL)),
                      login=EVIL, queue_id=EVIL)
        s.quit()
        check(len(d.log().splitlines()) >= 6, "too few lines to tell anything")
        own_lines(d.log(), text)
        d.reload(ENFORCE)


def test_no_forged_line():
    forge(ENFORCE, False)
    forge("mode = audit", False)


def test_no_forged_line_in_text():
    with Daemon("mode = audit\nlog_format = text") as d:
        s = Session(d.address)
        s.connect(name=EVIL, address="127.0.0.1", macros={"{daemon_name}": EVIL})
        s.helo(EVIL)
        for i in range(5):
            s.message(mail=f"<{EVIL}@example.com>", headers=(("From", EVIL), ("Subject", EVIL)),
                      login=EVIL, queue_id=EVIL)
        s.quit()
        lines = [x for x in d.log().split("\n")[:-1] if not x.startswith("presend-milter: ready")]
        equal(len(lines), 5, "lines of five messages")
        own_lines(d.log(), True)
        equal(d.stop(), 0, "status")


if __name__ == "__main__":
    mta.run([f for name, f in sorted(globals().items(), key=lambda x: getattr(
        getattr(x[1], "__code__", None), "co_firstlineno", 0)) if name.startswith("test_")])
