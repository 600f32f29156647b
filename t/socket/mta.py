"""The mail server's side of the milter protocol, and a daemon to talk to.

Shared by the tests of this folder.  Session plays an MTA over one connection,
step by step, so that a test can also be wrong on purpose.  Daemon starts one
presend-milter in a directory of its own and ends it by its pid.
"""

import json
import os
import pwd
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import traceback

TIMEOUT = float(os.environ.get("PRESEND_TEST_TIMEOUT", "60"))

# actions and steps as the protocol numbers them
ADDHDRS, CHGHDRS, QUARANTINE, SETSYMLIST = 0x01, 0x10, 0x20, 0x100
ALL_ACTIONS = 0x1FF
NOBODY, NR_HDR, NOUNKNOWN, NODATA = 0x10, 0x80, 0x100, 0x200
NR_CONN, NR_HELO, NR_EOH, NR_BODY, LEADSPC = 0x1000, 0x2000, 0x40000, 0x80000, 0x100000
ALL_STEPS = 0x1FFFFF

VERSION = "Postfix 3.7.11"  # of the MTA we play

CHANGES = b"+-2behimqp"  # replies that change something and are followed by another


def octets(text):
    return text if isinstance(text, bytes) else text.encode()


def find_binary():
    path = os.environ.get("PRESEND_MILTER")
    if not path:
        path = os.path.join(os.environ.get("builddir", "."), "presend-milter")
    if not os.access(path, os.X_OK):
        sys.exit(f"{path} is not there: set PRESEND_MILTER or builddir")
    return os.path.abspath(path)


def free_port(family=socket.AF_INET, host="127.0.0.1"):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        s.bind((host, 0))
        return s.getsockname()[1]


class Gone(Exception):
    """The daemon closed the connection."""


class Reply:
    """What came back for one step: the final reply and the changes before it."""

    def __init__(self, kind, data, changes=()):
        self.kind, self.data, self.changes = kind, data, list(changes)

    @property
    def text(self):
        return self.data.rstrip(b"\0").decode()

    @property
    def code(self):
        if self.kind == "y":
            return int(self.data[:3])
        return {"r": 550, "t": 451}.get(self.kind, 0)

    def changed(self, kind):
        return [data for k, data in self.changes if k == kind]

    def __repr__(self):
        return f"Reply({self.kind!r}, {self.data!r}, {self.changes!r})"


class Session:
    """One connection of an MTA.  Steps that were negotiated away ask for no reply."""

    def __init__(self, address, negotiate=True, **offer):
        family = socket.AF_UNIX
        if isinstance(address, tuple):
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self.sock = socket.socket(family, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(address)
        self.steps, self.actions, self.symbols = 0, 0, {}
        if negotiate:
            self.negotiate(**offer)

    def close(self):
        self.sock.close()

    # packets

    def send(self, command, data=b""):
        self.sock.sendall(struct.pack(">I", len(data) + 1) + octets(command) + data)

    def receive(self):
        head = self.exactly(4)
        packet = self.exactly(struct.unpack(">I", head)[0])
        return packet[:1].decode(), packet[1:]

    def exactly(self, count):
        data = b""
        while len(data) < count:
            try:
                piece = self.sock.recv(count - len(data))
            except (ConnectionResetError, BrokenPipeError):
                piece = b""
            if not piece:
                raise Gone()
            data += piece
        return data

    def reply(self):
        changes = []
        while True:
            kind, data = self.receive()
            if kind.encode() not in CHANGES:
                return Reply(kind, data, changes)
            changes.append((kind, data))

    # steps

    def negotiate(self, actions=ALL_ACTIONS, steps=ALL_STEPS, version=6):
        self.send("O", struct.pack(">III", version, actions, steps))
        kind, data = self.receive()
        assert kind == "O", kind
        self.version, self.actions, self.steps = struct.unpack(">III", data[:12])
        data = data[12:]
        while data:
            stage = struct.unpack(">I", data[:4])[0]
            names, _, data = data[4:].partition(b"\0")
            self.symbols[stage] = names.decode().split()

    def macros(self, command, values):
        if values:
            pairs = b"".join(octets(k) + b"\0" + octets(v) + b"\0" for k, v in values.items())
            self.send("D", octets(command) + pairs)

    def step(self, command, data=b"", macros=None, quiet=0):
        self.macros(command, macros)
        self.send(command, data)
        return Reply("c", b"") if self.steps & quiet else self.reply()

    def connect(self, name="client.example.com", address="192.0.2.1", port=25000, macros=None):
        macros = {"{daemon_name}": "smtpd", **(macros or {})}
        data = octets(name) + b"\0"
        if address is None:
            data += b"U"
        else:
            family = b"6" if ":" in address else b"4"
            data += family + struct.pack(">H", port) + octets(address) + b"\0"
        return self.step("C", data, macros, NR_CONN)

    def helo(self, name="client.example.com"):
        return self.step("H", octets(name) + b"\0", None, NR_HELO)

    def mail(self, path="<ann@example.com>", *parameters, macros=None):
        data = b"\0".join(octets(p) for p in (path, *parameters)) + b"\0"
        return self.step("M", data, {"v": VERSION, **(macros or {})})

    def rcpt(self, path="<bob@example.net>", mailer="smtp", macros=None):
        macros = {"v": VERSION, **({"{rcpt_mailer}": mailer} if mailer else {}), **(macros or {})}
        return self.step("R", octets(path) + b"\0", macros)

    def header(self, name, body):
        space = b" " if self.steps & LEADSPC else b""
        return self.step("L", octets(name) + b"\0" + space + octets(body) + b"\0", None, NR_HDR)

    def end_of_header(self, macros=None):
        return self.step("N", b"", macros, NR_EOH)

    def body(self, data=b"Hello\r\n"):
        return None if self.steps & NOBODY else self.step("B", data, None, NR_BODY)

    def end(self, macros=None):
        return self.step("E", b"", macros)

    def finish(self, macros=None):
        """From the end of the header to the answer on the whole message."""
        reply = self.end_of_header(macros)
        if reply.kind != "c":
            return reply
        self.body()
        return self.end(macros)

    def abort(self):
        self.send("A")

    def quit(self):
        try:
            self.send("Q")
        finally:
            self.close()

    # a whole message: the steps up to the first that ends it

    def message(self, mail="<ann@example.com>", parameters=(), rcpts=("<bob@example.net>",),
                mailer="smtp", headers=(("From", "Ann <ann@example.com>"),), login=None,
                queue_id="4C1", mail_macros=None):
        """Returns (stage, Reply): where the message ended for the milter, and how."""
        macros = dict(mail_macros or {})
        if login:
            macros["{auth_authen}"] = login
        reply = self.mail(mail, *parameters, macros=macros)
        if reply.kind != "c":
            return "mail", reply
        taken = 0
        for rcpt in rcpts:
            path, kind = rcpt if isinstance(rcpt, tuple) else (rcpt, mailer)
            reply = self.rcpt(path, kind)
            if reply.kind == "a":
                return "rcpt", reply
            taken += reply.kind == "c"
        if not taken:
            self.abort()
            return "rcpt", reply
        for name, body in headers:
            self.header(name, body)
        return "eom", self.finish({"i": queue_id})


# What stands in every configuration, in one line.  Nobody is asked, and what would have to ask
# somebody is off: these tests are about something else.
OWN = ('own_domains = { "example.com" } resolver = { "none" }'
       + "".join(f' check "{name}" {{ action = off }}'
                 for name in ("dkim.*", "spf.*", "dmarc.*", "from.resolves", "envelope.sender-domain")))


class Daemon:
    """A presend-milter of our own, in the foreground, its log in a file."""

    def __init__(self, config="", args=(), spec=None, address=None, wait=True, pass_fds=(),
                 user="nobody", environment=None, groups=None):
        self.dir = tempfile.mkdtemp(prefix="presend-")
        os.chmod(self.dir, 0o755)
        self.run = os.path.join(self.dir, "run")
        os.mkdir(self.run)
        if os.geteuid() == 0:
            account = pwd.getpwnam(user)
            os.chown(self.run, account.pw_uid, account.pw_gid)
        self.path = os.path.join(self.dir, "presend.conf")
        self.log_path = os.path.join(self.dir, "log")
        self.address = address or os.path.join(self.run, "sock")
        self.spec = spec or f"unix:{self.address}"
        self.user = user
        self.configure(config)
        command = [find_binary(), "-f", "-c", self.path, *args]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=pass_fds,
                extra_groups=groups, env={**os.environ, **(environment or {})})
        if wait:
            self.wait_until_ready()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        if failure is not None and not issubclass(failure, Skipped):
            print(f"     the log of {self.spec}, status {self.process.poll()}:")
            for line in self.log().splitlines()[-10:]:
                print(f"     {line[:300]}")
        text = self.log()
        self.remove()
        if failure is None and ("ThreadSanitizer" in text or "AddressSanitizer" in text or
                                "runtime error:" in text):
            raise AssertionError("a sanitizer spoke up:\n" + text[-3000:])

    def configure(self, text):
        with open(self.path + ".new", "w") as f:
            f.write(f'socket = "{self.spec}"\nuser = "{self.user}"\nsocket_mode = 0666\n'
                    f'{OWN}\n{text}\n')
        os.rename(self.path + ".new", self.path)

    def reload(self, text=None, expect="in force"):
        """Reads the configuration again and waits until the log says so."""
        if text is not None:
            self.configure(text)
        before = self.log().count(expect)
        os.kill(self.pid, signal.SIGUSR1)
        self.wait_for(lambda: self.log().count(expect) > before, f"{expect!r} in the log")

    @property
    def pid(self):
        return self.process.pid

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="surrogateescape") as f:
            return f.read()

    def records(self):
        return [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]

    def record(self):
        """The last record: the daemon writes it before it answers."""
        return self.records()[-1]

    def wait_for(self, condition, what):
        end = time.monotonic() + TIMEOUT
        while not condition():
            if time.monotonic() > end:
                raise AssertionError(f"no {what}; the log:\n{self.log()[-4000:]}")
            if self.process.poll() is not None and not condition():
                raise AssertionError(f"the daemon ended with {self.process.returncode}; the log:\n"
                                     f"{self.log()[-4000:]}")
            time.sleep(0.01)

    def wait_until_ready(self):
        self.wait_for(lambda: ": ready" in self.log(), "readiness")

    def session(self, connect=True, **offer):
        s = Session(self.address, **offer)
        if connect:
            s.connect(address="127.0.0.1", name="localhost.example.com")
            s.helo()
        return s

    def peak_kb(self):
        """The most memory it had; 0 under a sanitizer, whose shadow memory tells nothing."""
        with open(f"/proc/{self.pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        kb = {name: int(status[name].split()[0]) for name in ("VmHWM", "VmPeak")}
        return 0 if kb["VmPeak"] > 1 << 30 else kb["VmHWM"]

    def stop(self, signals=(signal.SIGTERM,)):
        """Asks it to stop; returns the exit status."""
        if self.process.poll() is None:
            for s in signals:
                os.kill(self.pid, s)
        return self.process.wait(TIMEOUT)

    def remove(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Skipped(Exception):
    """A test that cannot run here, and why."""


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def equal(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def run(tests):
    """Runs functions test_*, prints a line each, and ends the process."""
    names = sys.argv[1:]
    passed = failed = skipped = 0
    for test in tests:
        if names and test.__name__ not in names:
            continue
        begun = time.monotonic()
        try:
            test()
        except Skipped as why:
            skipped += 1
            print(f"SKIP {test.__name__}: {why}", flush=True)
            continue
        except Exception as why:  # a failing test must not stop the others
            failed += 1
            lines = [f.lineno for f in traceback.extract_tb(why.__traceback__)]
            print(f"FAIL {test.__name__}: {type(why).__name__}: {why} (lines {lines[1:]})",
                  flush=True)
            continue
        passed += 1
        print(f"ok   {test.__name__} ({time.monotonic() - begun:.1f} s)", flush=True)
    print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    sys.exit(1 if failed else 77 if skipped and os.environ.get("CI") else 0)
