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
from documents import README, blocks  # noqa: E402
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
    """Mounts, network and name; returns where changes of /etc and /usr/local are found."""
    run("mount", "--make-rprivate", "/")
    run("mount", "-t", "tmpfs", "tmpfs", top)
    checkout = os.getcwd()
    written = {path: overlay(top, path) for path in ("/etc", "/var", "/usr/local")}
    overlay(top, SRCDIR)
    os.chdir(checkout)
    run("mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    run("hostname", HOST)
    run("ip", "link", "set", "lo", "up")
    write("/etc/hosts", f"127.0.0.1 localhost\n127.0.1.1 {HOST} mail\n")
    write("/etc/resolv.conf", "nameserver 127.0.0.1\n")
    # A host that has had Presend before is not what the README begins with.
    for path in [CONFIG, "/etc/presend", *glob.glob("/usr/local/*/presend*")]:
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
        self.shell.line("postfix start")
        wait_until("Postfix's port", lambda: accepts(25))

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


def leftovers(written):
    """What is new in /etc and /usr/local, and of Presend."""
    found = []
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


@tests
def another_prefix_is_followed(world):
    """Built elsewhere from the same sources: what is installed names those folders."""
    folder = f"{world.top}/other"
    os.makedirs(folder)
    world.shell.line(f"cd {folder} && {SRCDIR}/configure -q --prefix=/opt/presend --sysconfdir=/etc "
                     f"--with-systemdsystemunitdir=/etc/systemd/system >/dev/null; cd {SRCDIR}")
    world.shell.line(f"make -s -C {folder} MAKEFLAGS= filled/docs/presend.1 filled/docs/presend.conf.5 "
                     "filled/contrib/presend-milter.service filled/README.md filled/etc/presend.conf >/dev/null")
    expect("\n.It Pa /etc/presend/presend.conf\n" in read(f"{folder}/filled/docs/presend.1"), "presend.1 names another file")
    expect("ExecStart=/opt/presend/sbin/presend-milter -f\n" in read(f"{folder}/filled/contrib/presend-milter.service"),
           "the unit starts another program")
    expect("# /etc/presend/presend.conf\n" in read(f"{folder}/filled/README.md"), "README names another file")
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
    """Pasted twice it does the same as once."""
    for _ in range(2):
        said = world.follow("Attach it to Postfix")
        expect(not any("warning" in line for line in said), f"Postfix warns: {said}")
    for name in ("smtpd_milters", "non_smtpd_milters"):
        expect_equal(name, world.postfix_has(name), "unix:presend/presend.sock")
    expect_equal("milter_default_action", world.postfix_has("milter_default_action"), "accept")
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
    for line in ("postconf -e milter_default_action=tempfail", "postfix reload"):
        world.shell.line(line)
    world.follow("Remove", lambda line: world.mail())
    expect_equal("what is left over", leftovers(world.written), [])
    expect(not os.path.exists(os.path.dirname(SOCKET)), "the socket's folder is left over")
    expect("\npresend:" not in read("/etc/passwd") + read("/etc/group"), "the user is left over")
    expect_equal("milters", world.postfix_has("smtpd_milters"), "")
    expect("presend" not in read("/etc/postfix/main.cf"), "main.cf names it")


@tests
def attach_behind_a_signer(world):
    """By the lines and by the block, on a host where OpenDKIM signs already; and away again."""
    wanted = f"{SIGNER}, unix:presend/presend.sock"
    before = MAIN_CF.format(host=HOST, sink=world.sink.at)
    write("/etc/postfix/main.cf", before)
    world.shell.line(f"postconf -e 'smtpd_milters = {SIGNER}' 'non_smtpd_milters = {SIGNER}'")
    for _ in range(2):
        for line in world.document.lines("Attach it to Postfix"):
            world.shell.line(line)
    for name in ("smtpd_milters", "non_smtpd_milters"):
        expect_equal(name, world.postfix_has(name), wanted)
    for line in world.document.lines("Remove")[:3]:
        world.shell.line(line)
    for name in ("smtpd_milters", "non_smtpd_milters"):
        expect_equal(f"{name} afterwards", world.postfix_has(name), SIGNER)
    write("/etc/postfix/main.cf", before)
    world.paste("Attach it to Postfix", "main.cf")
    for name in ("smtpd_milters", "non_smtpd_milters"):
        expect_equal(f"{name} of the block", world.postfix_has(name), "unix:presend/presend.sock")


@tests
def with_sendmail(world):
    """On a host without Postfix: the steps of Postfix's way, but for what that section says."""
    world.shell.line("postfix stop")
    folder = unpacked("sendmail")
    overlay(world.top, "/usr", f"{folder}/usr")
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
