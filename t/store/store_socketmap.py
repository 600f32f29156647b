#!/usr/bin/python3
"""The store socketmap against a server of our own (Postfix brings none), and Postfix's own
client, `postmap -q`, against the same server: both have to read its answers the same way."""

import os
import shutil
import socket
import subprocess
import threading
import time

import store_lab as lab

ENTRIES = {
    ("vmailbox", "ann@example.com"): "OK example.com/ann/",
    ("vmailbox", "@catch.example"): "OK x",
    ("vmailbox", '"a b"@example.com'): "OK x",
    ("vmailbox", "empty@example.com"): "OK ",
    ("vmailbox", "temp@example.com"): "TEMP the database is away",
    ("vmailbox", "late@example.com"): "TIMEOUT it took too long",
    ("vmailbox", "perm@example.com"): "PERM no such table",
    ("vmailbox", "odd@example.com"): "MAYBE so",
    ("vmailbox", "large@example.com"): "OK " + "x" * 60000,
    ("valias", "info@example.com"): 'OK ann@example.com, bob@other.example,"x y"@example.com',
    ("valias", "many@example.com"): "OK " + " ".join("u%d@x.example" % i for i in range(1001)),
    ("slogin", "ann@example.com"): "OK ann,boss",
    ("vdomain", "example.com"): "OK example.com",
}


def netstring(octets):
    return b"%d:%s," % (len(octets), octets)


class Socketmap:
    """A server that checks every request to the octet."""

    def __init__(self, place):
        self.place, self.asked, self.bad, self.socket = place, [], [], None
        self.stopped = threading.Event()

    def start(self):
        if os.path.exists(self.place):
            os.unlink(self.place)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.place)
        self.socket.listen(50)
        self.open = []
        self.stopped = threading.Event()
        threading.Thread(target=self.run, args=(self.socket,), daemon=True).start()

    def run(self, listener):
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        buffer = b""
        try:
            while True:
                piece = connection.recv(65536)
                if not piece:
                    break
                buffer += piece
                while b":" in buffer:
                    length, rest = buffer.split(b":", 1)
                    if len(rest) < int(length) + 1:
                        break
                    if rest[int(length):int(length) + 1] != b",":
                        self.bad.append(buffer)
                    request, buffer = rest[:int(length)], rest[int(length) + 1:]
                    while self.hanging:
                        time.sleep(0.02)
                    self.answer(connection, request)
        except (OSError, ValueError) as e:
            if isinstance(e, ValueError):
                self.bad.append(buffer)
        connection.close()

    hanging = False

    def answer(self, connection, request):
        self.asked.append(request)
        name, _, key = request.decode("utf-8", "surrogateescape").partition(" ")
        connection.sendall(netstring(ENTRIES.get((name, key), "NOTFOUND ").encode()))

    def stop(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        os.unlink(self.place)
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def hang(self):
        self.hanging = True

    def wake(self):
        self.hanging = False


def postmap(config, place, name, key):
    """What Postfix's client says: "found", "notfound" or "failed"."""
    run = subprocess.run([shutil.which("postmap", path=lab.PATH), "-c", config, "-q", key,
                          "socketmap:unix:%s:%s" % (place, name)], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, encoding="utf-8")
    if run.returncode == 0 and run.stdout:
        return "found"
    return "failed" if run.stderr else "notfound"


def test_answers(place):
    for name, holds, service, rows in (
            ("vmailbox", "mailboxes", "address", [
                ("ann@example.com", "found mailbox"), ("@catch.example", "found mailbox"),
                ('"a b"@example.com', "found mailbox"), ("empty@example.com", "found mailbox"),
                ("bob@example.com", "notfound"), ("@example.com", "notfound"),
                ("temp@example.com", "tempfail"), ("late@example.com", "tempfail"),
                ("perm@example.com", "permfail"), ("odd@example.com", "tempfail"),
                ("large@example.com", "found mailbox")]),
            ("valias", "aliases", "address", [
                ("info@example.com",
                 'found alias ann@example.com,bob@other.example,"x y"@example.com'),
                ("many@example.com", "tempfail"), ("ann@example.com", "notfound")]),
            ("slogin", "logins", "logins", [
                ("ann@example.com", "found logins /ann,boss"), ("bob@example.com", "notfound")]),
            ("vdomain", "domains", "domain", [
                ("example.com", "found domain"), ("other.example", "notfound")])):
        ask = lab.Ask("socketmap", {"socket": "unix:" + place, "map": name, "holds": holds})
        lab.check_table(ask, rows, service)
        if name == "vmailbox":
            lab.check_of_key(ask, ("temp@example.com", True), ("perm@example.com", True),
                             ("late@example.com", False), ("odd@example.com", False),
                             ("ann@example.com", False))
        if name == "valias":
            lab.check_of_key(ask, ("many@example.com", True))
        lab.check_end(ask)


def test_as_postfix(where, place):
    """Every answer but those that only we refuse to believe is read as Postfix reads it."""
    if shutil.which("postmap", path=lab.PATH) is None:
        lab.skip("postmap is not installed (package postfix)")
    where.file("main.cf", "compatibility_level = 3.6\n")
    ask = lab.Ask("socketmap", {"socket": "unix:" + place, "map": "vmailbox"})
    for key in ("ann@example.com", "bob@example.com", "temp@example.com", "late@example.com",
                "perm@example.com", "odd@example.com", '"a b"@example.com'):
        ours = ask(key).status.replace("tempfail", "failed").replace("permfail", "failed")
        lab.check("as Postfix: " + key, ours, postmap(where.path, place, "vmailbox", key))
    lab.check_end(ask)


def test_protocol():
    """Half an answer, one too large, what is no netstring, what nobody asked for."""
    said = [
        ("half", lab.says(b"20:OK exam")), ("half, then closed", lab.says(b"9:OK", then=lab.closes)),
        ("no length", lab.says(b":OK x,")), ("sign", lab.says(b"+4:OK x,")),
        ("zero first", lab.says(b"04:OK x,")), ("too long a length", lab.says(b"9999999:OK")),
        ("larger than the ceiling", lab.says(b"999999:OK " + b"x" * 999999)),
        ("no comma", lab.says(b"4:OK x;")), ("two answers", lab.says(b"4:OK x,4:OK x,")),
        ("empty", lab.says(b"0:,")), ("only a length", lab.says(b"5")),
        ("blank", lab.says(b" 4:OK x,")), ("words", lab.says(b"3:OKx,")),
        ("lower case", lab.says(b"4:ok x,")),
        ("unasked", lab.says(b"4:OK x,", after=False))]
    for label, handler in said:
        server = lab.FalseServer(handler)
        ask = lab.Ask("socketmap", {"socket": server.place, "map": "m"})
        time.sleep(0.05)
        # unasked and yet at once: dropped with the connection, or, on a new one, too late to tell
        lab.check_late("protocol: " + label, ask, "ann@example.com",
                       status=("tempfail", "found") if label == "unasked" else ("tempfail",))
        lab.check_end(ask)
        server.end()


def test_unasked_later():
    """An answer that comes when nothing was asked is not the answer to the next question."""
    gate = threading.Event()

    def handler(connection):
        connection.recv(4096)
        connection.sendall(b"9:NOTFOUND ,")
        if not gate.is_set():
            time.sleep(0.1)
            connection.sendall(b"4:OK x,")
            gate.set()
            lab.silent(connection)

    server = lab.FalseServer(handler)
    ask = lab.Ask("socketmap", {"socket": server.place, "map": "m"})
    lab.check("first", ask("a@example.com").status, "notfound")
    gate.wait(5)
    time.sleep(0.05)
    lab.check("what nobody asked for is no answer", ask("b@example.com").status, "notfound")
    lab.check("a new connection", server.count, 2)
    lab.check_end(ask)
    server.end()


def test_places(place):
    lab.check_options("socketmap", {"socket": "unix:" + place, "map": "m"}, [
        ({"socket": None}, "needs socket"), ({"socket": "unix:relative"}, "no place"),
        ({"socket": "inet:host"}, "no place"), ({"socket": "inet:host:0"}, "no place"),
        ({"socket": "inet:host:65536"}, "no place"), ({"socket": "inet:-x:1"}, "no place"),
        ({"socket": "inet:a b:1"}, "no place"), ({"socket": "inet:[::1:1"}, "no place"),
        ({"socket": "unix:/" + "x" * 200}, "no place"), ({"map": "a b"}, "no name"),
        ({"map": ""}, "no name"), ({"holds": "x"}, "none of"), ({"mapp": "x"}, "no option")])
    server = lab.FalseServer(lab.says(b"4:OK x,"))
    for text, wanted in (("inet:localhost:%d", "found"), ("localhost:%d", "found"),
                         ("inet:127.0.0.1:%d", "found"), ("inet:no-such-host.invalid:%d", "tempfail")):
        ask = lab.Ask("socketmap", {"socket": text % server.port(), "map": "m"})
        lab.check("place " + text, ask("a@b").status, wanted)
        lab.check_end(ask)
    server.end()
    ask = lab.Ask("socketmap", {"socket": "inet:::1", "map": "m"})
    lab.check("an address without a port", ask.notes, lambda notes: "no place" in notes)
    ask.end()
    try:
        server = lab.FalseServer(lab.says(b"4:OK x,"), family=socket.AF_INET6)
    except OSError:
        print("no IPv6 on this host")
    else:
        for text in ("inet:[::1]:%d", "[::1]:%d"):
            ask = lab.Ask("socketmap", {"socket": text % server.port(), "map": "m"})
            lab.check("place " + text, ask("a@b").status, "found")
            lab.check_end(ask)
        server.end()
    with lab.Lab() as where:
        ask = lab.Ask("socketmap", {"socket": where.path + "/none", "map": "m"})
        lab.check("no socket", ask("a@b").status, "tempfail")
        lab.check_end(ask)


def main():
    with lab.Lab() as where:
        server = Socketmap(where.path + "/s")
        server.start()
        test_answers(server.place)
        test_as_postfix(where, server.place)
        ask = lab.Ask("socketmap", {"socket": server.place, "map": "vmailbox"})
        lab.check_injections(ask)
        lab.check("no request was malformed", server.bad, [])
        lab.check("none with a control character", [r for r in server.asked if any(
            c < 32 or c == 127 for c in r)], [])
        lab.check("all are UTF-8", [r for r in server.asked
                                    if r.decode("utf-8", "ignore").encode() != r], [])
        lab.check("and those that can be asked were", b"vmailbox *@example.com" in server.asked, True)
        lab.check_life(ask, server, "ann@example.com")
        lab.check_end(ask)
        test_places(server.place)
        server.stop()
    test_protocol()
    test_unasked_later()
    lab.check_rude("socketmap", lambda s: {"socket": s.place, "map": "m"}, "ann@example.com")
    lab.finish()


main()
