#!/usr/bin/env python3
"""presend-milter as a process and as a milter, over real sockets.

Each function test_* starts a daemon of its own (as user nobody when this runs
as root) and plays the mail server.  Names of tests as arguments run these alone.
"""

import grp
import os
import pwd
import select
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
import time

import mta
from mta import Daemon, Gone, Session, Skipped, check, equal

BAD_FROM = (("From", "Doe, John <ann@example.com>"),)  # from.display-name
GOOD_FROM = (("From", "Ann <ann@example.com>"),)
ENFORCE = "mode = enforce"


def call(*args, **kwargs):
    return subprocess.run([mta.find_binary(), *args], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=mta.TIMEOUT, **kwargs)


def only_root():
    if os.geteuid() != 0:
        raise Skipped("needs root")


class Folder:
    """A directory with a configuration, for daemons that must not start."""

    def __init__(self, config):
        self.temporary = tempfile.TemporaryDirectory(prefix="presend-")
        self.dir = self.temporary.name
        os.chmod(self.dir, 0o755)
        self.run = self.file("run")
        os.mkdir(self.run)
        if os.geteuid() == 0:
            account = pwd.getpwnam("nobody")
            os.chown(self.run, account.pw_uid, account.pw_gid)
        self.sock = os.path.join(self.run, "sock")
        self.path = self.file("presend.conf")
        self.write(config)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.temporary.cleanup()

    def file(self, name):
        return os.path.join(self.dir, name)

    def write(self, config):
        with open(self.path, "w") as f:
            f.write(f'socket = "unix:{self.sock}"\n{mta.OWN}\n')
            if "user =" not in config:
                f.write('user = "nobody"\n')
            f.write(config + "\n")


# ---- command line and configuration ------------------------------------------


def test_usage():
    for args in (["-x"], ["-c"], ["operand"], ["-t", "operand"], ["-p", "inet:0"],
                 ["-p", "inet:65536@127.0.0.1"], ["-p", "inet:x@127.0.0.1"],
                 ["-p", "unix:run/sock"], ["-p", "/run/sock"], ["-p", "fd:2"], ["-p", "fd:three"],
                 ["-p", "tcp:1@h"],
                 ["-p", "inet:8891@"], ["-p", "unix:/" + "x" * 200], ["-p", ""]):
        r = call(*args)
        equal(r.returncode, 64, f"status of {args}")
        check("usage: presend-milter" in r.stderr, f"no usage line for {args}: {r.stderr}")


def test_bad_configuration():
    rows = [("mode = enforced", "presend.conf:4:"), ("nosuch = 1", "presend.conf:4:"),
            ('socket = "unix:run/sock"', "presend.conf"), ('socket = "inet:99999"', "presend.conf")]
    if os.geteuid() == 0:
        rows += [('user = "presend-nobody-has-this"', "no such user"),
                 ('user = "root"', "does not run as root"),
                 ('socket_group = "presend-no-such-group"', "no such group")]
    for text, wanted in rows:
        with Folder(text) as f:
            for args in (["-f", "-c", f.path], ["-c", f.path], ["-t", "-c", f.path]):
                r = call(*args)
                equal(r.returncode, 78, f"status of {args} with {text}")
                check(wanted in r.stderr, f"{text}: {wanted!r} is not in {r.stderr!r}")
                check(not os.path.exists(f.sock), f"{text}: the socket was opened")
    r = call("-f", "-c", "/nonexistent/presend.conf")
    equal(r.returncode, 78, "status without a configuration file")
    check("/nonexistent/presend.conf" in r.stderr, "the missing file is not named")


def test_preflight_good():
    with Folder("mode = audit") as f:
        r = call("-t", "-c", f.path)
        equal((r.returncode, r.stderr), (0, ""), "-t with a good configuration")
        check(f.path in r.stdout, "-t does not name the file")


def test_preflight_names_traps():
    """What is allowed, and hardly what was meant, is said and is no fault."""
    strict = 'check "from.login" { action = reject }\n'
    in_domain = 'domain "example.com" { check "from.*" { action = tempfail } }\n'
    store = 'store "staff" { type = file  path = "/dev/null" }\n'
    for config, wanted in (
            (strict, "Sender"), (in_domain, "Sender"), (strict + "on_behalf = true\n", None),
            (strict + "on_behalf = false\n", None), ('check "from.login" { action = log }\n', None),
            (store, 'store "staff" is not in `directory`'),
            (store + 'directory = { "staff" }\n', None)):
        with Folder(config) as f:
            r = call("-t", "-c", f.path)
            equal(r.returncode, 0, f"-t with {config!r}")
            if wanted is None:
                check("warning" not in r.stderr and "Sender" not in r.stderr and
                      "staff" not in r.stderr, f"-t with {config!r} says {r.stderr!r}")
            else:
                check(wanted in r.stderr, f"-t with {config!r} says {r.stderr!r}")


def test_preflight_names_the_command():
    only_root()
    group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
    with Folder("mode = audit") as f:
        os.mkdir(f.file("conf.d"))
        extra = f.file("conf.d/10-site.conf")
        with open(extra, "w") as e:
            e.write("mode = enforce\n")
        for path, mode in ((f.path, 0o600), (extra, 0o640), (f.file("conf.d"), 0o700),
                           (f.dir, 0o700)):
            before = stat.S_IMODE(os.stat(path).st_mode)
            os.chmod(path, mode)
            r = call("-t", "-c", f.path)
            equal(r.returncode, 78, f"status with an unreadable {path}")
            lines = [line for line in r.stderr.splitlines() if "mend it by: " in line]
            check(lines and f"chgrp {group} {path} && " in r.stderr, f"no command in {r.stderr!r}")
            command = lines[0].split("mend it by: ")[1]
            subprocess.run(["/bin/sh", "-c", command], check=True)
            r = call("-t", "-c", f.path)
            equal((r.returncode, r.stderr), (0, ""), f"after {command}")
            os.chown(path, 0, 0)
            os.chmod(path, before)


def preflight_makes_the_folder_of_the_socket(f):
    """For the group that connects there, by the command that README and contrib give."""
    group = grp.getgrgid(pwd.getpwnam("nobody").pw_gid).gr_name
    f.write(f'socket_group = "{group}"\n')
    os.rename(f.run, f.run + ".away")
    r = call("-t", "-c", f.path)
    check(f"mend it by: install -d -o nobody -g {group} -m 2750 {f.run}\n" in r.stderr, r.stderr)
    subprocess.run(["/bin/sh", "-c", r.stderr.split("mend it by: ")[1]], check=True)
    r = call("-t", "-c", f.path)
    equal((r.returncode, r.stderr), (0, ""), "after that command")


def test_preflight_directories():
    with Folder("mode = audit") as f:
        f.write(f'pidfile = "{f.file("missing")}/pid"')
        r = call("-t", "-c", f.path)
        equal(r.returncode, 78, "status with a missing directory")
        check(f"install -d -o nobody -g" in r.stderr or os.geteuid() != 0, r.stderr)
        check(f.file("missing") in r.stderr, f"the directory is not named: {r.stderr}")
        if os.geteuid() == 0:
            preflight_makes_the_folder_of_the_socket(f)
        if os.geteuid() == 0:
            f.write(f'pidfile = "{f.dir}/pid"')
            r = call("-t", "-c", f.path)
            equal(r.returncode, 78, "status with a directory of root's")
            check("cannot remove it from there" in r.stderr, r.stderr)


def test_preflight_signer():
    """A key that is well kept is a warning; tables and a configuration that cannot be read are not."""
    with Folder("mode = audit") as f:
        conf, keys, signing, key = (f.file(name) for name in ("opendkim.conf", "keys", "signing",
                                                              "key"))
        f.write(f'signer = "opendkim:{conf}"')
        for path, text in ((conf, f"KeyTable {keys}\nSigningTable refile:{signing}\n"
                                  "RequireSafeKeys no\n"),
                           (keys, f"k example.com:s:{key}\ninline example.com:t:MIIB\n"
                                  "relative example.com:r:./key\n"),
                           (signing, "*@example.com k\n"), (key, "a secret\n")):
            with open(path, "w") as file:
                file.write(text)
        r = call("-t", "-c", f.path)
        equal((r.returncode, r.stderr), (0, ""), "-t with a signer")
        if os.geteuid() == 0:
            os.chmod(key, 0o600)
            r = call("-t", "-c", f.path)
            equal(r.returncode, 0, "status with a key that is well kept")
            equal(len(r.stderr.splitlines()), 1, f"one warning: {r.stderr!r}")
            check(f"{key}: user nobody cannot read it" in r.stderr, r.stderr)
            check(f"setfacl -m u:nobody:r {key}" in r.stderr, r.stderr)
            os.chmod(signing, 0o600)
            r = call("-t", "-c", f.path)
            equal(r.returncode, 78, "status with a table that cannot be read")
            check("user nobody cannot tell what it signs: " in r.stderr, r.stderr)
            check(f"{signing} cannot be read: Permission denied" in r.stderr, r.stderr)
            os.chmod(signing, 0o644)
        with open(keys, "w") as file:
            file.writelines(f"k{n} example.com:s{n}:{f.file('key%d' % n)}\n" for n in range(30))
        r = call("-t", "-c", f.path)
        equal((r.returncode, len(r.stderr.splitlines())), (0, 10), "keys that are named")
        check(f"{f.file('key0')}: the signer's tables name it, and it is not there" in r.stderr,
              r.stderr)
        os.unlink(signing)
        r = call("-t", "-c", f.path)
        equal(r.returncode, 78, "status with a table that is missing")
        check(f"{signing} cannot be read: No such file" in r.stderr, r.stderr)
        with open(conf, "a") as file:
            file.write("Mode nonsense\n")
        for args in (("-t",), ("-f",)):
            r = call(*args, "-c", f.path)
            equal(r.returncode, 78, "status with a configuration that OpenDKIM refuses")
            check(f"{conf}:4: " in r.stderr, r.stderr)
        os.unlink(conf)
        r = call("-t", "-c", f.path)
        equal(r.returncode, 78, "status without its configuration")
        check(conf in r.stderr, r.stderr)


# ---- sockets -----------------------------------------------------------------


def test_socket_kinds():
    port = mta.free_port()
    rows = [(f"inet:{port}@127.0.0.1", ("127.0.0.1", port)),
            (f"inet:{port}@localhost", ("127.0.0.1", port)),
            (f"inet:{port}", ("127.0.0.1", port))]
    if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6"):
        rows += [(f"inet6:{port}@::1", ("::1", port)), (f"inet6:{port}@[::1]", ("::1", port))]
    for spec, address in rows:
        with Daemon(ENFORCE, spec=spec, address=address) as d:
            s = d.session()
            equal(s.message(headers=BAD_FROM)[1].code, 550, f"a bad message by {spec}")
            s.quit()
            equal(d.stop(), 0, f"status of {spec}")
    with Daemon(ENFORCE) as d:
        other = os.path.join(d.run, "other")
        with Daemon(ENFORCE, args=["-p", f"local:{other}"], address=other, wait=False,
                    spec=d.spec) as e:
            # in the first one's directory, so that its user may remove the socket
            e.wait_until_ready()
            equal(e.session().message(headers=BAD_FROM)[1].code, 550, "by -p local:")
            equal(e.stop(), 0, "status")
            check(not os.path.exists(other), "the socket is still there")


def test_inherited_socket():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(5)
    address = listener.getsockname()
    with Daemon(ENFORCE, spec=f"fd:{listener.fileno()}", address=address,
                pass_fds=[listener.fileno()]) as d:
        equal(d.session().message(headers=BAD_FROM)[1].code, 550, "a bad message")
        equal(d.stop(), 0, "status")
    listener.close()
    with Folder("") as f:
        r = call("-f", "-c", f.path, "-p", "fd:7")
        equal(r.returncode, 71, "status without the descriptor")
        check("fd:7" in r.stderr, r.stderr)


def test_socket_mode():
    with Daemon("socket_mode = 0620") as d:
        equal(stat.S_IMODE(os.stat(d.address).st_mode), 0o620, "mode of the socket")
    if os.geteuid() == 0:
        group = grp.getgrall()[-1]
        with Daemon(f'socket_group = "{group.gr_name}"') as d:
            equal(os.stat(d.address).st_gid, group.gr_gid, "group of the socket")


def test_stale_and_live_sockets():
    with Daemon(ENFORCE) as d:
        r = call("-f", "-c", d.path)
        equal(r.returncode, 71, "status where another one listens")
        check("another process listens" in r.stderr, r.stderr)
        check(d.session().message()[1].kind == "a", "the first one does not answer any more")
        d.process.kill()
        d.process.wait()
        check(os.path.exists(d.address), "the killed one left no socket: nothing is tested")
        again = subprocess.Popen([mta.find_binary(), "-f", "-c", d.path],
                                 stderr=subprocess.PIPE, text=True)
        try:
            check("ready" in again.stderr.readline(), "a stale socket was not replaced")
            check(d.session().message()[1].kind == "a", "the new one does not answer")
        finally:
            again.terminate()
            again.wait(mta.TIMEOUT)
            again.stderr.close()
    with Folder("") as f:
        with open(f.sock, "w") as file:
            file.write("precious")
        r = call("-f", "-c", f.path)
        equal(r.returncode, 71, "status where a file is")
        with open(f.sock) as file:
            equal(file.read(), "precious", "the file")


# ---- the process -------------------------------------------------------------


def wait_gone(pid):
    end = time.monotonic() + mta.TIMEOUT
    while time.monotonic() < end:
        try:
            with open(f"/proc/{pid}/stat") as f:
                if f.read().rsplit(")", 1)[1].split()[0] == "Z":
                    return
        except FileNotFoundError:
            return
        time.sleep(0.01)
    raise AssertionError(f"process {pid} does not end")


def test_background():
    with Folder("") as f:
        pidfile = os.path.join(f.run, "pid")
        for log in ("syslog", "stderr"):
            f.write(f'pidfile = "{pidfile}"\nlog = {log}\n{ENFORCE}')
            with open(f.file("log"), "w") as err:
                begun = subprocess.run([mta.find_binary(), "-c", f.path], stderr=err,
                                       stdin=subprocess.DEVNULL, timeout=mta.TIMEOUT)
            equal(begun.returncode, 0, "status of the process that was started")
            with open(pidfile) as p:
                pid = int(p.read())
            try:
                equal(os.getsid(pid), pid, "the session of the daemon")
                equal(os.readlink(f"/proc/{pid}/cwd"), "/", "its working directory")
                equal(os.readlink(f"/proc/{pid}/fd/0"), "/dev/null", "its standard input")
                equal(os.readlink(f"/proc/{pid}/fd/2"),
                      "/dev/null" if log == "syslog" else f.file("log"), "its standard error")
                s = Session(f.sock)
                s.connect(address="127.0.0.1")
                equal(s.message(headers=BAD_FROM)[1].code, 550, "a bad message")
                s.quit()
                second = call("-c", f.path)
                equal(second.returncode, 71, "status of a second one")
            finally:
                os.kill(pid, signal.SIGTERM)
                wait_gone(pid)
            check(not os.path.exists(pidfile), "the pidfile is still there")
            check(not os.path.exists(f.sock), "the socket is still there")


def test_closed_descriptors():
    """Whoever starts it may have closed standard descriptors: no socket may get their numbers."""
    for closed in ("<&-", "2>&-", "<&- >&- 2>&-"):
        with Folder("") as f:
            pidfile = os.path.join(f.run, "pid")
            f.write(f'pidfile = "{pidfile}"\nlog = syslog\n{ENFORCE}')
            command = f'exec "$0" -c "$1" {closed}'
            begun = subprocess.run(["/bin/sh", "-c", command, mta.find_binary(), f.path],
                                   timeout=mta.TIMEOUT)
            equal(begun.returncode, 0, f"status with {closed}")
            with open(pidfile) as opened:
                pid = int(opened.read())
            try:
                s = Session(f.sock)
                s.connect(address="127.0.0.1")
                equal(s.message(headers=BAD_FROM)[1].code, 550, f"a bad message with {closed}")
                s.quit()
            finally:
                os.kill(pid, signal.SIGTERM)
                wait_gone(pid)


def test_pidfile_of_another():
    with Folder("") as f:
        pidfile = os.path.join(f.run, "pid")
        f.write(f'pidfile = "{pidfile}"\n{ENFORCE}')
        with open(pidfile, "w") as left:
            left.write("1\n")
        equal(call("-c", f.path).returncode, 0, "a file that was left behind")
        with open(pidfile) as opened:
            text = opened.read()
        try:
            second = call("-c", f.path, "-p", f"unix:{f.run}/other")
            equal(second.returncode, 71, "status of a second one on another socket")
            check("another daemon" in second.stderr, second.stderr)
            with open(pidfile) as opened:
                equal(opened.read(), text, "the pidfile of the first")
        finally:
            os.kill(int(text), signal.SIGTERM)
            wait_gone(int(text))


def test_linked_configuration():
    """conf.d is looked for beside the name that was given, not beside what it points to."""
    with Folder("") as f:
        os.mkdir(f.file("etc"))
        os.mkdir(f.file("etc/conf.d"))
        os.symlink("../presend.conf", f.file("etc/presend.conf"))
        with open(f.file("etc/conf.d/x.conf"), "w") as extra:
            extra.write("mode = bogus\n")
        r = call("-t", "-c", f.file("etc/presend.conf"))
        equal(r.returncode, 78, "status")
        check("conf.d/x.conf:1:" in r.stderr, r.stderr)


def test_start_errors_name_what_they_mean():
    with Folder('user = "no-such-user"') as f:
        r = call("-t", "-c", f.path)
        check(f"{f.path}: user no-such-user: " in r.stderr, r.stderr)


def test_background_failure():
    with Folder('pidfile = "/nonexistent/pid"') as f:
        r = call("-c", f.path)
        equal(r.returncode, 71, "status where the pidfile cannot be written")
        check("/nonexistent/pid" in r.stderr, r.stderr)
        check(not os.path.exists(f.sock), "the socket is still there")


def test_privileges():
    only_root()
    with Daemon(groups=[0, 1]) as d:
        with open(f"/proc/{d.pid}/status") as f:
            status = dict(line.split(":", 1) for line in f)
        account = pwd.getpwnam("nobody")
        equal(status["Uid"].split(), [str(account.pw_uid)] * 4, "user ids")
        equal(status["Gid"].split(), [str(account.pw_gid)] * 4, "group ids")
        check(not {"0", "1"} & set(status["Groups"].split()), f"groups {status['Groups']}")
        for task in os.listdir(f"/proc/{d.pid}/task"):
            equal(os.stat(f"/proc/{d.pid}/task/{task}").st_uid, account.pw_uid, "a thread's user")


def test_notify():
    for abstract in (False, True):
        with tempfile.TemporaryDirectory(prefix="presend-") as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            os.chmod(folder, 0o755)
            name = f"\0presend-{os.getpid()}" if abstract else os.path.join(folder, "notify")
            manager.bind(name)
            if not abstract:
                os.chmod(name, 0o666)
            manager.settimeout(mta.TIMEOUT)
            with Daemon(environment={"NOTIFY_SOCKET": name.replace("\0", "@")}) as d:
                equal(manager.recv(100), b"READY=1", "the first datagram")
                equal(d.stop(), 0, "status")
                equal(manager.recv(100), b"STOPPING=1", "the second datagram")
    with Daemon(environment={"NOTIFY_SOCKET": "relative"}) as d:
        d.wait_for(lambda: "NOTIFY_SOCKET relative" in d.log(), "line on a bad NOTIFY_SOCKET")


# ---- reload ------------------------------------------------------------------


def test_reload():
    with Daemon("mode = audit") as d:
        s = d.session()
        equal(s.message(headers=BAD_FROM)[1].kind, "a", "in audit")
        s.mail()
        s.rcpt()
        d.reload(ENFORCE)
        s.header(*BAD_FROM[0])
        equal(s.end_of_header().kind, "c", "a message begun before the reload")
        equal(s.end().kind, "a", "its end")
        equal(s.message(headers=BAD_FROM)[1].code, 550, "the next one of the same connection")
        equal([(r["mode"], r["verdict"], r["action"]) for r in d.records()],
              [("audit", "reject", "accept")] * 2 + [("enforce", "reject", "reject")], "records")
        s.mail()
        os.kill(d.pid, signal.SIGHUP)
        d.wait_for(lambda: d.log().count("in force, mode") > 1, "reload by SIGHUP")
        equal(s.rcpt().kind, "c", "the connection after SIGHUP")


def test_bad_reload():
    with Daemon(ENFORCE) as d:
        s = d.session()
        d.reload("mode = audit\nnosuch = 1", expect="is not in force")
        check(f"{d.path}:6:" in d.log(), "the line of the fault is not named")
        equal(s.message(headers=BAD_FROM)[1].code, 550, "after a bad reload")
        os.unlink(d.path)
        d.reload(expect="is not in force")
        equal(s.message(headers=BAD_FROM)[1].code, 550, "without the file")
        d.reload("mode = audit")
        equal(s.message(headers=BAD_FROM)[1].kind, "a", "after it was mended")


def test_reload_needs_restart():
    with Daemon() as d:
        spec = d.spec
        d.spec = "inet:1@127.0.0.1"
        d.reload('pidfile = "/run/x"')
        for name in ("socket", "pidfile"):
            check(f"{name} has changed: that needs a restart" in d.log(), f"{name} is not named")
        check("user has changed" not in d.log(), "user is named")
        d.spec = spec


# ---- stopping ----------------------------------------------------------------


def cannot_connect(address):
    """A new connection fails at once, or is closed before it is answered."""
    try:
        Session(address).close()
    except (OSError, Gone):
        return True
    return False


def at_once(took, what):
    """Less than the five seconds that a drain waits for what is idle, or less than twice what a
    busy machine takes where there is nothing to wait for."""
    control = 0.0
    if took >= 4:
        with Daemon() as idle:
            begun = time.monotonic()
            idle.stop()
            control = time.monotonic() - begun
    check(took < max(4, 3 + 2 * control), f"{what}: {took:.1f} s, and {control:.1f} without")


def drained(spec, address):
    with Daemon(ENFORCE, spec=spec, address=address) as d:
        s, idle = d.session(), d.session()
        s.mail()
        s.rcpt()
        os.kill(d.pid, signal.SIGTERM)
        d.wait_for(lambda: "stopping: 2 connections" in d.log(), "stopping")
        d.wait_for(lambda: cannot_connect(d.address), "new connection turned away")
        idle.quit()
        s.header(*BAD_FROM[0])
        equal(s.finish().code, 550, "the message under way")
        s.message(headers=GOOD_FROM)
        time.sleep(1.5)
        equal(s.message(headers=GOOD_FROM)[1].kind, "a", "the next of the connection")
        check(d.process.poll() is None, "it ended with an open connection")
        begun = time.monotonic()
        s.quit()
        equal(d.process.wait(mta.TIMEOUT), 0, "status")
        at_once(time.monotonic() - begun, "it waited although all had ended")
        check("3 messages judged, 1 of them refused" in d.log(), "counters are missing")
    return d


def test_drain():
    d = drained(None, None)
    check(not os.path.exists(d.address), "the socket is still there")
    port = mta.free_port()
    drained(f"inet:{port}@127.0.0.1", ("127.0.0.1", port))


def test_drain_turns_all_away():
    """Connections that come in the very moment of the signal are answered or cut, at once."""
    usual, times = [], []

    def attempt(d, kept):
        begun = time.monotonic()
        turned_away = cannot_connect(d.address)
        kept.append(time.monotonic() - begun)
        return turned_away

    def client(d, all_there):
        attempt(d, usual)
        all_there.wait()
        while not attempt(d, times):
            pass

    for _ in range(20):
        with Daemon() as d:
            s = d.session()
            all_there = threading.Barrier(9)
            clients = [threading.Thread(target=client, args=[d, all_there]) for _ in range(8)]
            for c in clients:
                c.start()
            all_there.wait(mta.TIMEOUT)
            os.kill(d.pid, signal.SIGTERM)
            for c in clients:
                c.join(mta.TIMEOUT)
            s.quit()
            equal(d.process.wait(mta.TIMEOUT), 0, "status")
    # one that nobody takes waits until the daemon ends, for five seconds at the least
    check(max(times) < 3 + 4 * max(usual),
          f"one of {len(times)} connections waited {max(times):.1f} s, before that {max(usual):.1f}")


def test_drain_waits_for_messages():
    with Daemon(ENFORCE) as d:
        s, idle = d.session(), d.session()
        s.mail()
        s.rcpt()
        os.kill(d.pid, signal.SIGTERM)
        time.sleep(5.5)
        check(d.process.poll() is None, "it ended with a message under way")
        s.header(*GOOD_FROM[0])
        equal(s.end_of_header().kind, "c", "the end of the header")
        equal(s.end().kind, "a", "the end of the message")
        begun = time.monotonic()
        equal(d.process.wait(mta.TIMEOUT), 0, "status")
        at_once(time.monotonic() - begun, "it waited for idle connections")
        idle.close()


def test_second_signal_stops_at_once():
    with Daemon() as d:
        s = d.session()
        s.mail()
        os.kill(d.pid, signal.SIGTERM)
        d.wait_for(lambda: "stopping" in d.log(), "stopping")
        begun = time.monotonic()
        equal(d.stop(), 0, "status")
        at_once(time.monotonic() - begun, "it did not stop at once")
        check("with 1 messages under way" in d.log(), "the cut message is not named")


class Hanging:
    """A server that takes every connection and never says a word."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.taken = []
        threading.Thread(target=self.take, daemon=True).start()

    def take(self):
        try:
            while True:
                self.taken.append(self.listener.accept()[0])
        except OSError:
            pass

    def stores(self, count, options=""):
        names = [f"s{i}" for i in range(count)]
        text = "deadline = 0.3\ndirectory = {" + ", ".join(f'"{n}"' for n in names) + "}\n"
        return text + "".join(
            f'store "{n}" {{ type = socketmap  map = "m"  parallel = true {options} '
            f'socket = "inet:127.0.0.1:{self.port}" }}\n' for n in names)

    def close(self):
        self.listener.close()
        for connection in self.taken:
            connection.close()


def test_end_while_stores_hang():
    """A reload waits for stores that hang, all of them together; a signal to stop comes through.
    It waits two seconds in all: of ten stores that would be twenty, one after the other."""
    server = Hanging()
    with Daemon(server.stores(10, "timeout = 60")) as d:
        s = d.session()
        equal(s.message(headers=GOOD_FROM)[1].kind, "a", "a message while the stores hang")
        d.wait_for(lambda: len(server.taken) >= 10, "questions")
        begun = time.monotonic()
        d.reload()
        check(time.monotonic() - begun < 10, "the reload waited for one store after the other")
        equal(s.message(headers=GOOD_FROM)[1].kind, "a", "a message after the reload")
        s.quit()
        begun = time.monotonic()
        equal(d.stop(), 0, "status")
        check(time.monotonic() - begun < 10, "the stores held up the end")
    server.close()


def resources(pid):
    return len(os.listdir(f"/proc/{pid}/task")), len(os.listdir(f"/proc/{pid}/fd"))


def test_reloads_leave_nothing():
    """Neither threads nor descriptors: of stores that hang, and of those that were replaced."""
    server = Hanging()
    with Daemon(server.stores(2, "timeout = 0.5")) as d:
        s = d.session()
        s.message(headers=GOOD_FROM)
        d.reload()
        s.message(headers=GOOD_FROM)
        time.sleep(1.5)
        before = resources(d.pid)
        for _ in range(8):
            s.message(headers=GOOD_FROM)
            d.reload()
        s.message(headers=GOOD_FROM)
        d.wait_for(lambda: all(now <= was + 1 for now, was in zip(resources(d.pid), before)),
                   f"return to {before}, it is {resources(d.pid)}")
        equal(d.stop(), 0, "status")
    server.close()


def test_storm_of_signals():
    """libmilter has a thread that waits for these signals and would stop at once."""
    for last in (signal.SIGTERM, signal.SIGINT):
        with Daemon(ENFORCE) as d:
            s = d.session()
            s.mail()
            for i in range(300):
                os.kill(d.pid, (signal.SIGUSR1, signal.SIGHUP)[i % 2])
                if i % 10 == 0:
                    time.sleep(0.001)
            os.kill(d.pid, last)
            d.wait_for(lambda: "stopping: 1 connections" in d.log(), "drain")
            equal(s.rcpt().kind, "c", "the message under way")
            s.quit()
            equal(d.process.wait(mta.TIMEOUT), 0, "status")


# ---- what is judged ----------------------------------------------------------


def test_options_and_macros():
    with Daemon() as d:
        s = d.session()
        equal(s.actions, mta.ADDHDRS | mta.CHGHDRS | mta.QUARANTINE, "actions")
        equal(s.steps, mta.LEADSPC | mta.NR_CONN | mta.NR_HELO | mta.NR_HDR | mta.NR_EOH | mta.NR_BODY |
              mta.NODATA | mta.NOUNKNOWN, "steps")
        wanted = {0: {"j", "{daemon_name}", "{client_addr}"},
                  2: {"v", "i", "{auth_authen}", "{cert_subject}", "{verify}"},
                  3: {"v", "{rcpt_mailer}"}, 5: {"i"}, 6: {"i"}}
        equal({k: set(v) for k, v in s.symbols.items()}, wanted, "macros")


def test_old_mta():
    """An MTA that offers nothing gets a reply to every step, and no leading blanks."""
    with Daemon(ENFORCE + '\ncheck "from.display-name" { action = flag }') as d:
        s = Session(d.address, actions=mta.ADDHDRS | mta.CHGHDRS, steps=0x3F, version=4)
        equal((s.steps, s.symbols), (0, {}), "steps and macros")
        equal(s.connect(address="127.0.0.1").kind, "c", "connect")
        equal(s.helo().kind, "c", "helo")
        s.mail()
        s.rcpt()
        equal(s.header(*BAD_FROM[0]).kind, "c", "header")
        equal(s.end_of_header().kind, "c", "the end of the header")
        equal(s.body().kind, "c", "the body")
        equal(s.end().changed("h"), [b"X-Presend-Flag\0from.display-name\0"], "the flag header")
        equal(d.record()["from_raw"], BAD_FROM[0][1], "the field")
        s.quit()


def test_login_decides_at_mail():
    with Daemon(ENFORCE + "\nsubmitters = { }") as d:
        s = Session(d.address)
        s.connect()
        s.helo()
        s.helo()
        stage, reply = s.message(headers=BAD_FROM)
        equal((stage, reply.kind), ("mail", "a"), "before the login")
        for _ in range(2):
            stage, reply = s.message(headers=BAD_FROM, login="ann")
            equal((stage, reply.code), ("eom", 550), "after the login")
        equal([(r["class"], r["envelope"]["auth"]) for r in d.records()],
              [("authenticated", "ann")] * 2, "records")
        equal(s.message(headers=BAD_FROM)[0], "mail", "without a login again")
        s.quit()


def test_classes():
    config = ENFORCE + """
submitters = { "192.0.2.0/24" }
listeners = { "relay" }
not_listeners = { "reinject" }
cert_subjects = { "/CN=app.example.com" }
"""
    rows = [
        ("submitter", {}, {}, "submitter"),
        ("other address", {"address": "198.51.100.7"}, {}, None),
        ("IPv6", {"address": "2001:db8::1"}, {}, None),
        ("no address, macro only", {"address": None, "macros": {"{client_addr}": "192.0.2.9"}}, {},
         "submitter"),
        ("listener", {"address": "198.51.100.7", "macros": {"{daemon_name}": "relay"}}, {},
         "listener"),
        ("not listener wins", {"macros": {"{daemon_name}": "reinject"}},
         {"{auth_authen}": "ann"}, None),
        ("certificate", {"address": "198.51.100.7"},
         {"{cert_subject}": "/CN=app.example.com", "{verify}": "OK"}, "authenticated"),
        ("certificate, verify unknown", {"address": "198.51.100.7"},
         {"{cert_subject}": "/CN=app.example.com"}, "authenticated"),
        ("certificate not verified", {"address": "198.51.100.7"},
         {"{cert_subject}": "/CN=app.example.com", "{verify}": "FAIL"}, None),
        ("local, port 0", {"name": "localhost", "address": "127.0.0.1", "port": 0}, {}, "local"),
        ("local, no address", {"name": "localhost", "address": None}, {}, "local"),
        ("localhost by TCP", {"name": "localhost", "address": "127.0.0.1"}, {}, None),
    ]
    with Daemon(config) as d:
        for label, connect, macros, wanted in rows:
            s = Session(d.address)
            s.connect(**connect)
            before = len(d.records())
            stage, reply = s.message(headers=BAD_FROM, mail_macros=macros)
            if wanted is None:
                equal((stage, reply.kind, len(d.records())), ("mail", "a", before), label)
            else:
                equal((reply.code, d.record()["class"]), (550, wanted), label)
            s.quit()


def test_local_submission_is_refused_at_its_end():
    with Daemon(ENFORCE + '\ncheck "envelope.*" { action = reject }') as d:
        s = Session(d.address)
        s.connect(name="localhost", address="127.0.0.1", port=0)
        stage, reply = s.message(mail="a@@b", rcpts=("bob@@example.net",), mailer=None,
                                 headers=BAD_FROM)
        equal((stage, reply.code), ("eom", 553), "a bad sender")
        equal(len(d.records()), 1, "records")
        stage, reply = s.message(rcpts=("bob@@example.net",), mailer=None)
        equal((stage, reply.kind), ("eom", "a"), "a bad recipient alone")
        equal([f["check"] for f in d.record()["findings"]], ["envelope.recipient-syntax"],
              "its record")
        stage, reply = s.message(rcpts=("root@example.com", "root"), mailer=None, headers=BAD_FROM)
        equal((stage, reply.kind), ("eom", "a"), "mail to a domain of ours")
        s.quit()


def test_internal_mail():
    bad = {"mail": "<a@@b>", "headers": BAD_FROM}
    inside, outside = ("<root@example.com>", "local"), ("<bob@example.net>", "smtp")
    with Daemon(ENFORCE) as d:
        s = d.session()
        equal(s.message(rcpts=(inside, inside), **bad)[0], "eom", "pass: all inside")
        equal(d.records(), [], "pass: records")
        equal(s.mail("<a@@b>").kind, "c", "MAIL")
        equal(s.rcpt(*inside).kind, "c", "pass: the one inside")
        equal(s.rcpt(*outside).code, 553, "pass: the first outside")
        equal(s.rcpt("<eve@example.net>").code, 553, "pass: the second outside")
        s.header(*BAD_FROM[0])
        equal(s.finish().kind, "a", "pass: what stays inside goes on")
        equal(len(d.records()), 1, "pass: one record")
        stage, reply = s.message(rcpts=(inside, outside), headers=BAD_FROM)
        equal((stage, reply.code), ("eom", 550), "pass: one outside makes it outbound")

        d.reload(ENFORCE + "\ninternal = audit")
        stage, reply = s.message(rcpts=(inside,), **bad)
        equal((stage, reply.kind), ("eom", "a"), "audit: all inside")
        r = d.record()
        equal((r["verdict"], r["action"], r["mode"]), ("reject", "accept", "audit"),
              "audit: record")
        equal({f["mode"] for f in r["findings"]}, {"audit"}, "audit: findings")
        equal(s.message(rcpts=(inside, outside), headers=BAD_FROM)[1].code, 550, "audit: mixed")

        d.reload(ENFORCE + "\ninternal = judge")
        equal(s.message(rcpts=(inside,), **bad)[1].code, 553, "judge: all inside")
        s.quit()


def test_refused_mail_makes_one_record():
    with Daemon(ENFORCE) as d:
        s = d.session()
        equal(s.mail("<a@@b>").kind, "c", "MAIL is never refused itself")
        for _ in range(3):
            equal(s.rcpt().code, 553, "an outside recipient")
        s.abort()
        equal(s.message()[1].kind, "a", "the next message")
        equal([r["verdict"] for r in d.records()], ["reject", "accept"], "records")
        s.quit()


def test_refused_recipient_is_a_finding():
    with Daemon(ENFORCE + '\ncheck "envelope.recipient-syntax" { action = reject }') as d:
        s = d.session()
        s.mail()
        equal(s.rcpt("<bob@@example.net>").code, 553, "a bad recipient")
        equal(s.rcpt("<bob@example.net>").kind, "c", "a good one after it")
        s.header(*GOOD_FROM[0])
        s.end_of_header()
        equal(s.end().kind, "a", "the message")
        r = d.record()
        equal((r["action"], [f["check"] for f in r["findings"]]),
              ("accept", ["envelope.recipient-syntax"]), "record")
        equal(s.message(rcpts=("<bob@@example.net>",))[1].code, 553, "the only recipient")
        s.quit()
        d.wait_for(lambda: len(d.records()) == 2, "record of a message that never came")


def test_null_sender():
    with Daemon(ENFORCE) as d:
        s = d.session()
        bounce = (("From", "MAILER-DAEMON <>"),)
        equal(s.message(mail="<>", headers=bounce)[1].kind, "a", "a bounce")
        equal({f["action"] for f in d.record()["findings"]}, {"log"}, "its findings")
        equal(s.message(mail="<>", headers=BAD_FROM, login="ann")[1].code, 550, "with a login")
        s.quit()


def test_smtputf8():
    with Daemon(ENFORCE) as d:
        s = d.session()
        header = (("From", "J\u00fcrgen <ann@example.com>"),)
        equal(s.message(headers=header)[1].code, 550, "raw UTF-8 without SMTPUTF8")
        equal(s.message(headers=header, parameters=("SIZE=100", "SMTPUTF8"))[1].kind, "a",
              "with SMTPUTF8")
        s.quit()


def test_unjudged_warning():
    with Daemon("submitters = { }") as d:
        s = Session(d.address)
        s.connect()
        for i in range(15):
            equal(s.message(headers=BAD_FROM)[0], "mail", f"message {i}")
        inside = (("<root@example.com>", "local"),)
        equal(s.message(rcpts=inside)[0], "eom", "one that stays inside")
        check("passed unjudged" not in d.log(), "inside mail made a warning")
        for _ in range(15):
            s.message()
        equal(s.message()[0], "rcpt", "one that goes outside")
        check("32 messages passed unjudged" in d.log() and "1 of the 2 looked at" in d.log(),
              d.log())
        for _ in range(32):
            s.message()
        equal(d.log().count("passed unjudged"), 1, "warnings within the hour")
        s.quit()
        equal(d.stop(), 0, "status")
        check("0 messages judged, 0 of them refused, 64 passed unjudged" in d.log(), d.log())


def test_unjudged_on_purpose():
    """What the operator does not want judged is nothing to be warned of."""
    config = """
authenticated = false
local_submission = false
submitters = { }
not_listeners = { "reinject" }
"""
    with Daemon(config) as d:
        for connect, login in (({}, "ann"), ({"name": "localhost", "address": None}, None),
                               ({"macros": {"{daemon_name}": "reinject"}}, None)):
            s = Session(d.address)
            s.connect(**connect)
            for _ in range(17):
                equal(s.message(login=login)[0], "mail", f"where it ended with {connect} {login}")
            s.quit()
        equal(d.stop(), 0, "status")
        check("0 passed unjudged" in d.log(), d.log())


# ---- what is done ------------------------------------------------------------


def test_flag():
    headers = (("From", "Doe, John <ann@example.com>"), ("X-Presend-Flag", "forged"),
               ("Subject", "x"), ("x-presend-flag", "forged again"))
    text = '\ncheck "from.display-name" { action = flag }'
    with Daemon(ENFORCE + text) as d:
        s = d.session()
        stage, reply = s.message(headers=headers)
        equal((stage, reply.kind), ("eom", "a"), "a flagged message")
        equal(reply.changes, [("m", b"\0\0\0\x02X-Presend-Flag\0\0"),
                              ("m", b"\0\0\0\x01X-Presend-Flag\0\0"),
                              ("h", b"X-Presend-Flag\0 from.display-name\0")], "changes")
        equal(d.record()["action"], "flag", "record")
        equal(s.message(headers=GOOD_FROM)[1].changes, [], "changes of a good message")
        d.reload("mode = audit" + text)
        equal(s.message(headers=headers)[1].changes, [], "changes in audit")
        equal((d.record()["verdict"], d.record()["action"]), ("flag", "accept"), "record in audit")
        d.reload(ENFORCE + text + '\ncheck "from.domain" { action = flag mode = audit }')
        reply = s.message(headers=(("From", "Doe, John <ann@localhost>"),))[1]
        equal(reply.changed("h"), [b"X-Presend-Flag\0 from.display-name\0"], "one in audit")
        found = [f["check"] for f in d.record()["findings"] if f["action"] == "flag"]
        equal(found, ["from.display-name", "from.domain"], "findings")
        d.reload(ENFORCE + text + '\ncheck "from.domain" { action = flag }')
        reply = s.message(headers=(("From", "Doe, John <ann@localhost>"),))[1]
        equal(reply.changed("h"), [b"X-Presend-Flag\0 from.display-name, from.domain\0"], "both")
        s.quit()


def test_quarantine():
    text = '\ncheck "from.display-name" { action = quarantine }'
    with Daemon(ENFORCE + text) as d:
        s = d.session()
        reply = s.message(headers=BAD_FROM)[1]
        equal((reply.kind, reply.changes), ("a", [("q", b"presend: from.display-name\0")]), "held")
        d.reload("mode = audit" + text)
        equal(s.message(headers=BAD_FROM)[1].changes, [], "changes in audit")
        s.quit()


def test_tempfail():
    with Daemon(ENFORCE + '\ncheck "from.display-name" { action = tempfail }') as d:
        s = d.session()
        stage, reply = s.message(headers=BAD_FROM)
        equal((stage, reply.code), ("eom", 451), "put off")
        check(reply.text.startswith("451-4.1.7 "), reply.text)
        s.quit()


def test_reply():
    with Daemon(ENFORCE) as d:
        s = d.session()
        text = s.message(headers=(("From", "50%, %s <ann@example.com>"),))[1].text
        lines = text.split("\r\n")
        check(len(lines) == 2 and lines[0].startswith("550-5.1.7 from.") and
              lines[1].startswith("550 5.1.7 Fix: "), text)
        check('"50%%, %%s"' in lines[1], f"percent signs are not doubled: {text}")
        text = s.message(headers=(("From", "%" * 900 + ", x <ann@example.com>"),))[1].text
        check(text.startswith("550-5.1.7 from."), f"a reply full of percent signs: {text[:80]}")
        check(all(len(line) < 1000 for line in text.split("\r\n")), "a line is too long")
        s.quit()


def test_text_log():
    with Daemon(ENFORCE + "\nlog_format = text") as d:
        s = d.session()
        s.message(headers=BAD_FROM)
        line = [x for x in d.log().splitlines() if "from.display-name" in x]
        check(len(line) == 1 and not line[0].startswith("{") and "action=reject" in line[0], line)
        s.quit()


def test_record_fits_its_log():
    """A log that cuts long lines would show a message's octets as a line of their own."""
    header = (("From", "(" + "\x01" * 30000),)
    for environment, low, high in (({"JOURNAL_STREAM": "8:1"}, 1000, 40000), ({}, 60000, 1 << 20)):
        with Daemon("mode = audit", environment=environment) as d:
            s = d.session()
            s.message(headers=header)
            lines = [x for x in d.log().splitlines() if x.startswith("{")]
            equal(len(lines), 1, "records")
            size = len(lines[0].encode())
            check(low < size <= high, f"{size} octets with {environment}")
            equal(d.record().get("truncated", False), bool(environment), "truncated")
            s.quit()


def test_parallel_sessions_under_reload():
    """100 connections, each message under the configuration of its own MAIL."""
    failures = []
    rows = [(BAD_FROM, {"a", "y"}), (GOOD_FROM, {"a"})]

    def client(d):
        try:
            s = d.session()
            for i in range(12):
                headers, wanted = rows[i % 2]
                stage, reply = s.message(headers=headers)
                if reply.kind not in wanted:
                    failures.append(f"{stage} {reply}")
            s.quit()
        except Exception as why:  # reported by the test itself
            failures.append(repr(why))

    with Daemon("mode = audit") as d:
        clients = [threading.Thread(target=client, args=[d]) for _ in range(100)]
        for c in clients:
            c.start()
        reloads = 0
        while any(c.is_alive() for c in clients):
            d.reload(ENFORCE if reloads % 2 == 0 else "mode = audit")
            reloads += 1
        equal(failures, [], "failures")
        records = d.records()
        equal(len(records), 1200, "records")
        check(reloads >= 2, "too few reloads to tell anything")
        equal({(r["mode"], r["action"]) for r in records if r["verdict"] == "reject"} -
              {("audit", "accept"), ("enforce", "reject")}, set(), "modes and actions")
        equal(d.stop(), 0, "status")


def test_nobody_waits_behind_others():
    """Where all of libmilter's workers wait for a dead name server, MAIL is answered at once."""
    dead = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    dead.bind(("127.0.0.1", 0))
    seconds = 3  # what answers on a busy machine does so in less
    with dead, Daemon(f'resolver = {{ "127.0.0.1@{dead.getsockname()[1]}" }} '
                      f"deadline = {seconds}") as d:
        for turn in range(6):
            held = [d.session() for _ in range(8)]
            others = [d.session() for _ in range(8)]
            for i, s in enumerate(held):
                equal(s.mail(f"<ann@{turn}-{i}.example>").kind, "c", "MAIL")
            # libmilter finds all at once, in one look at its connections
            os.kill(d.pid, signal.SIGSTOP)
            for one, other in zip(held, others):
                one.macros("R", {"{rcpt_mailer}": "smtp"})
                one.send("R", b"<bob@example.net>\0")
                other.macros("M", {"v": mta.VERSION})
                other.send("M", b"<ann@example.com>\0")
            os.kill(d.pid, signal.SIGCONT)
            for s in others:
                equal(s.reply().kind, "c", "MAIL beside those that wait")
            answered, _, _ = select.select([s.sock for s in held], [], [], 0)
            equal(len(answered), 0, "RCPTs that were answered before MAIL")
            for s in held:
                equal(s.reply().kind, "c", "RCPT without an answer of the DNS")
            for s in held + others:
                s.quit()
        equal(d.stop(), 0, "status")


if __name__ == "__main__":
    mta.run([f for name, f in sorted(globals().items(), key=lambda x: getattr(
        getattr(x[1], "__code__", None), "co_firstlineno", 0)) if name.startswith("test_")])
