"""store_lab.py - what the tests of stores over the network share.

t/store/store-ask in front, a real server behind it in a temporary directory on loopback
or a unix socket, run by an unprivileged user where we are root, and ended by its pid.  A
false server says what the real one never would.
"""

import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time

PROGRAM = os.environ.get("STORE_ASK") or os.path.join(os.environ.get("builddir", "."),
                                                      "t/store/store-ask")
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/lib/postgresql/15/bin"
SLACK = 0.4  # seconds over its deadline that a lookup may take on a busy machine

# Keys that would be syntax somewhere: none of them may be found, and nothing may break.
INJECTIONS = [
    "' OR '1'='1", "'; DROP TABLE mailbox; --@example.com", "\\' OR 1=1 -- @example.com",
    "\" OR \"\"=\"@example.com", "%@example.com", "_nn@example.com", "ann@example.co_",
    "ann%@example.com", "%{address}", "%s@example.com", "%u%d@example.com", "$1@example.com",
    "?@example.com", ":a@example.com", "*@example.com", "*", "a*@example.com",
    "ann@example.com)(mail=*", "*)(objectClass=*", "\\2a@example.com", "ann\\40example.com",
    "ann@example.com\\x00", "ann@example.com\\x00@other", "\\x00", "ann@example.com\\x0a",
    "ann@example.com\\x0d\\x0aRCPT TO:<bob@example.com>", "ann\\x09@example.com",
    "x\\x0aann@example.com", "ann@example.com,", "3:ann,ann@example.com", "ann\\x00nn@example.com",
    "\\xff\\xfe@example.com", "ann\\xc3@example.com", "ann@example.com> SIZE=1",
    "ann@example.com>\\x0d\\x0aQUIT", "\\x7f@example.com", "nobody@example.com",
    "\"ann\\x0a\"@example.com", "|/bin/true", "/etc/passwd", "-", "--", "(", ")", "\\",
    "`id`@example.com", "$(id)@example.com", "/* @example.com", "@example.com@example.com",
    "a" * 900 + "@example.com", "ann@" + "x" * 900 + ".example", "<ann@example.com>",
    "USER\\x09x@example.com",
]

passed, failed = 0, []


def check(label, got, wanted):
    """wanted: a value, or a function that says yes."""
    global passed
    if wanted(got) if callable(wanted) else got == wanted:
        passed += 1
        return
    failed.append(label)
    print("FAIL %s\n  got    %r" % (label, got))
    if not callable(wanted):
        print("  wanted %r" % (wanted,))
    sys.stdout.flush()


def skip(reason):
    print("skipped: " + reason)
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def program(name, package):
    """The full path of a server, or the test is skipped."""
    found = shutil.which(name, path=PATH)
    if found is None:
        skip("%s is not installed (package %s)" % (name, package))
    return found


def unprivileged(*names):
    """The first of the users that there is, where we are root; else None: as we are."""
    if os.getuid() != 0:
        return None
    for name in names + ("nobody",):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    return None


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def wait_until(condition, what, seconds=20):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise RuntimeError("%s: not within %d seconds" % (what, seconds))


def connects(address):
    family = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(1)
        try:
            s.connect(address)
            return True
        except OSError:
            return False


class Server:
    """A server in the foreground, and its children."""

    def __init__(self, command, address, user=None, cwd=None, log=None):
        self.command, self.address, self.user, self.cwd = command, address, user, cwd
        self.log, self.process = log, None

    def start(self, ready=None):
        out = open(self.log, "ab") if self.log else subprocess.DEVNULL
        ids = {} if self.user is None else dict(user=self.user.pw_uid, group=self.user.pw_gid,
                                                extra_groups=[])
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=out,
                                        stderr=out, cwd=self.cwd, start_new_session=True,
                                        env=dict(os.environ, PATH=PATH), **ids)
        if self.log:
            out.close()
        try:
            wait_until(lambda: self.ended() or connects(self.address), self.command[0])
            if ready is not None:
                wait_until(lambda: self.ended() or ready(), self.command[0])
        except RuntimeError:
            self.stop()
            raise
        if self.ended():
            raise RuntimeError("%s ended: %s" % (self.command[0],
                                                 open(self.log).read() if self.log else ""))

    def ended(self):
        return self.process.poll() is not None

    def members(self):
        """The process and all that come from it, in whatever group or session they are."""
        parents = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open("/proc/%s/stat" % pid) as f:
                    fields = f.read().rsplit(")", 1)[1].split()
            except OSError:
                continue
            if fields[0] != "Z":
                parents[int(pid)] = int(fields[1])
        found, more = set(), {self.process.pid} & set(parents)
        while more:
            found |= more
            more = {pid for pid, parent in parents.items() if parent in more}
        return found

    def send(self, number, pids=None):
        for pid in self.members() if pids is None else pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

    def hang(self):
        """Stopped, each of its threads."""
        self.send(signal.SIGSTOP)
        wait_until(lambda: all(self.is_stopped(pid) for pid in self.members()), "SIGSTOP")

    def is_stopped(self, pid):
        try:
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/stat" % (pid, task)) as f:
                    if f.read().rsplit(")", 1)[1].split()[0] not in "TZX":
                        return False
        except OSError:
            pass
        return True

    def wake(self):
        self.send(signal.SIGCONT)

    def stop(self, number=signal.SIGTERM):
        if self.process is None:
            return
        members = self.members()
        if not self.ended():
            self.wake()
            self.process.send_signal(number)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.send(signal.SIGKILL, members)
        self.process = None


class Answer:
    def __init__(self, line):
        words = line.rstrip("\n").split("\t")
        self.line, self.status = line, words[0]
        self.entry = words[1] if len(words) > 1 and "=" not in words[1] else None
        fields = dict(w.split("=", 1) for w in words[1:] if "=" in w)
        self.targets = [t for t in fields.get("targets", "").split("|") if t]
        self.logins = fields["logins"].split("|") if fields.get("logins") else (
            [] if "logins" in fields else None)
        self.why, self.ms = fields.get("why"), int(fields.get("ms", -1))
        self.of_key = fields.get("of_key") == "1"

    def short(self):
        """"found alias a,b" for tables; logins behind a slash."""
        text = self.status + (" " + self.entry if self.entry else "")
        text += " " + ",".join(self.targets) if self.targets else ""
        return text + (" /" + ",".join(self.logins) if self.logins is not None else "")


class Ask:
    """store-ask with one store; its notes are in `notes` if it did not open."""

    def __init__(self, store_type, options):
        command = [PROGRAM, "t", "type=" + store_type]
        for name, value in options.items():
            for one in value if isinstance(value, (list, tuple)) else [value]:
                command.append("%s=%s" % (name, one))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, encoding="utf-8",
                                        errors="surrogateescape")
        self.first = self.process.stdout.readline()
        self.notes = "" if self.first else self.process.stderr.read()
        self.seconds = 3.0

    def line(self, text, limit=60):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()
        ready, _, _ = select.select([self.process.stdout], [], [], limit)
        if not ready:
            self.process.kill()
            raise RuntimeError("no answer at all to " + text[:80])
        got = self.process.stdout.readline()
        if not got:
            raise RuntimeError("store-ask ended at %r: %s%s" % (text[:80], self.notes, self.end()))
        return got.rstrip("\n")

    def __call__(self, key, service="address"):
        return Answer(self.line("%s %s" % (service, key)))

    def timeout(self, seconds):
        self.seconds = seconds
        self.line("timeout %g" % seconds)

    def files(self):
        return self.line("files")

    def end(self):
        """What it says at its end, after the store was closed."""
        try:
            out, err = self.process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return "it does not end"
        return "%s%s (%s)" % (out, err, self.process.returncode)


def check_end(ask, notes=""):
    """Closed, no descriptor left, no sanitizer's complaint, exit status 0."""
    check("the end", ask.end(), "closed files=+0\n%s (0)" % notes)


def check_options(store_type, good, rows):
    """rows: (changes to the good options, a part of the complaint)."""
    for changes, wanted in rows:
        options = dict(good)
        options.update(changes)
        ask = Ask(store_type, {k: v for k, v in options.items() if v is not None})
        check("options %r" % (changes,), ask.notes, lambda notes: wanted in notes)
        ask.end()


def check_table(ask, rows, service="address"):
    for key, wanted in rows:
        check("%s %s" % (service, key), ask(key, service).short(), wanted)


def check_of_key(ask, *rows):
    """Failures that are those of the key alone, and others, which count against the store."""
    for key, wanted in rows:
        answer = ask(key)
        check("of the key alone: %s (%s)" % (key, answer.line.replace("\t", " ")), answer.of_key, wanted)


def check_injections(ask, service="address", keys=None, good=("notfound",)):
    for key in INJECTIONS if keys is None else keys:
        got = ask(key, service)
        check("injection %s %r" % (service, key[:60]), (got.status, got.why),
              lambda pair: pair[0] in good)


def check_late(label, ask, key, seconds=0.5, status=("tempfail",)):
    """One lookup that cannot be answered: a failure, by its deadline."""
    ask.timeout(seconds)
    got = ask(key)
    check(label, got.line, lambda line: got.status in status and
          got.ms <= 1000 * (seconds + SLACK))
    ask.timeout(3)
    return got


def check_life(ask, server, key, times=50):
    """Stopped, restarted, hanging: never notfound, within the deadline, and nothing is leaked."""
    check("found at first", ask(key).status, "found")
    before = ask.files()
    for _ in range(2):
        server.stop()
        server.start()
        got = ask(key)
        check("restarted while idle: found at once", (got.status, got.why), ("found", None))
    server.stop()
    for _ in range(3):
        got = ask(key)
        check("stopped", got.line, lambda line: got.status == "tempfail" and got.ms < 500)
    server.start()
    check("started again", ask(key).short().split()[0], "found")
    server.hang()
    for _ in range(3):
        check_late("hangs", ask, key)
    ask.timeout(0.4)
    got = ask.line("many 8 2 address " + key)
    check("hangs, eight at once", got, lambda line: line.startswith(
        "found=0 notfound=0 tempfail=16 permfail=0\t") and
        int(line.split("ms=")[1]) <= 1000 * (0.4 + 2 * SLACK))
    server.wake()
    ask.timeout(5)
    check("goes on", ask(key).status, "found")
    got = ask.line("many 8 %d address %s" % (times, key))
    check("many at once", got.split("\t")[0],
          "found=%d notfound=0 tempfail=0 permfail=0" % (8 * times))
    check("descriptors and threads", ask.files(), before)
    ask.timeout(3)


class FalseServer:
    """Runs handler(socket) for each connection; an error in it is the end of that connection."""

    def __init__(self, handler, family=socket.AF_INET):
        self.handler = handler
        self.socket = socket.socket(family)
        self.socket.bind(("127.0.0.1" if family == socket.AF_INET else "::1", 0))
        self.socket.listen(50)
        self.place = "inet:127.0.0.1:%d" % self.port()
        self.count, self.open = 0, []
        threading.Thread(target=self.run, daemon=True).start()

    def port(self):
        return self.socket.getsockname()[1]

    def run(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.count += 1
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            self.handler(connection)
        except OSError:
            pass
        connection.close()

    def end(self):
        self.socket.close()
        for connection in self.open:
            connection.close()


def silent(connection):
    while connection.recv(4096):
        pass


def closes(connection):
    connection.close()


def resets(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def says(octets, after=True, then=silent):
    """Says that, after something was asked, or at once; then goes silent or closes."""
    def handler(connection):
        if after:
            connection.recv(65536)
        connection.sendall(octets)
        then(connection)
    return handler


def drips(octets):
    """An octet each tenth of a second, again and again: never an answer, never silence."""
    def handler(connection):
        while True:
            for i in range(len(octets)):
                connection.sendall(octets[i:i + 1])
                time.sleep(0.1)
    return handler


def floods(octets):
    def handler(connection):
        while True:
            connection.sendall(octets * 1000)
    return handler


# What any server may do, whatever its protocol.
RUDE = [("silent", silent), ("closes", closes), ("resets", resets),
        ("garbage", says(b"\x16garbage\r\n\0\xff" * 40, after=False)),
        ("floods", floods(b"A" * 64)), ("drips", drips(b"A"))]


def check_rude(store_type, options_for, key, extra=(), status=("tempfail",)):
    """options_for(FalseServer) gives the options of a store that goes there."""
    for label, handler in RUDE + list(extra):
        server = FalseServer(handler)
        ask = Ask(store_type, options_for(server))
        before = None
        for _ in range(2):
            check_late("rude server: " + label, ask, key, status=status)
            before = before or ask.files()
        check("rude server: %s: descriptors" % label, ask.files(), before)
        check_end(ask)
        server.end()


class Lab:
    """A temporary directory that another user may enter."""

    def __init__(self, user=None):
        self.path = tempfile.mkdtemp(prefix="presend-store-")
        os.chmod(self.path, 0o755)
        self.user = user

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        shutil.rmtree(self.path, ignore_errors=True)

    def file(self, name, text="", mode=0o644, own=False):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        if own and self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path

    def folder(self, name, mode=0o755):
        path = os.path.join(self.path, name)
        os.mkdir(path)
        os.chmod(path, mode)
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)
        return path


def finish():
    print("%d passed, %d failed" % (passed, len(failed)))
    sys.exit(1 if failed else 0)
