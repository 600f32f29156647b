#!/usr/bin/python3
"""systemctl and journalctl where no systemd runs, for t/e2e/install.py.

They read the installed unit as systemd does: drop-ins, User, groups that have to
exist, RuntimeDirectory, ExecStartPre, ExecStart with its READY=1, ExecReload, the
folder of `enable`.  What the unit confines is not done here: `systemd-analyze
verify` reads that.  What a service writes becomes the journal, and lines of
/var/log/mail.log as a syslog daemon makes them.
"""
import glob
import grp
import os
import pwd
import shlex
import signal
import socket
import subprocess
import sys
import time

STATE = "/run/stand-in"
JOURNAL = f"{STATE}/journal"
FOLDERS = ["/etc/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"]


def fail(message, status=1):
    print(message, file=sys.stderr)
    sys.exit(status)


class Unit:
    def __init__(self, name):
        self.name = name if "." in name else name + ".service"
        self.path = next((f"{folder}/{self.name}" for folder in FOLDERS if os.path.exists(f"{folder}/{self.name}")), None)
        if not self.path:
            fail(f"Unit {self.name} could not be found.", 4)
        self.values = {}
        drop_ins = [path for folder in FOLDERS for path in glob.glob(f"{folder}/{self.name}.d/*.conf")]
        for path in [self.path] + sorted(drop_ins, key=os.path.basename):
            self.read(path)
        self.pid_file = f"{STATE}/{self.name}.pid"

    def read(self, path):
        with open(path, encoding="utf-8") as f:
            for line in f.read().replace("\\\n", " ").splitlines():
                name, equals, value = line.partition("=")
                if not equals or line.startswith(("#", ";")):
                    continue
                if value:
                    self.values.setdefault(name, []).append(value)
                else:
                    self.values[name] = []

    def all(self, name):
        return self.values.get(name, [])

    def one(self, name, default=""):
        return (self.all(name) or [default])[-1]

    def become(self):
        """For a child: the user and groups of the unit, which must exist."""
        user = self.one("User", "root")
        try:
            account = pwd.getpwnam(user)
            gid = grp.getgrnam(self.one("Group")).gr_gid if self.all("Group") else account.pw_gid
        except KeyError:
            fail(f"{self.name}: failed to determine user credentials: no {user} (status=217/USER)")
        try:
            more = [grp.getgrnam(name).gr_gid for line in self.all("SupplementaryGroups") for name in line.split()]
        except KeyError as why:
            fail(f"{self.name}: failed to determine supplementary groups: {why} (status=216/GROUP)")

        def child():
            os.setgroups(more + os.getgrouplist(user, gid))
            os.setgid(gid)
            os.setuid(account.pw_uid)
            os.umask(int(self.one("UMask", "0022"), 8))
            os.chdir("/")

        return account.pw_uid, gid, child

    def pid(self):
        try:
            with open(self.pid_file, encoding="ascii") as f:
                pid = int(f.read())
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
                return pid if f.read().rpartition(")")[2].split()[0] != "Z" else None
        except (OSError, ValueError):
            return None

    def run(self, key):
        for line in self.all(key):
            words = shlex.split(line.replace("$MAINPID", str(self.pid())))
            status = subprocess.run(words, preexec_fn=self.become()[2], check=False, env={"PATH": "/usr/sbin:/usr/bin"}).returncode
            if status:
                fail(f"{self.name}: {key}={line} ended with {status}")

    def is_as_loaded(self):
        """systemd goes on with the unit as it read it, until it is told to read it again."""
        loaded, found = f"{STATE}/{self.name}.loaded", str(os.stat(self.path).st_mtime_ns)
        if not os.path.exists(loaded):
            with open(loaded, "w", encoding="ascii") as f:
                f.write(found)
        with open(loaded, encoding="ascii") as f:
            return f.read() == found

    def start(self):
        if self.pid():
            return
        if not self.is_as_loaded():
            fail(f"{self.name} has changed on disk: it needs 'systemctl daemon-reload'")
        uid, gid, child = self.become()
        for name in self.all("RuntimeDirectory"):
            os.makedirs(f"/run/{name}", exist_ok=True)
            os.chmod(f"/run/{name}", int(self.one("RuntimeDirectoryMode", "0755"), 8))
            os.chown(f"/run/{name}", uid, gid)
        self.run("ExecStartPre")
        ready = f"{STATE}/{self.name}.notify"
        if os.path.exists(ready):
            os.unlink(ready)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(ready)
            os.chmod(ready, 0o777)
            notify.settimeout(1)
            log = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--log", self.one("SyslogIdentifier", self.name)],
                                   stdin=subprocess.PIPE, start_new_session=True, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
            process = subprocess.Popen(shlex.split(self.one("ExecStart")), preexec_fn=child, stdin=subprocess.DEVNULL,
                                       stdout=log.stdin, stderr=log.stdin, start_new_session=True,
                                       env={"PATH": "/usr/sbin:/usr/bin", "NOTIFY_SOCKET": ready, **self.environment()})
            with open(self.pid_file, "w", encoding="ascii") as f:
                f.write(str(process.pid))
            self.wait_ready(notify, process)

    def environment(self):
        return dict(line.split("=", 1) for line in self.all("Environment"))

    def wait_ready(self, notify, process):
        end = time.monotonic() + 60
        while self.one("Type") == "notify":
            try:
                if b"READY=1" in notify.recv(1000):
                    return
            except socket.timeout:
                pass
            if process.poll() is not None or time.monotonic() > end:
                fail(f"Job for {self.name} failed: {self.one('ExecStart')} ended with {process.returncode}, or was never ready.")

    def stop(self):
        pid = self.pid()
        if not pid:
            return
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + float(self.one("TimeoutStopSec", "90"))
        while self.pid():
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def links(self):
        return [f"/etc/systemd/system/{target}.wants/{self.name}" for line in self.all("WantedBy") for target in line.split()]

    def enable(self):
        if not self.links():
            fail(f"The unit files have no installation config: {self.name}")
        for link in self.links():
            os.makedirs(os.path.dirname(link), exist_ok=True)
            if not os.path.lexists(link):
                os.symlink(self.path, link)

    def disable(self):
        for link in self.links():
            if os.path.lexists(link):
                os.unlink(link)


def systemctl(arguments):
    verb, *names = [word for word in arguments if not word.startswith("--")]
    now = "--now" in arguments
    os.makedirs(STATE, exist_ok=True)
    if verb in ("daemon-reload", "enable", "disable"):
        for path in glob.glob(f"{STATE}/*.loaded"):
            os.unlink(path)
    if verb == "daemon-reload":
        return
    for unit in map(Unit, names):
        if verb == "enable":
            unit.enable()
        if verb == "start" or (verb == "enable" and now):
            unit.start()
        elif verb == "reload":
            if not unit.pid():
                fail(f"{unit.name} is not active, cannot reload.")
            unit.run("ExecReload")
        elif verb == "restart":
            unit.stop()
            unit.start()
        elif verb == "stop" or (verb == "disable" and now):
            unit.stop()
        elif verb in ("status", "is-active"):
            print("active (running)" if unit.pid() else "inactive (dead)")
            if not unit.pid():
                sys.exit(3)
        elif verb not in ("enable", "disable"):
            fail(f"Unknown command verb {verb}.")
        if verb == "disable":
            unit.disable()


def journalctl(arguments):
    """-t IDENTIFIER, -n LINES and -o cat, in any order."""
    given = dict(zip(arguments[::2], arguments[1::2]))
    if set(given) - {"-t", "-n", "-o"} or given.get("-o", "cat") != "cat" or len(arguments) % 2:
        fail(f"journalctl: what are {arguments}?")
    with open(JOURNAL, encoding="utf-8", errors="replace") as f:
        lines = [line.split("\t", 1) for line in f]
    for _, text in [line for line in lines if line[0] == given.get("-t", line[0])][-int(given.get("-n", 10)):]:
        print(text, end="")


def log(identifier):
    for line in sys.stdin:
        with open(JOURNAL, "a", encoding="utf-8") as f:
            f.write(f"{identifier}\t{line}")
        with open("/var/log/mail.log", "a", encoding="utf-8") as f:
            f.write(f"{time.strftime('%b %e %H:%M:%S')} mail {identifier}[1]: {line}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--log"]:
        log(sys.argv[2])
    elif sys.argv[1:2] == ["--journal"]:
        journalctl(sys.argv[2:])
    else:
        systemctl(sys.argv[1:])
