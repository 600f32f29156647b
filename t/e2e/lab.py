"""The lab: what a test with real mail servers needs around them.

A temporary folder, free ports, processes that are stopped by their pid, an SMTP
client that sends exact octets, and a sink that keeps what reaches it.  Nothing
here knows Postfix, Sendmail or Presend: see servers.py.
"""
import base64
import os
import random
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import traceback

SKIP = 77


class Failure(Exception):
    """A test's expectation that was not met."""


def expect(truth, message):
    if not truth:
        raise Failure(message)


def expect_equal(what, got, wanted):
    if got != wanted:
        raise Failure(f"{what} is {got!r}, wanted {wanted!r}")


def wait_until(what, question, seconds=60.0):
    """Asks until the answer is true, and returns it; what takes so long hangs."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure(f"waited {seconds:g} s for {what}")
        time.sleep(0.02)


def find_program(name, *folders):
    """The path of a program in one of the folders or in PATH, or None."""
    path = os.pathsep.join([f for f in folders if f] + [os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return shutil.which(name, path=path)


class Lab:
    """A temporary folder and all that runs in it; close() stops and removes it."""

    def __init__(self, name):
        self.top = tempfile.mkdtemp(prefix=f"presend-{name}-")
        os.chmod(self.top, 0o755)
        self.at_end = []
        self.ports = set()
        # A signal ends the run as an exception does: by way of close().
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda n, _: sys.exit(128 + n))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, *parts):
        return os.path.join(self.top, *parts)

    def folder(self, *parts, mode=0o755, owner=None):
        path = self.path(*parts)
        os.makedirs(path, exist_ok=True)
        os.chmod(path, mode)
        if owner:
            shutil.chown(path, owner)
        return path

    def write(self, name, text, mode=0o644):
        path = self.path(name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def port(self):
        """A port of loopback, for TCP and UDP, that nobody has, below those given to outgoing connections."""
        for _ in range(1000):
            port = random.randrange(10000, 32000)
            with socket.socket() as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    s.bind(("127.0.0.1", port))
                    u.bind(("127.0.0.1", port))
                except OSError:
                    continue
            if port not in self.ports:
                self.ports.add(port)
                return port
        raise Failure("there is no free port")

    def close(self):
        for stop in reversed(self.at_end):
            try:
                stop()
            except Exception:  # one thing that does not stop must not keep the others
                traceback.print_exc()
        self.at_end = []
        shutil.rmtree(self.top, ignore_errors=True)


def stop_process(process, seconds=15):
    """Ends a process that we started: asks, then insists."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


# ---- the sink ----------------------------------------------------------------

class Delivered:
    """One message that reached the sink."""

    def __init__(self, mail, recipients, data):
        self.mail = mail  # the argument of MAIL, as sent
        self.recipients = recipients
        self.data = data

    def without_trace(self):
        """Its octets without the first Received field, which no two deliveries share."""
        lines = self.data.split(b"\r\n")
        if lines[0].lower().startswith(b"received:"):
            del lines[0]
            while lines and lines[0][:1] in (b" ", b"\t"):
                del lines[0]
        return b"\r\n".join(lines)


class SinkSession(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        mail, recipients = None, []
        self.say("220 sink ESMTP")
        for line in iter(self.rfile.readline, b""):
            verb, argument = line[:4].upper(), line[4:].strip().decode("utf-8", "surrogateescape")
            if verb == b"EHLO":
                self.wfile.write(b"250-sink\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250 ENHANCEDSTATUSCODES\r\n")
            elif verb == b"MAIL":
                mail, recipients = argument[len(" FROM:") - 1:], []
                self.say("250 2.1.0 Ok")
            elif verb == b"RCPT":
                recipient = argument[argument.index("<") + 1:argument.rindex(">")]
                if recipient.startswith("refuse"):
                    self.say("550 5.1.1 no such user")
                else:
                    recipients.append(recipient)
                    self.say("250 2.1.5 Ok")
            elif verb == b"DATA" and recipients:
                self.say("354 Go ahead")
                self.server.keep(Delivered(mail, recipients, self.read_data()))
                self.say("250 2.0.0 kept")
            elif verb == b"QUIT":
                self.say("221 2.0.0 Bye")
                return
            elif verb in (b"HELO", b"RSET", b"NOOP"):
                self.say("250 2.0.0 Ok")
            else:
                self.say("503 5.5.1 not now")

    def read_data(self):
        lines = []
        for line in iter(self.rfile.readline, b""):
            if line == b".\r\n":
                break
            lines.append(line[1:] if line.startswith(b".") else line)
        return b"".join(lines)


class Sink(socketserver.ThreadingTCPServer):
    """An SMTP server in a thread of ours that takes everything and keeps it."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, lab):
        self.at = lab.port()
        super().__init__(("127.0.0.1", self.at), SinkSession)
        self.kept, self.lock = [], threading.Lock()
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
        lab.at_end.append(self.stop)

    def stop(self):
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        pass  # a client that went away is no event here

    def keep(self, message):
        with self.lock:
            self.kept.append(message)

    def to(self, recipient):
        """What was delivered to that recipient."""
        with self.lock:
            return [m for m in self.kept if recipient in m.recipients]

    def one_to(self, recipient, seconds=20.0):
        """The one message to that recipient, waited for."""
        wait_until(f"mail to {recipient} at the sink", lambda: self.to(recipient), seconds)
        found = self.to(recipient)
        expect_equal(f"number of messages to {recipient}", len(found), 1)
        return found[0]


# ---- the client --------------------------------------------------------------

class Reply:
    """A reply of the server: at which command, the code, all of its lines."""

    def __init__(self, stage, lines):
        self.stage = stage
        self.lines = lines
        self.code = int(lines[-1][:3])
        self.text = "\n".join(line[4:] for line in lines)

    def __str__(self):
        return f"{self.stage}: " + " / ".join(self.lines)


class Client:
    """An SMTP client that sends exactly what it is told to."""

    def __init__(self, port, source="127.0.0.1", timeout=60, hello=True):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout, (source, 0))
        self.file = self.socket.makefile("rb")
        self.greeting = self.reply("connect")
        if hello:
            self.command("EHLO client.example")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        try:
            self.socket.sendall(b"QUIT\r\n")
        except OSError:
            pass
        self.file.close()
        self.socket.close()

    def reply(self, stage):
        lines = []
        while True:
            line = self.file.readline()
            if not line:
                raise ConnectionError("the server closed the connection")
            lines.append(line.decode("utf-8", "backslashreplace").rstrip("\r\n"))
            if lines[-1][3:4] != "-":
                return Reply(stage, lines)

    def command(self, line):
        octets = line if isinstance(line, bytes) else line.encode()
        self.socket.sendall(octets + b"\r\n")
        return self.reply(octets[:4].decode("ascii", "replace").strip())

    def login(self, user, password):
        secret = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.command(f"AUTH PLAIN {secret}")

    def data(self, message):
        """DATA and the message; a line end is added where the last one has none."""
        reply = self.command("DATA")
        if reply.code != 354:
            return reply
        if not message.endswith(b"\r\n"):
            message += b"\r\n"
        stuffed = message.replace(b"\r\n.", b"\r\n..")
        if stuffed.startswith(b"."):
            stuffed = b"." + stuffed
        self.socket.sendall(stuffed + b".\r\n")
        return self.reply("end of data")

    def send(self, sender, recipients, message, options=""):
        """One transaction; returns the first reply that refuses, or the last one."""
        reply = self.command(b"MAIL FROM:<" + octets_of(sender) + b">" + options.encode())
        for recipient in recipients:
            if reply.code >= 400:
                break
            reply = self.command(b"RCPT TO:<" + octets_of(recipient) + b">")
        if reply.code < 400:
            reply = self.data(message)
        if reply.code >= 400 and reply.code != 421:
            self.command("RSET")
        return reply


def octets_of(text):
    return text if isinstance(text, bytes) else text.encode()


# ---- running tests -----------------------------------------------------------

class Tests:
    """Collects the tests of a file and runs them, each told by one line."""

    def __init__(self):
        self.list = []

    def __call__(self, function):
        self.list.append(function)
        return function

    def run(self, wanted, *arguments, on_failure=lambda: None):
        """Runs the tests named (none named: all); returns the exit status."""
        passed = failed = 0
        for test in self.list:
            name = test.__name__
            if wanted and name not in wanted:
                continue
            began = time.monotonic()
            try:
                test(*arguments)
            except Exception as why:  # the other tests still have their say
                failed += 1
                print(f"FAILED {name}: {why}", flush=True)
                if not isinstance(why, Failure):
                    traceback.print_exc(file=sys.stdout)
                on_failure()
            else:
                passed += 1
                print(f"ok {name} ({time.monotonic() - began:.1f} s)", flush=True)
        print(f"{passed} passed, {failed} failed", flush=True)
        return 1 if failed or not passed else 0


def skip(*reasons):
    """Ends the run as skipped, loudly."""
    line = "*" * 72
    print(line, *(f"SKIPPED: {reason}" for reason in reasons), line, sep="\n", flush=True)
    print("skipped: " + "; ".join(reasons), flush=True)
    sys.exit(SKIP)
