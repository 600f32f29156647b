#!/usr/bin/python3
"""The README "From install to running", run line by line as it stands.

usage: install.py [TEST...]       (root; $builddir names quickstart's build folder)

All of it happens in namespaces of its own: mounts, processes, network, host name.  What
is written to /etc, /usr, /var and the checkout goes to a memory file system on top
of them, which is gone when the process ends.  Postfix and Sendmail, adduser, git,
make and the programs are the real ones; systemctl is t/e2e/systemctl.py.

The tests are one story in the order of the README; each needs those before it.
"""
import glob
import json
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lint")]
from documents import LONG_AGO, README, blocks  # noqa: E402
from lab import Client, Lab, Sink, Tests, expect, expect_equal, find_program, skip, wait_until  # noqa: E402
from lint import load  # noqa: E402
from servers import HOST, SRCDIR, accepts, build_folder, unpacked  # noqa: E402

CONFIG = "/usr/local/etc/presend/presend.conf"
UNIT = "/usr/local/lib/systemd/system/presend-milter.service"
SOCKET = "/var/spool/postfix/presend/presend.sock"
SIGNER = "inet:127.0.0.1:8892"
MESSAGE = b"From: ann@%s\r\nSubject: x\r\n\r\nx\r\n" % HOST.encode()
PATHS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

NAMESPACES = ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc"]

# A Debian host whose Postfix was set up as an Internet site, with its mail going to our sink.
MAIN_CF = """compatibility_level = 3.6
myhostname = {host}
mydestination = $myhostname, localhost
mynetworks = 127.0.0.0/8
inet_protocols = ipv4
alias_maps = texthash:/etc/postfix/own-aliases
relayhost = [127.0.0.1]:{sink}
maillog_file = /var/log/mail.log
smtpd_peername_lookup = no
disable_dns_lookups = yes
"""
SENDMAIL_UNIT = """[Service]
ExecStart=/usr/libexec/sendmail/sendmail -bD -X /var/log/sendmail.log
"""
# Debian's is written by its package's set-up, which asks for more than there is here.
SENDMAIL_MAKEFILE = """all: sendmail.cf
sendmail.cf: sendmail.mc
\tm4 -D_CF_DIR_=/usr/share/sendmail/cf/ /usr/share/sendmail/cf/m4/cf.m4 sendmail.mc >sendmail.cf
"""
SENDMAIL_MC = """divert(0)dnl
OSTYPE(`linux')dnl
define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h {sink}')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confTO_IDENT', `0')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`ALIAS_FILE', `')dnl
define(`QUEUE_DIR', `/var/spool/mqueue')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port=25, Addr=127.0.0.1')dnl
{presend}MAILER(`local')dnl
MAILER(`smtp')dnl
"""

tests = Tests()


# ---- the place -----------------------------------------------------------------


def run(*command, **more):
    return subprocess.run(command, check=True, stdout=subprocess.DEVNULL, **more)


def overlay(top, path, *below):
    """Whatever is written below the path from now on stays in memory."""
    name = path.strip("/").replace("/", "-")
    upper, work = f"{top}/{name}.upper", f"{top}/{name}.work"
    os.makedirs(upper)
    os.makedirs(work)
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={':'.join([*below, path])},upperdir={upper},workdir={work}", path)
    return upper


def make_the_place(top):
    """Mounts, network and name; returns where changes of /etc, /var and /usr are found."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", top)
    checkout = os.getcwd()
    written = {}
    for path in ("/etc", "/var", "/usr"):
        # As it was, to compare with.
        os.makedirs(top + path)
        run("mount", "--bind", path, top + path)
        written[path] = overlay(top, path)
    overlay(top, SRCDIR)
    os.chdir(checkout)
    # What else there is cannot be written to: a line that would is one that fails.
    for path in ("/tmp", "/dev/shm"):
        run("mount", "--rbind", path, path)
    run("mount", "-o", "remount,bind,ro", "/")
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    run("hostname", HOST)
    run("ip", "link", "set", "lo", "up")
    write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {HOST} mail\n")
    write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    # A host that has had Presend before is not what the README begins with.
    for path in [os.path.dirname(CONFIG), "/etc/presend", *glob.glob("/usr/local/*/presend*")]:
        shutil.rmtree(path, ignore_errors=True)
    return written


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


# ---- the reader ----------------------------------------------------------------


class Shell:
    """root's shell, to which one line is given after the other."""

    def __init__(self, folder, path):
        self.process = subprocess.Popen(["bash", "--norc", "--noprofile"], cwd=folder, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        env={"PATH": path, "HOME": "/root", "LC_ALL": "C.UTF-8",
                                             "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null",
                                             "GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory",
                                             "GIT_CONFIG_VALUE_0": "*"})

    def try_line(self, line):
        """Status and output."""
        self.process.stdin.write(line.encode() + b"\nprintf '\\n<%s>\\n' $?\n")
        self.process.stdin.flush()
        said = []
        while True:
            got = self.process.stdout.readline().decode(errors="replace")
            status = re.fullmatch(r"<(\d+)>\n", got)
            if status:
                return int(status[1]), "".join(said).rstrip("\n")
            expect(got, f"the shell ended at {line!r}: {''.join(said)}")
            said.append(got)

    def line(self, line):
        status, said = self.try_line(line)
        expect(status == 0, f"{line!r} ends with {status}: {said}")
        return said


class Document:
    """The README's blocks of that part by the heading before each, and which lines were run."""

    def __init__(self):
        text = read(os.path.join(SRCDIR, README))
        begin, end = text.index("## From install to running"), text.index("## Who may send as whom")
        first, last = text.count("\n", 0, begin), text.count("\n", 0, end)
        self.sections, self.ran = {}, []
        for block in blocks(load(SRCDIR, None)):
            if block.name == README and first < block.line <= last:
                before = "\n".join(text.split("\n")[:block.line])
                heading = re.findall(r"^(?:\*\*|### )([\w ]+)", before, re.M)[-1]
                self.sections.setdefault(heading, []).append(block)

    def lines(self, heading):
        """The shell lines of a section, of all its blocks."""
        text = "".join(b.text for b in self.sections[heading] if b.kind == "shell").replace("\\\n", " ")
        return text.splitlines()

    def block(self, heading, kind):
        return next(b.text for b in self.sections[heading] if b.kind == kind)

    def everything(self):
        return [line for heading in self.sections for line in self.lines(heading)]


class World:
    def __init__(self, lab, top, written):
        self.lab, self.top, self.written = lab, top, written
        self.before = {}
        self.document = Document()
        self.sink = Sink(lab)
        self.count = 0
        os.makedirs(f"{top}/bin")
        for name, option in (("systemctl", ""), ("journalctl", "--journal")):
            write(f"{top}/bin/{name}", f'#!/bin/sh\nexec {sys.executable} {HERE}/systemctl.py {option} "$@"\n')
            os.chmod(f"{top}/bin/{name}", 0o755)
        self.shell = Shell(SRCDIR, f"{top}/bin:{PATHS}")
        self.set_up_git()
        self.set_up_postfix()

    def set_up_git(self):
        """The checkout becomes a clone of a repository of its own."""
        if os.path.isdir(f"{SRCDIR}/.git"):
            shutil.rmtree(f"{SRCDIR}/.git")
        elif os.path.exists(f"{SRCDIR}/.git"):
            os.unlink(f"{SRCDIR}/.git")
        for line in ("git init -q -b main .", "git config user.name x", "git config user.email x@example.com",
                     "git add -A", "git commit -q -m x", f"git clone -q --bare . {self.top}/upstream.git",
                     f"git remote add origin {self.top}/upstream.git", "git fetch -q origin",
                     "git branch -q --set-upstream-to=origin/main"):
            self.shell.line(line)

    def set_up_postfix(self):
        write("/etc/postfix/main.cf", MAIN_CF.format(host=HOST, sink=self.sink.at))
        write("/etc/postfix/own-aliases", "postmaster: root\n")
        shutil.rmtree("/var/spool/postfix/presend", ignore_errors=True)
        for path in CANARIES:
            write(path, "not Presend's\n")
        self.shell.line("postfix start")
        wait_until("Postfix's port", lambda: accepts(25))
        self.before = self.state()

    def state(self):
        """All that differs from this host: {path: its kind, mode, owner, and content by size, time or target}."""
        found = {}
        for path, upper in self.written.items():
            for where, folders, names in os.walk(upper):
                inside = path + where[len(upper):]
                for name in folders + names:
                    found[f"{inside}/{name}"] = looks(os.path.join(where, name), f"{self.top}{inside}/{name}")
        return {path: look for path, look in found.items() if look}

    def harm(self):
        """What was made, changed or removed since the story began, and is not Presend's to touch."""
        now = self.state()
        changed = {path for path in now.keys() | self.before.keys() if now.get(path) != self.before.get(path)}
        return sorted(f"{path} {'was' if path in self.before else 'is new or was'} changed or removed: {now.get(path)}"
                      for path in changed if not any(re.fullmatch(pattern, path) for pattern in OURS))

    def parameters(self):
        """main.cf as Postfix reads it."""
        return dict(re.findall(r"^(\w+) = ?(.*)$", self.shell.line("postconf -n 2>/dev/null"), re.M))

    def follow(self, heading, between=lambda line: None):
        """Each line of a section, and what it said."""
        said = []
        for line in self.document.lines(heading):
            said.append(self.shell.line(line))
            self.document.ran.append(line)
            between(line)
        return said

    def paste(self, heading, kind):
        text = self.document.block(heading, kind)
        path = re.match(r"(?:#|dnl) (/\S+)\n", text)[1]
        with open(path, "a", encoding="utf-8") as f:
            f.write(text)

    def domain(self):
        self.count += 1
        return f"m{self.count}.example"

    def mail(self):
        """A message over SMTP, and one by sendmail(1); their domains once both have been delivered."""
        here, there = self.domain(), self.domain()
        with Client(25) as client:
            reply = client.send(f"ann@{HOST}", [f"bob@{here}"], MESSAGE)
        expect_equal(f"answer {reply}", reply.code, 250)
        subprocess.run(["/usr/sbin/sendmail", f"bob@{there}"], input=b"Subject: x\n\nx\n", check=True)
        for domain in (here, there):
            self.sink.one_to(f"bob@{domain}", 40)
        return here, there

    def records(self):
        return [json.loads(line) for line in self.journal().splitlines() if line.startswith("{")]

    def journal(self):
        return "".join(line.split("\t", 1)[1] for line in read("/run/stand-in/journal").splitlines(True))

    def record_to(self, domain):
        return wait_until(f"a record of mail to {domain}",
                          lambda: [r for r in self.records() if domain in r["envelope"]["rcpt_domains"]], 40)[0]

    def postfix_has(self, name):
        return self.shell.line(f"postconf -xh {name}")

    def pid(self):
        return int(read("/run/stand-in/presend-milter.service.pid"))


# What installing and removing Presend may touch; all else has to stay as it was.
OURS = [
    r"/usr/local/(.*/)?presend[^/]*(/.*)?",
    r"/usr/local/(etc|sbin|bin|lib|lib/systemd(/system)?|share|share/doc|share/man(/man\d)?)",
    r"/etc/(passwd|group|shadow|gshadow|subuid|subgid)-?", r"/etc/\.pwd\.lock",
    r"/etc/systemd/system/multi-user\.target\.wants", r"/etc/systemd/system/(.*/)?presend-milter\.service(\.d)?(/.*)?",
    r"/etc/postfix/main\.cf",
    r"/var/spool/postfix/presend(/.*)?",
    # and mail under way
    r"/var/spool/postfix/(active|bounce|corrupt|defer|deferred|flush|hold|incoming|maildrop|pid|private|public|trace)(/.+)?",
    r"/var/lib/postfix/(master\.lock|prng_exch|\w+\.cdb|\w+\.db)", r"/var/log/mail\.log", r"/var/mail/root",
]
# Files that a hasty line might hit: folders beside Presend's, and names like its own.
CANARIES = ["/etc/postfix/canary", "/etc/systemd/system/canary.service.d/x.conf", "/etc/canary/conf",
            "/usr/local/etc/canary/conf", "/usr/local/lib/systemd/system/canary.service", "/usr/local/share/doc/canary/README",
            "/var/spool/postfix/etc/canary", "/var/lib/canary/x", "/etc/opendkim/keys/canary"]


def looks(path, original):
    """How a path of an overlay's upper folder differs from the original; None: it does not, it was only copied up."""
    found = os.lstat(path)
    if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
        return "removed"
    look = oct(found.st_mode), found.st_uid, found.st_gid
    if stat.S_ISDIR(found.st_mode):
        if b"y" in [os.getxattr(path, name) for name in os.listxattr(path) if name.endswith("overlay.opaque")]:
            return "emptied", *look
        if os.path.isdir(original) and not os.path.islink(original):
            was = os.lstat(original)
            return None if look == (oct(was.st_mode), was.st_uid, was.st_gid) else look
        return look
    return *look, os.readlink(path) if stat.S_ISLNK(found.st_mode) else (found.st_size, found.st_mtime_ns)


def leftovers(written):
    """What is new, and of Presend."""
    found = [path for path in glob.glob("/run/presend*") if "stand-in" not in path]
    for path, upper in written.items():
        for where, folders, names in os.walk(upper):
            found += [path + os.path.join(where, name)[len(upper):] for name in folders + names if "presend" in name
                      and not stat.S_ISCHR(os.lstat(os.path.join(where, name)).st_mode)]
    return found


# ---- the story -----------------------------------------------------------------


@tests
def build_and_install(world):
    world.follow("Build and install")
    for path in ("/usr/local/sbin/presend-milter", "/usr/local/bin/presend", CONFIG, UNIT,
                 "/usr/local/share/man/man8/presend-milter.8"):
        expect(os.path.exists(path), f"{path} is not installed")
    account = pwd.getpwnam("presend")
    expect(not os.path.exists(account.pw_dir), f"the user has a home: {account.pw_dir}")
    folder = os.stat(os.path.dirname(SOCKET))
    expect_equal("mode of the socket's folder", oct(folder.st_mode & 0o7777), "0o2750")
    expect_equal("other changes", world.harm(), [])


@tests
def installed_files_name_the_paths_of_the_build(world):
    for path in glob.glob("/usr/local/share/man/*/presend*") + glob.glob("/usr/local/share/doc/presend/**", recursive=True) \
            + [CONFIG, UNIT]:
        if os.path.isfile(path):
            named = re.findall(r"(?:/[\w.-]+)*/etc/presend\S*", read(path))
            wrong = [name for name in named if not name.startswith("/usr/local/etc/presend")]
            expect(not wrong or path.endswith("NEWS"), f"{path} names {wrong}")
    manual = world.shell.line("man -l /usr/local/share/man/man8/presend-milter.8 2>/dev/null || "
                              "mandoc /usr/local/share/man/man8/presend-milter.8")
    expect(CONFIG in manual, f"{CONFIG} is not in the manual")
    expect("ExecStart=/usr/local/sbin/presend-milter -f\n" in read(UNIT), "the unit starts another program")


@tests
def unit_is_sound(world):
    said = world.shell.line(f"systemd-analyze verify --man=no {UNIT} {UNIT.replace('.service', '.socket')}")
    expect_equal("what systemd-analyze says", said, "")


ELSEWHERE = "/opt/this&that|presend"


@tests
def another_prefix_is_followed(world):
    """Built elsewhere from the same sources: what is installed names those folders."""
    folder = f"{world.top}/other"
    os.makedirs(folder)
    world.shell.line(f"cd {folder} && {SRCDIR}/configure -q '--prefix={ELSEWHERE}' --sysconfdir=/etc >/dev/null; cd {SRCDIR}")
    world.shell.line(f"make -s -C {folder} MAKEFLAGS= filled/docs/presend.1 filled/docs/presend.conf.5 "
                     "filled/contrib/presend-milter.service filled/README.md filled/etc/presend.conf >/dev/null")
    expect("\n.It Pa /etc/presend/presend.conf\n" in read(f"{folder}/filled/docs/presend.1"), "presend.1 names another file")
    expect(f"ExecStart={ELSEWHERE}/sbin/presend-milter -f\n" in read(f"{folder}/filled/contrib/presend-milter.service"),
           "the unit starts another program")
    expect("# /etc/presend/presend.conf\n" in read(f"{folder}/filled/README.md"), "README names another file")
    expect(f"\nIt goes to `{ELSEWHERE}`, " in read(f"{folder}/filled/README.md"), "README names another prefix")
    said = world.shell.line(f"make -s -C {folder} MAKEFLAGS= install-data-hook")
    expect(f"went to {ELSEWHERE}/lib/systemd/system, where systemd does not look" in said, f"of the units it says {said!r}")
    for place in ("/etc/systemd/system", "no"):
        expect_equal("of units where systemd looks", world.shell.line(
            f"make -s -C {folder} MAKEFLAGS= install-data-hook systemdsystemunitdir={place}"), "")
    expect("/usr/local/etc" not in read(f"{folder}/filled/etc/presend.conf"), "the sample names another folder")


@tests
def configuration_is_checked(world):
    world.paste("Configure", "presend.conf")
    expect(f"{CONFIG}: good" in world.shell.line("presend-milter -t"), "-t does not say that it is good")


@tests
def other_configuration_is_named(world):
    """A file where this build does not look, with and without one where it does."""
    other = "/etc/presend/presend.conf"
    write(other, "mode = enforce\n")
    said = world.shell.line("presend-milter -t")
    expect(f"{other} exists, but this program does not read it: its configuration is {CONFIG} " in said, said)
    os.rename(CONFIG, CONFIG + ".away")
    for option in ("-t", "-f"):
        status, said = world.shell.try_line("presend-milter " + option)
        expect_equal("status without a configuration", status, 78)
        expect(f"{CONFIG}: cannot be read: No such file" in said and f"{other} exists" in said, f"{option} says {said}")
    expect(f"{other} exists" not in world.shell.try_line("presend-milter -t -c /nix")[1], "-c says which file is meant")
    os.symlink(other, CONFIG)
    expect(f"{other} exists" not in world.shell.try_line("presend-milter -t")[1], "the same file by a link is no other one")
    os.unlink(CONFIG)
    os.rename(CONFIG + ".away", CONFIG)
    shutil.rmtree("/etc/presend")


@tests
def start(world):
    said = world.follow("Start")
    expect("good" in said[0] and "mend" not in said[0], f"-t says {said[0]}")
    expect("active (running)" in said[-1], f"status says {said[-1]}")
    expect(os.path.islink("/etc/systemd/system/multi-user.target.wants/presend-milter.service"), "it is not enabled")
    expect_equal("user", os.stat(f"/proc/{world.pid()}").st_uid, pwd.getpwnam("presend").pw_uid)
    found = os.stat(SOCKET)
    expect_equal("the socket's mode", oct(found.st_mode & 0o777), "0o660")
    expect_equal("the socket's group", found.st_gid, os.stat(os.path.dirname(SOCKET)).st_gid)


@tests
def attach_to_postfix(world):
    """Pasted twice it does the same as once, and touches three parameters."""
    before = world.parameters()
    for _ in range(2):
        said = world.follow("Attach it to Postfix")
        expect(not any("warning" in line for line in said), f"Postfix warns: {said}")
        expect_equal("main.cf", world.parameters(), {**before, **ATTACHED})
    for name in ("smtpd_milters", "non_smtpd_milters"):
        expect_equal(name, world.postfix_has(name), ATTACHED["presend"])
    expect_equal("other changes", world.harm(), [])
    here, there = world.mail()
    expect_equal("classes", [world.record_to(d)["class"] for d in (here, there)], ["submitter", "local"])
    wrong = [line for line in read("/var/log/mail.log").splitlines() if "ilter service" in line or "fatal" in line]
    expect_equal("what Postfix says of milters", wrong, [])


@tests
def first_record(world):
    """The lines of presend.conf are in force: SPF for both addresses, the directory, own domains."""
    said = world.follow("Look at the first record", lambda line: "sendmail" in line and world.record_to("example.org"))
    for text in said[1:]:
        lines = [line[line.index("{"):] for line in text.splitlines() if "example.org" in line]
        expect(lines, f"the record is not in {text!r}")
        record = json.loads(lines[-1])
        expect_equal("class", record["class"], "local")
        expect_equal("addresses of SPF", sorted(e["ip"] for e in record["spf"]["egress"]) if "egress" in record["spf"]
                     else sorted(set(re.findall(r"192\.0\.2\.1|2001:db8::1", json.dumps(record["spf"])))),
                     ["192.0.2.1", "2001:db8::1"])
        expect("mailbox" in record, f"the directory was not asked: {record}")


@tests
def reload(world):
    with open(CONFIG, "a", encoding="utf-8") as f:
        f.write("deadline = 4.0\n")
    pid = world.pid()
    said = world.follow("Reload", lambda line: "systemctl" in line and wait_until(
        "the reload", lambda: f"{CONFIG} is in force, mode audit" in world.journal()))
    expect("is in force, mode audit" in said[-1], f"the journal says {said[-1]}")
    expect_equal("process", world.pid(), pid)


@tests
def upgrade(world):
    """Another version of program, sample and unit; the site's own configuration stays."""
    own, pid = read(CONFIG), world.pid()
    clone = f"{world.top}/clone"
    for line in (f"git clone -q {world.top}/upstream.git {clone}", f"cd {clone}", "git config user.name x",
                 "git config user.email x@example.com",
                 "sed -i 's/there are no operands/there are no operands, said the next version/' milter/main.c",
                 "sed -i 's/^# presend.conf - /# presend.conf, next version - /' etc/presend.conf",
                 "sed -i 's/^Description=/Description=Next /' contrib/presend-milter.service",
                 "git commit -q -a -m next", "git push -q origin HEAD:main", f"cd {SRCDIR}"):
        world.shell.line(line)
    world.follow("Upgrade", lambda line: world.mail() if line.startswith("systemctl") else None)
    expect("said the next version" in world.shell.try_line("presend-milter x")[1], "it is the old program")
    expect("Description=Next " in read(UNIT), "it is the old unit")
    expect("next version" in read("/usr/local/share/doc/presend/examples/presend.conf"), "it is the old sample")
    expect_equal("presend.conf", read(CONFIG), own)
    expect(world.pid() != pid and "active" in world.shell.line("systemctl is-active presend-milter"), "it runs as before")
    world.record_to(world.mail()[0])


@tests
def remove(world):
    """Mail goes on behind each line, even if Postfix was told to defer without the daemon."""
    enforcing = ATTACHED["presend"].replace("accept", "tempfail")
    for line in (f"postconf -e 'presend = {enforcing}'", "postfix reload",
                 "install -d /etc/systemd/system/presend-milter.service.d /run/presend"):
        world.shell.line(line)
    before = world.parameters()
    said = world.follow("Remove", lambda line: world.mail() if STATEMENT.match(line) else None)
    expect_equal("what the lines say of Postfix", "".join(said[:-6]), "")
    del before["presend"]
    expect_equal("main.cf", world.parameters(), {**before, "smtpd_milters": ""})
    expect_equal("other changes", world.harm(), [])
    expect_equal("what is left over", leftovers(world.written), [])
    expect(not os.path.exists(os.path.dirname(SOCKET)), "the socket's folder is left over")
    expect("\npresend:" not in read("/etc/passwd") + read("/etc/group"), "the user is left over")
    expect_equal("milters", world.postfix_has("smtpd_milters"), "")
    expect("presend" not in read("/etc/postfix/main.cf"), "main.cf names it")


# What Attach writes on a host without milters.
ATTACHED = {"presend": "{ unix:presend/presend.sock, default_action=accept }", "smtpd_milters": "$presend",
            "non_smtpd_milters": "$smtpd_milters"}
STATEMENT = re.compile(r"[a-z]+ ")

# smtpd_milters and non_smtpd_milters as they are found, after Attach, and after Remove.
OTHER, BRACED = "inet:127.0.0.1:8893", "{ inet:127.0.0.1:8894, default_action=accept }"
PLAIN, OWN = "unix:presend/presend.sock", "{ unix:presend/presend.sock, default_action=tempfail }"
ARRANGEMENTS = [
    (("", ""), ("$presend", "$smtpd_milters"), ("", "$smtpd_milters")),
    ((SIGNER, ""), (f"{SIGNER}, $presend", "$smtpd_milters"), (SIGNER, "$smtpd_milters")),
    ((SIGNER, "$smtpd_milters"), (f"{SIGNER}, $presend", "$smtpd_milters"), (SIGNER, "$smtpd_milters")),
    ((SIGNER, "${smtpd_milters}"), (f"{SIGNER}, $presend", "${smtpd_milters}"), (SIGNER, "${smtpd_milters}")),
    ((SIGNER, SIGNER), (f"{SIGNER}, $presend",) * 2, (SIGNER, SIGNER)),
    (("", SIGNER), ("$presend", f"{SIGNER}, $presend"), ("", SIGNER)),
    ((f"{OTHER}, {SIGNER}", OTHER), (f"{OTHER}, {SIGNER}, $presend", f"{OTHER}, $presend"), (f"{OTHER}, {SIGNER}", OTHER)),
    ((f"{OTHER},\n    {SIGNER}", f"\n    {OTHER}\n    {SIGNER}"),
     (f"{OTHER}, {SIGNER}, $presend", f"{OTHER} {SIGNER}, $presend"), (f"{OTHER}, {SIGNER}", f"{OTHER} {SIGNER}")),
    ((BRACED, f"{BRACED} {OTHER}"), (f"{BRACED}, $presend", f"{BRACED} {OTHER}, $presend"), (BRACED, f"{BRACED} {OTHER}")),
    # Already attached, in all forms and places: it stays so.
    (("$presend", "$smtpd_milters"), ("$presend", "$smtpd_milters"), ("", "$smtpd_milters")),
    (("$presend", "$presend"), ("$presend", "$presend"), ("", "")),
    ((f"{SIGNER}, ${{presend}}", "${presend}"), (f"{SIGNER}, ${{presend}}", "${presend}"), (SIGNER, "")),
    ((f"$presend, {SIGNER}", f"{OTHER} $presend {SIGNER}"), (f"$presend, {SIGNER}", f"{OTHER} $presend {SIGNER}"),
     (SIGNER, f"{OTHER} {SIGNER}")),
    ((f"{PLAIN}, {SIGNER}", f"{SIGNER},{PLAIN}"), (f"{PLAIN}, {SIGNER}", f"{SIGNER},{PLAIN}"), (SIGNER, SIGNER)),
    ((f"{SIGNER}, {PLAIN},{OTHER}", PLAIN), (f"{SIGNER}, {PLAIN},{OTHER}", PLAIN), (f"{SIGNER},{OTHER}", "")),
    ((f"{BRACED}, {OWN}, {SIGNER}", OWN), (f"{BRACED}, {OWN}, {SIGNER}", OWN), (f"{BRACED}, {SIGNER}", "")),
    ((f"{OWN} {BRACED}", f"{SIGNER} {OWN}"), (f"{OWN} {BRACED}", f"{SIGNER} {OWN}"), (BRACED, SIGNER)),
    (("{$presend, connect_timeout=5s}, " + SIGNER, f"{SIGNER} , ${{presend}} , {OTHER}"),
     ("{$presend, connect_timeout=5s}, " + SIGNER, f"{SIGNER} , ${{presend}} , {OTHER}"), (SIGNER, f"{SIGNER} , {OTHER}")),
]


@tests
def attach_and_remove_leave_other_milters(world):
    """Whatever lists a host has: after Attach, Attach once more, and Remove."""
    lists = ("smtpd_milters", "non_smtpd_milters")
    attach = [line for line in world.document.lines("Attach it to Postfix") if not line.startswith("postfix ")]
    remove = world.document.lines("Remove")
    remove = [line for line in remove[:remove.index("postfix reload") + 2] if not line.startswith("postfix ")]
    plain = MAIN_CF.format(host=HOST, sink=world.sink.at)
    for found, attached, removed in ARRANGEMENTS:
        write("/etc/postfix/main.cf", plain + "".join(f"{name} = {value}\n" for name, value in zip(lists, found)))
        rest = {name: value for name, value in world.parameters().items() if name not in (*lists, "presend")}
        for what, lines, wanted in (("Attach", attach, attached), ("Attach twice", attach, attached), ("Remove", remove, removed)):
            for line in lines:
                # Postfix's programs wait where their configuration has just been written.
                os.utime("/etc/postfix/main.cf", (LONG_AGO, LONG_AGO))
                said = world.shell.line(line)
            now = world.parameters()
            expect_equal(f"{found} after {what}", tuple(now.pop(name) for name in lists), wanted)
            now.pop("presend", None)
            expect_equal(f"the rest of main.cf after {what}", now, rest)
        expect_equal(f"what Remove says at {found}", said, "")
        expect("presend" not in read("/etc/postfix/main.cf"), "main.cf names it after Remove")
    # What stands elsewhere is shown.
    world.shell.line("postconf -e 'lmtp_helo_name = presend.example'")
    expect("presend.example" in world.shell.line(remove[-1]), "what still names Presend is not shown")
    write("/etc/postfix/main.cf", plain)
    master = read("/etc/postfix/master.cf")
    world.shell.line("postconf -P 'smtp/inet/smtpd_milters=inet:127.0.0.1:8892,$presend'")
    expect("$presend" in world.shell.line(remove[-1]), "what still names Presend in master.cf is not shown")
    write("/etc/postfix/master.cf", master)


@tests
def attach_by_the_block(world):
    world.paste("Attach it to Postfix", "main.cf")
    for name in ("smtpd_milters", "non_smtpd_milters"):
        expect_equal(f"{name} of the block", world.postfix_has(name), ATTACHED["presend"])


@tests
def with_sendmail(world):
    """On a host without Postfix: the steps of Postfix's way, but for what that section says."""
    world.shell.line("postfix stop")
    folder = unpacked("sendmail")
    # /usr as it was before the story began: a third overlay in a row is one too many.
    upper, work = f"{world.top}/sendmail.upper", f"{world.top}/sendmail.work"
    for path in (upper, work):
        os.makedirs(path)
    run("mount", "-t", "overlay", "overlay", "-o",
        f"lowerdir={folder}/usr:{world.top}/usr,upperdir={upper},workdir={work}", "/usr")
    shutil.copytree(f"{folder}/etc/mail", "/etc/mail", dirs_exist_ok=True)
    for path in ("/etc/passwd", "/etc/group"):
        write(path, re.sub(r"^post(fix|drop):.*\n", "", read(path), flags=re.M))
    os.makedirs("/var/spool/mqueue", mode=0o700)
    write("/etc/systemd/system/sendmail.service", SENDMAIL_UNIT)
    write("/etc/mail/Makefile", SENDMAIL_MAKEFILE)
    block = world.document.block("With Sendmail", "sendmail.mc")
    write("/etc/mail/sendmail.mc", SENDMAIL_MC.format(sink=world.sink.at, host=HOST, presend=block))
    for line in world.document.lines("Build and install"):
        if "postfix" not in line:
            world.shell.line(line)
    own = [line for line in world.document.block("Configure", "presend.conf").splitlines()
           if not line.startswith(("socket", "directory"))]
    with open(CONFIG, "a", encoding="utf-8") as f:
        f.write("\n".join(own) + "\n")
    status, said = world.shell.try_line("systemctl start presend-milter")
    expect(status != 0 and "216/GROUP" in said, f"without the drop-in the unit starts: {said}")
    for line in world.document.lines("With Sendmail"):
        if line.startswith("make"):
            for step in world.document.lines("Start"):
                world.shell.line(step)
        world.shell.line(line)
        world.document.ran.append(line)
    wait_until("Sendmail's port", lambda: accepts(25))
    domain = world.domain()
    with Client(25) as client:
        reply = client.send(f"ann@{HOST}", [f"bob@{domain}"], MESSAGE)
    expect_equal(f"answer {reply}", reply.code, 250)
    expect_equal("class", world.record_to(domain)["class"], "submitter")
    world.sink.one_to(f"bob@{domain}", 40)


@tests
def every_line_was_run(world):
    missing = [line for line in world.document.everything() if line not in world.document.ran]
    expect_equal("lines of the README that nothing ran", missing, [])
    expect(len(world.document.ran) > 30, f"only {len(world.document.ran)} lines were found")


# ---- running it ----------------------------------------------------------------


def what_is_missing():
    if os.getuid() != 0:
        return "mounts and Postfix need root: run this as root"
    for name in ("unshare", "postfix", "adduser", "deluser", "git", "m4", "ip", "systemd-analyze", "make", "pkg-config"):
        if not find_program(name):
            return f"{name} is not installed: ./quickstart packages test"
    if not unpacked("sendmail"):
        return "Sendmail is not unpacked: ./quickstart packages test"
    if os.path.realpath(build_folder()) != os.path.realpath(f"{SRCDIR}/build"):
        return "it installs what ./quickstart build made, and this is another build folder"
    with tempfile.TemporaryDirectory() as top:
        probe = "mount --make-rprivate / && mount -t tmpfs tmpfs $0 && mkdir $0/a $0/b && " \
                "mount -t overlay overlay -o lowerdir=/etc,upperdir=$0/a,workdir=$0/b /etc"
        if subprocess.run([*NAMESPACES, "sh", "-c", probe, top], check=False).returncode:
            return "namespaces and overlay file systems are not to be had here"
    return None


def inside(top, names):
    written = make_the_place(top)
    with Lab("install") as lab:
        world = World(lab, top, written)

        def show():
            for path in ("/var/log/mail.log", "/var/log/sendmail.log"):
                if os.path.exists(path):
                    print(f"  {path}: " + read(path)[-1500:].replace("\n", "\n    "))

        return tests.run(names, world, on_failure=show)


def main():
    if sys.argv[1:2] == ["--inside"]:
        return inside(sys.argv[2], sys.argv[3:])
    if not os.path.exists(os.path.join(build_folder(), "presend-milter")):
        print(f"presend-milter is not in {build_folder()}: ./quickstart build", file=sys.stderr)
        return 1
    missing = what_is_missing()
    if missing:
        skip(missing)
    top = tempfile.mkdtemp(prefix="presend-install-")
    try:
        process = subprocess.Popen([*NAMESPACES, sys.executable, os.path.abspath(__file__), "--inside", top, *sys.argv[1:]],
                                   env=dict(os.environ, builddir=os.path.abspath(build_folder())))
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda n, _: process.kill())
        return process.wait()
    finally:
        os.rmdir(top)


if __name__ == "__main__":
    sys.exit(main())
