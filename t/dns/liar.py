"""liar.py - a name server that lies, for tests.

It answers over UDP and TCP on one free port of 127.0.0.1.  A name's records are
in a zone (a dictionary); a name in `lies`, or below one, gets the honest answer
after its lie has been at it.  What is in neither does not exist.

A lie is a function: it takes the question and the honest packet, and gives the
Sends that leave in its place.  So each behaviour is a line or two, and the same
server serves whatever asks questions: `presend spf`, `presend check`, the milter.

    with Liar(zone, LIES) as liar:
        ...  resolver = { "127.0.0.1@<liar.port>" }

Standard library alone.  Threads are daemons, connections and delays bounded.
"""

import random
import socket
import struct
import threading
import time
from collections import namedtuple

A, NS, CNAME, SOA, PTR, MX, TXT, AAAA, OPT = 1, 2, 5, 6, 12, 15, 16, 28, 41
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)

# What is longer goes by TCP: the size that DNS flag day 2020 agreed on.
UDP_MOST = 1232
TTL = 300
# Records of one answer, with a header and a question before them in a packet of 64 KB.
ANSWER_MOST = 65535 - 12 - 260
CONNECTIONS_MOST = 1000


# ---- names and records on the wire ----------------------------------------------------------


def wire(name):
    """A name without compression.  bytes: a dot parts labels.  A tuple of bytes: the labels."""
    labels = name if isinstance(name, tuple) else [l for l in _octets(name).split(b".") if l]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def _octets(text):
    return text if isinstance(text, bytes) else text.encode("ascii")


def txt(text):
    """The data of a TXT record: strings of 255 octets."""
    text = _octets(text)
    pieces = [text[i:i + 255] for i in range(0, len(text), 255)] or [b""]
    return TXT, b"".join(bytes([len(piece)]) + piece for piece in pieces)


def a(address):
    return A, socket.inet_aton(address)


def aaaa(address):
    return AAAA, socket.inet_pton(socket.AF_INET6, address)


def mx(preference, name):
    return MX, struct.pack("!H", preference) + wire(name)


def cname(name):
    return CNAME, wire(name)


def ptr(name):
    return PTR, wire(name)


def record(owner, kind, data, ttl=TTL, klass=1):
    """owner: octets as they stand in the packet, a pointer perhaps."""
    return owner + struct.pack("!HHIH", kind, klass, ttl, len(data)) + data


TO_QUESTION = b"\xc0\x0c"  # the name at octet 12, which is the question's


class Question:
    """One question as it came in; tcp: by TCP."""

    def __init__(self, packet, tcp):
        self.id, flags, count = struct.unpack("!HHH", packet[:6])
        if flags & 0x8000 or count != 1:
            raise ValueError("not a question")
        labels, at = [], 12
        while packet[at] != 0:
            labels.append(packet[at + 1:at + 1 + packet[at]].lower())
            at += 1 + packet[at]
        self.labels = tuple(labels)
        self.kind = struct.unpack("!H", packet[at + 1:at + 3])[0]
        self.octets = packet[12:at + 5]
        self.flags = flags
        self.tcp = tcp

    @property
    def name(self):
        return b".".join(self.labels)


def packet(question, answers=(), rcode=NOERROR, authority=(), flags=0x8180, counts=None,
           octets=None):
    """An answer.  counts and octets (of the question section): in place of the true ones."""
    counts = counts or (1, len(answers), len(authority), 0)
    return (struct.pack("!HHHHHH", question.id, flags | rcode, *counts)
            + (question.octets if octets is None else octets)
            + b"".join(answers) + b"".join(authority))


def nothing(question, rcode):
    """No such name, or no such record, with the SOA that says how long that holds."""
    soa = wire("ns.test") + wire("h.test") + struct.pack("!IIIII", 1, 3600, 600, 86400, 60)
    return packet(question, rcode=rcode, authority=[record(b"\0", SOA, soa)])


# ---- honest answers -------------------------------------------------------------------------

# Records of a name are (type, data) or (type, data, ttl); its answer follows CNAMEs, as a
# resolver's does, a hundred of them at the most.
CHAIN_MOST = 100


def honest(question, zone):
    name, owner, answers = question.name, TO_QUESTION, []
    for _ in range(CHAIN_MOST):
        listed = zone.get(name.decode("latin-1"))
        if listed is None:
            return packet(question, answers) if answers else nothing(question, NXDOMAIN)
        found = [r for r in listed if r[0] == question.kind]
        alias = [r for r in listed if r[0] == CNAME and r[0] != question.kind]
        answers += [record(owner, *r) for r in (found or alias)]
        if found or not alias:
            return packet(question, answers) if answers else nothing(question, NOERROR)
        owner = alias[0][1]
        name = _dotted(owner)
    return packet(question, answers)


def _dotted(data):
    labels, at = [], 0
    while data[at] != 0:
        labels.append(data[at + 1:at + 1 + data[at]].lower())
        at += 1 + data[at]
    return b".".join(labels)


# ---- lies -----------------------------------------------------------------------------------

# One thing that is sent: octets after delay seconds.  By TCP the length goes in front, unless
# raw; gap: seconds between octet and octet; reset: an RST follows.
OCTET_BY_OCTET = -1.0  # a gap without a sleep, whose length a busy machine would decide
Send = namedtuple("Send", "octets delay gap raw reset", defaults=(b"", 0.0, 0.0, False, False))


def says(code):
    return lambda question, good: [Send(packet(question, rcode=code))]


def patched(at, value, size=2):
    """The honest packet with other octets at an offset."""
    octets = value.to_bytes(size, "big")
    return lambda question, good: [Send(good[:at] + octets + good[at + size:])]


def late(seconds):
    return lambda question, good: [Send(good, delay=seconds)]


def only_tcp(lie, rcode=NOERROR):
    """UDP says: too long, come by TCP.  There the lie waits."""
    def by_tcp(question, good):
        if question.tcp:
            return lie(question, good)
        return [Send(packet(question, rcode=rcode, flags=0x8380))]
    return by_tcp


def answer_with(owner, kind=None, data=None, **more):
    """One record with this owner in place of the honest answer."""
    def lie(question, good):
        octets = txt("v=spf1 +all")[1] if data is None else data
        return [Send(packet(question, [record(owner, kind or question.kind, octets, **more)]))]
    return lie


def other_question(question, good):
    return [Send(good[:12] + wire("other.test") + good[12 + len(question.octets) - 4:])]


def wrong_id(question, good):
    return [Send(struct.pack("!H", question.id ^ 0x5555) + good[2:])]


def many_wrong_ids(question, good):
    return [Send(struct.pack("!H", question.id ^ n) + good[2:]) for n in range(1, 300)]


def with_ttl(ttl):
    """The honest records with another TTL; they all stand behind a pointer to the question."""
    def lie(question, good):
        at = good.find(TO_QUESTION + struct.pack("!HH", question.kind, 1))
        if at < 0:
            return [Send(good)]
        return [Send(good[:at + 6] + struct.pack("!I", ttl) + good[at + 10:])]
    return lie


def noise(question, good):
    """Octets without sense, the same for the same name."""
    octets = random.Random(question.name).randbytes(500)
    return [Send(octets), Send(good[:2] + octets), Send(good[:12] + octets)]


def fan(question, good):
    """A CNAME that leads on and on, a new name each time: one question makes the next."""
    labels = wire((b"n%d" % random.randrange(10 ** 6),) + question.labels)
    return [Send(packet(question, [record(TO_QUESTION, CNAME, labels)]))]


def pointer_chain(question, good):
    """An owner name that is reached through 2,000 pointers."""
    root = 12 + len(question.octets) + len(TO_QUESTION) + 10
    targets = [root] + [root + 1 + 2 * n for n in range(2000)]
    pointers = [struct.pack("!H", 0xc000 | target) for target in targets]
    return [Send(packet(question, [record(TO_QUESTION, 99, b"\0" + b"".join(pointers[:-1])),
                                   record(pointers[-1], question.kind, txt("v=spf1 +all")[1])]))]


LIES = {
    # a name server that fails, or will not
    "silence": lambda question, good: [],
    "servfail": says(SERVFAIL),
    "formerr": says(FORMERR),
    "notimp": says(NOTIMP),
    "refused": says(REFUSED),
    "yxdomain": says(6),
    "rcode15": says(15),
    "late": late(0.1),
    "too-late": late(3),
    # headers
    "wrong-id": wrong_id,
    "many-wrong-ids": many_wrong_ids,
    "right-at-last": lambda question, good: [
        *many_wrong_ids(question, good), Send(good, delay=0.1)],
    "wrong-question": other_question,
    "qr-clear": patched(2, 0x01, 1),
    "opcode": patched(2, 0xa9, 1),
    "no-question": lambda question, good: [Send(packet(question, octets=b"", counts=(0, 0, 0, 0)))],
    "absurd-counts": lambda question, good: [
        Send(packet(question, counts=(1, 65535, 65535, 65535)))],
    "absurd-questions": patched(4, 65535),
    "more-promised": lambda question, good: [
        Send(good[:6] + struct.pack("!H", 2) + good[8:])],
    "zero-length": lambda question, good: [Send(b"")],
    "one-octet": lambda question, good: [Send(good[:1])],
    "header-only": lambda question, good: [Send(good[:12])],
    "half": lambda question, good: [Send(good[:len(good) - len(good) // 3])],
    "noise": noise,
    "nxdomain-cut": only_tcp(lambda question, good: [Send(raw=True, reset=True)], NXDOMAIN),
    "trailing": lambda question, good: [Send(good + b"\0" * 200)],
    "nothing-at-all": lambda question, good: [Send(packet(question))],
    # records
    "other-name": answer_with(wire("other.test")),
    "other-type": answer_with(TO_QUESTION, kind=99),
    "other-class": answer_with(TO_QUESTION, klass=3),
    "pointer-loop": answer_with(struct.pack("!H", 0xc000 | 26)),
    "pointer-to-itself": lambda question, good: [Send(packet(question, [record(
        struct.pack("!H", 0xc000 | 12 + len(question.octets)), question.kind, b"\1x")]))],
    "pointer-forward": answer_with(b"\xc0\xff"),
    "pointer-past": answer_with(b"\xff\xff"),
    "pointer-to-header": answer_with(b"\xc0\x00"),
    "pointer-chain": pointer_chain,
    "label-type-01": answer_with(b"\x40x\0"),
    "label-type-10": answer_with(b"\x80x\0"),
    "name-too-long": answer_with(wire((b"x" * 63,) * 5)),
    "rdlength-long": lambda question, good: [
        Send(packet(question, [record(TO_QUESTION, question.kind, b"\1x")[:-3] + b"\xff\xff\1x"]))],
    "rdlength-zero": answer_with(TO_QUESTION, data=b""),
    "string-past-end": answer_with(TO_QUESTION, data=b"\x40v=spf1 +all"),
    "ttl-zero": with_ttl(0),
    "ttl-huge": with_ttl(2 ** 32 - 1),
    "cname-for-ever": fan,
    # TCP
    "tc-no-tcp": only_tcp(lambda question, good: [Send(raw=True, reset=True)]),
    "tcp-good": only_tcp(lambda question, good: [Send(good)]),
    "tcp-silence": only_tcp(lambda question, good: []),
    "tcp-reset": only_tcp(lambda question, good: [Send(good[:8], raw=True, reset=True)]),
    "tcp-half": only_tcp(lambda question, good: [
        Send(struct.pack("!H", len(good)) + good[:len(good) // 2], raw=True)]),
    "tcp-drip": only_tcp(lambda question, good: [Send(good, gap=OCTET_BY_OCTET)]),
    "tcp-slow-drip": only_tcp(lambda question, good: [Send(good, gap=0.1)]),
    "tcp-no-length": only_tcp(lambda question, good: [Send(b"\0\0", raw=True)]),
    "tcp-great-length": only_tcp(lambda question, good: [
        Send(b"\xff\xff" + good[:40], raw=True)]),
    "tcp-wrong-id": only_tcp(wrong_id),
    "tcp-tc-again": only_tcp(lambda question, good: [Send(packet(question, flags=0x8380))]),
}


# ---- the server -----------------------------------------------------------------------------


def free_sockets():
    """A UDP and a TCP socket on one free port."""
    while True:
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        tcp = socket.socket()
        udp.bind(("127.0.0.1", 0))
        try:
            tcp.bind(udp.getsockname())
            return udp, tcp
        except OSError:
            udp.close()
            tcp.close()


class Liar:
    """zone: {name: [(type, data), (type, data, ttl), ...]}; lies: {name: lie}, for all below."""

    def __init__(self, zone, lies):
        self.zone, self.lies = zone, lies
        for name, records in zone.items():
            for kind in {entry[0] for entry in records}:
                if sum(12 + len(entry[1]) for entry in records if entry[0] == kind) > ANSWER_MOST:
                    raise ValueError("%s: more than a packet can hold" % name)
        self.udp, self.tcp = free_sockets()
        self.port = self.udp.getsockname()[1]
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
        self.tcp.listen(CONNECTIONS_MOST)
        self.room = threading.Semaphore(CONNECTIONS_MOST)
        self.asked = 0
        self.faults = []
        self.over = False

    def __enter__(self):
        threading.Thread(target=self._serve_udp, daemon=True).start()
        threading.Thread(target=self._serve_tcp, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.over = True
        # an empty datagram wakes the one, closing the other
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()

    def _sends(self, octets, tcp):
        """What leaves for this question; none if it is no question."""
        try:
            question = Question(octets, tcp)
        except (ValueError, IndexError, struct.error):
            return []
        self.asked += 1
        try:
            good = honest(question, self.zone)
            lie = self._lie_for(question)
            return lie(question, good) if lie else self._whole(question, good)
        except Exception as error:  # not one of the lies: a fault of this server, told at the end
            self.faults.append("%r: %r" % (question.name, error))
            return []

    @staticmethod
    def _whole(question, good):
        if question.tcp or len(good) <= UDP_MOST:
            return [Send(good)]
        return [Send(packet(question, flags=0x8380))]

    def _lie_for(self, question):
        for i in range(len(question.labels)):
            name = b".".join(question.labels[i:]).decode("latin-1")
            if name in self.lies:
                return self.lies[name]
        return None

    # ---- UDP

    def _serve_udp(self):
        while not self.over:
            octets, client = self.udp.recvfrom(4096)
            for send in self._sends(octets, False):
                if send.delay:
                    timer = threading.Timer(send.delay, self._send_udp, (send.octets, client))
                    timer.daemon = True
                    timer.start()
                else:
                    self._send_udp(send.octets, client)
        self.udp.close()

    def _send_udp(self, octets, client):
        try:
            self.udp.sendto(octets[:65000], client)
        except OSError:
            pass  # nobody waits any more

    # ---- TCP

    def _serve_tcp(self):
        while not self.over:
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            if self.room.acquire(blocking=False):
                threading.Thread(target=self._converse, args=(connection,), daemon=True).start()
            else:
                connection.close()

    def _converse(self, connection):
        connection.settimeout(5)
        try:
            with connection:
                while self._one_question(connection):
                    pass
        except OSError:
            pass
        finally:
            self.room.release()

    def _one_question(self, connection):
        """False: the connection is over."""
        head = self._read(connection, 2)
        octets = self._read(connection, struct.unpack("!H", head)[0]) if head else b""
        if not octets:
            return False
        # silence is one question's: others come over the same connection
        return all([self._send_tcp(connection, send) for send in self._sends(octets, True)])

    @staticmethod
    def _read(connection, count):
        octets = b""
        while len(octets) < count:
            piece = connection.recv(count - len(octets))
            if not piece:
                return b""
            octets += piece
        return octets

    @staticmethod
    def _send_tcp(connection, send):
        octets = send.octets if send.raw else struct.pack("!H", len(send.octets)) + send.octets
        time.sleep(send.delay)
        if send.gap:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(len(octets)):
                connection.sendall(octets[i:i + 1])
                if send.gap > 0:
                    time.sleep(send.gap)
        else:
            connection.sendall(octets)
        if send.reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return not (send.raw or send.reset)
