"""Real servers, privately: Postfix, Sendmail, and presend-milter for them.

Each runs on loopback, on free ports, with all of its files in the lab's folder.
What a site adds to its configuration to attach Presend is read from contrib/,
so that those files are known to work.
"""
import glob
import grp
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile

from lab import Failure, expect, find_program, stop_process, wait_until

SRCDIR = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTRIB = os.path.join(SRCDIR, "contrib")
HOST = "mail.example.com"


def build_folder():
    """Where the programs are: $builddir, or the build folder beside the sources."""
    return os.environ.get("builddir") or os.path.join(SRCDIR, "build")


def unpacked(name):
    """The folder of a server that quickstart unpacked without installing it, or None."""
    for base in (build_folder(), os.path.join(SRCDIR, "build")):
        path = os.path.join(base, "servers", name)
        if os.path.exists(os.path.join(path, ".complete")):
            return path
    return None


def account(names, lookup):
    """The first of the names that this system knows."""
    for name in names:
        try:
            lookup(name)
            return name
        except KeyError:
            continue
    raise Failure(f"none of these accounts exists: {', '.join(names)}")


def daemon_user():
    """Whom the daemon runs as in tests: someone without rights."""
    return account(["nobody", "daemon"], pwd.getpwnam)


def read_contrib(name):
    with open(os.path.join(CONTRIB, name), encoding="utf-8") as f:
        return f.read()


def logical_lines(text):
    """Lines of a Postfix configuration without comments, continuations joined."""
    lines = []
    for line in text.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0].isspace():
            lines[-1] += "\n" + line
        else:
            lines.append(line)
    return lines


def parameters(text):
    """main.cf as a dictionary, in order."""
    return {name.strip(): value.strip() for name, value in (line.split("=", 1) for line in logical_lines(text))}


# ---- presend-milter ----------------------------------------------------------

class Milter:
    """presend-milter on a socket, with its records; `always` stands before each configuration."""

    def __init__(self, lab, address, config="", group=None, always="", environment=None):
        self.lab, self.address, self.process, self.always = lab, address, None, always
        self.environment = environment
        self.group = f'socket_group = "{group}"\n' if group else ""
        self.program = os.path.join(build_folder(), "presend-milter")
        self.config = lab.path("milter.conf")
        self.log_file = lab.path("milter.log")
        self.write_config(config)
        lab.at_end.append(lambda: self.process and stop_process(self.process))

    def write_config(self, text):
        # Replaced as a whole: a reload never reads half a file.
        self.lab.write("milter.conf.new",
                       f'user = "{daemon_user()}"\nlog = stderr\nlog_format = json\n{self.group}{self.always}{text}\n')
        os.rename(f"{self.config}.new", self.config)

    def start(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([self.program, "-f", "-c", self.config, "-p", self.address],
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(f"presend-milter at {self.address}", self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"presend-milter ended with status {self.process.returncode}: {self.log()[-1000:]}")
        family, at = self.socket_address()
        with socket.socket(family) as s:
            try:
                s.connect(at)
            except OSError:
                return False
        return True

    def socket_address(self):
        kind, rest = self.address.split(":", 1)
        if kind in ("unix", "local"):
            return socket.AF_UNIX, rest
        port, host = rest.split("@")
        return socket.AF_INET, (host, int(port))

    def reload(self, config):
        """Switches to another configuration; returns what the daemon says of it once it has been read."""
        self.write_config(config)
        before = len(self.reloads())
        self.process.send_signal(signal.SIGUSR1)
        wait_until("the new configuration", lambda: len(self.reloads()) > before)
        return self.reloads()[-1]

    def reloads(self):
        """The daemon's line about each reload: the file is, or is not, in force."""
        return [line for line in self.log().splitlines() if " in force, " in line and not line.startswith('{"v":')]

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=60):
        """SIGTERM; returns the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(seconds)

    def log(self):
        with open(self.log_file, encoding="utf-8", errors="replace") as f:
            return f.read()

    def records(self):
        text = self.log()
        lines = text[:text.rfind("\n") + 1].splitlines()
        return [json.loads(line) for line in lines if line.startswith('{"v":')]

    def records_to(self, domain):
        return [r for r in self.records() if domain in r["envelope"]["rcpt_domains"]]

    def record_to(self, domain):
        """The record of the message to that recipient domain, waited for."""
        return wait_until(f"the record of the message to {domain}", lambda: self.records_to(domain))[0]


def presend(*arguments, stdin=None):
    """Runs presend; returns its status and what it wrote."""
    done = subprocess.run([os.path.join(build_folder(), "presend"), *arguments], input=stdin,
                          capture_output=True, check=False)
    return done.returncode, done.stdout, done.stderr


# ---- Postfix -----------------------------------------------------------------

MASTER = """
pickup    unix  n - n 5 1 pickup
cleanup   unix  n - n - 0 cleanup
qmgr      unix  n - n 5 1 qmgr
rewrite   unix  - - n - - trivial-rewrite
bounce    unix  - - n - 0 bounce
defer     unix  - - n - 0 bounce
trace     unix  - - n - 0 bounce
flush     unix  n - n 1000? 0 flush
showq     unix  n - n - - showq
proxymap  unix  - - n - - proxymap
anvil     unix  - - n - 1 anvil
smtp      unix  - - n - - smtp
local     unix  - n n - - local
virtual   unix  - n n - - virtual
lmtp      unix  - - n - - lmtp
error     unix  - - n - - error
retry     unix  - - n - - error
discard   unix  - - n - - discard
postlog   unix-dgram n - n - 1 postlogd
"""

USERS = {"ann": "ann's secret"}


class Postfix:
    """A Postfix of its own: configuration, queue, log, ports."""

    OWN = "own.example"  # its virtual mailbox domain

    @staticmethod
    def missing():
        """Why it cannot run here, or None."""
        if os.getuid() != 0:
            return "Postfix runs only when root starts it: run this as root"
        if not Postfix.program():
            return "Postfix is not installed: ./quickstart packages test"
        return None

    @staticmethod
    def program():
        folder = unpacked("postfix")
        return find_program("postfix") or (find_program("postfix", f"{folder}/usr/sbin") if folder else None)

    def __init__(self, lab, sink, settings=None):
        self.lab = lab
        self.ports = {}
        postfix = self.program()
        self.root = postfix[:-len("/usr/sbin/postfix")]
        self.owner = account(["postfix", "uucp"], pwd.getpwnam)
        self.group = grp.getgrgid(pwd.getpwnam(self.owner).pw_gid).gr_name
        self.drop = account(["postdrop", "news"], grp.getgrnam)
        self.config = lab.folder("postfix")
        self.queue_folder = lab.folder("queue")
        lab.folder("data", owner=self.owner, mode=0o700)
        lab.folder("spool", mode=0o1777)
        lab.folder("vmail", owner=self.owner)
        self.socket = f"unix:{lab.folder('queue', 'presend')}/presend.sock"
        self.environment = dict(os.environ, MAIL_CONFIG=self.config)
        if self.root:
            self.environment["LD_LIBRARY_PATH"] = f"{self.root}/usr/lib/postfix"
        shutil.copy(f"{self.root}/etc/postfix/postfix-files", self.config)
        self.copy_table_types(self.config)
        self.main = self.base(sink)
        self.main.update(parameters(read_contrib("postfix-main.cf")))
        self.audits = self.main["presend"]
        # Enforcing, as the file's comment says.
        self.main["presend"] = self.audits.replace("=accept", "=tempfail")
        self.main.update(settings or {})
        self.write_main()
        self.write_master()
        self.fill_jail()

    def base(self, sink):
        """What the instance needs to be one of its own; Presend's lines come from contrib."""
        return {
            "compatibility_level": "3.6",
            "queue_directory": self.queue_folder,
            "data_directory": self.lab.path("data"),
            "daemon_directory": f"{self.root}/usr/lib/postfix/sbin",
            "command_directory": f"{self.root}/usr/sbin",
            "shlib_directory": f"{self.root}/usr/lib/postfix",
            "meta_directory": self.config,
            "mail_owner": self.owner,
            "setgid_group": self.drop,
            "maillog_file": self.lab.path("mail.log"),
            "maillog_file_prefixes": self.lab.top,
            "import_environment": "MAIL_CONFIG MAIL_DEBUG MAIL_LOGTAG TZ LANG=C LD_LIBRARY_PATH POSTLOG_SERVICE POSTLOG_HOSTNAME",
            "export_environment": "TZ MAIL_CONFIG LANG LD_LIBRARY_PATH",
            "myhostname": HOST,
            "myorigin": HOST,
            "mydestination": f"{HOST}, localhost",
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "mynetworks": "127.0.0.0/8",
            "relayhost": f"[127.0.0.1]:{sink.at}",
            "default_database_type": "texthash",
            "alias_maps": "",
            "local_recipient_maps": "",
            "mail_spool_directory": self.lab.path("spool") + "/",
            "virtual_mailbox_domains": self.OWN,
            "virtual_mailbox_base": self.lab.path("vmail"),
            "virtual_mailbox_maps": "static:box/",
            "virtual_uid_maps": f"static:{pwd.getpwnam(self.owner).pw_uid}",
            "virtual_gid_maps": f"static:{pwd.getpwnam(self.owner).pw_gid}",
            "virtual_minimum_uid": "1",
            "smtpd_peername_lookup": "no",
            "smtpd_error_sleep_time": "0",
            "smtpd_soft_error_limit": "10000",
            "smtpd_hard_error_limit": "10000",
            "smtpd_client_connection_count_limit": "0",
            "minimal_backoff_time": "5s",
            "maximal_backoff_time": "5s",
            "queue_run_delay": "5s",
            "in_flow_delay": "0",
            "default_process_limit": "40",
            "disable_dns_lookups": "yes",
            "smtp_connection_cache_on_demand": "no",
            "biff": "no",
            "cyrus_sasl_config_path": self.config,
            "smtpd_sasl_local_domain": HOST,
        }

    def write_main(self):
        self.lab.write("postfix/main.cf", "".join(f"{k} = {v}\n" for k, v in self.main.items()))

    def write_master(self):
        """
        The services of any Postfix, those of contrib, and two plain ports: "smtp" with the
        milter, as a site has it while it audits, and "bare" without any.
        """
        self.ports = {name: self.lab.port() for name in ("smtp", "bare", "submission", "reinject", "reinject-named")}
        raw = "  -o local_header_rewrite_clients=\n"
        text = MASTER
        text += f"127.0.0.1:{self.ports['smtp']} inet n - n - - smtpd\n  -o presend={self.audits.replace(' ', '')}\n"
        text += f"127.0.0.1:{self.ports['bare']} inet n - n - - smtpd\n  -o smtpd_milters=\n{raw}"
        ports = {"submission": "submission", "127.0.0.1:10025": "reinject", "127.0.0.1:10026": "reinject-named"}
        for entry in logical_lines(read_contrib("postfix-master.cf")):
            service, rest = entry.split(None, 1)
            # The lab's loopback has no certificate, and the demo's client no password.
            rest = rest.replace("smtpd_tls_security_level=encrypt", "smtpd_tls_security_level=none")
            rest = rest.replace("=permit_sasl_authenticated,reject", "=permit_sasl_authenticated,permit_mynetworks,reject")
            text += f"127.0.0.1:{self.ports[ports[service]]} {rest}\n"
        self.lab.write("postfix/master.cf", text)

    def copy_table_types(self, folder):
        """Which library has which type of table: a main.cf in that folder may then name them."""
        source, target = f"{self.root}/etc/postfix/dynamicmaps.cf", f"{folder}/dynamicmaps.cf"
        if os.path.exists(source):
            shutil.copy(source, target)
        else:
            with open(target, "w", encoding="ascii"):
                pass

    def fill_jail(self):
        """The files that Debian's Postfix keeps in its chroot jail."""
        etc = self.lab.folder("queue", "etc")
        for name in ("hosts", "services", "nsswitch.conf", "resolv.conf", "localtime"):
            if os.path.exists(f"/etc/{name}"):
                shutil.copy(f"/etc/{name}", etc)

    def add_users(self, users=None):
        """Logins, kept by Cyrus SASL in the jail, of this host unless they say; False where its tool is not there."""
        folder = unpacked("sendmail")
        tool = find_program("saslpasswd2", *([f"{folder}/usr/sbin"] if folder else []))
        if not tool:
            return False
        inside = "/etc/sasldb2"
        path = self.queue_folder + inside
        for login, password in (users or USERS).items():
            user, _, realm = login.partition("@")
            subprocess.run([tool, "-p", "-c", "-f", path, "-u", realm or HOST, user], input=password.encode(), check=True,
                           capture_output=True)
        shutil.chown(path, self.owner)
        self.lab.write("postfix/smtpd.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\n"
                                             f"mech_list: PLAIN\nsasldb_path: {inside}\n")
        return True

    def run(self, name, *arguments, **more):
        """One of Postfix's commands, for this instance."""
        return subprocess.run([find_program(name, f"{self.root}/usr/sbin"), *arguments], env=self.environment,
                              capture_output=True, check=False, **more)

    def start(self):
        done = self.run("postfix", "start")
        if done.returncode != 0:
            raise Failure(f"postfix start failed: {done.stderr.decode()}{self.log()[-2000:]}")
        self.lab.at_end.append(self.stop)
        for name, port in self.ports.items():
            wait_until(f"Postfix's port {name}", lambda port=port: accepts(port))
        return self

    def stop(self):
        pid = self.master_pid()
        self.run("postfix", "stop")
        if pid and alive(pid):
            os.kill(pid, signal.SIGKILL)

    def master_pid(self):
        try:
            with open(f"{self.queue_folder}/pid/master.pid", encoding="ascii") as f:
                return int(f.read())
        except (OSError, ValueError):
            return None

    def log(self):
        try:
            with open(self.lab.path("mail.log"), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def sendmail(self, message, *arguments):
        """Local submission by sendmail(1)."""
        done = self.run("sendmail", "-i", *arguments, input=message)
        expect(done.returncode == 0, f"sendmail(1) answered {done.returncode}: {done.stderr.decode()}")

    def queued(self):
        """What is in the queue, as postqueue -j tells, and in maildrop."""
        done = self.run("postqueue", "-j")
        entries = [json.loads(line) for line in done.stdout.splitlines()]
        return entries + [{"queue_name": "maildrop", "queue_id": name} for name in os.listdir(f"{self.queue_folder}/maildrop")
                          if not any(e["queue_id"] == name for e in entries)]

    def wait_empty(self, seconds=30):
        wait_until("an empty queue", lambda: not self.queued(), seconds)

    def mailbox(self):
        """The messages of the virtual mailbox."""
        return read_maildir(self.lab.path("vmail", "box"))

    def local_mailbox(self, user):
        return read_maildir(self.lab.path("spool", user))


def read_maildir(path):
    """Its messages in the order of their arrival."""
    messages = []
    for name in sorted(glob.glob(f"{path}/new/*"), key=lambda name: os.stat(name).st_mtime_ns):
        with open(name, "rb") as f:
            messages.append(f.read())
    return messages


def accepts(port):
    with socket.socket() as s:
        return s.connect_ex(("127.0.0.1", port)) == 0


def alive(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


# ---- Sendmail ----------------------------------------------------------------

# What makes it an instance of its own; Presend's line comes from contrib.
SENDMAIL_MC = """divert(-1)
divert(0)dnl
OSTYPE(`linux')dnl
define(`QUEUE_DIR', `{top}/queue')dnl
define(`STATUS_FILE', `')dnl
define(`confPID_FILE', `{top}/sendmail.pid')dnl
define(`ALIAS_FILE', `')dnl
define(`HELP_FILE', `')dnl
define(`confCONTROL_SOCKET_NAME', `')dnl
define(`SMART_HOST', `esmtp:[127.0.0.1]')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h {sink}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {sink}')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confTO_IDENT', `0')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confBAD_RCPT_THROTTLE', `0')dnl
define(`confLOG_LEVEL', `9')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confTRUSTED_USERS', `root')dnl

define(`LOCAL_MAILER_PATH', `{deliver}')dnl
define(`LOCAL_MAILER_ARGS', `deliver $u {top}/spool')dnl
define(`LOCAL_MAILER_FLAGS', `Smnz9')dnl
MODIFY_MAILER_FLAGS(`LOCAL', `-A')dnl
FEATURE(`no_default_msa')dnl
FEATURE(`nocanonify')dnl
FEATURE(`accept_unresolvable_domains')dnl
FEATURE(`accept_unqualified_senders')dnl
DAEMON_OPTIONS(`Family=inet, Name=MTA, Port={port}, Addr=127.0.0.1')dnl
{presend}
MAILER(`local')dnl
MAILER(`smtp')dnl
"""

# Sendmail's mail submission program: hands mail of sendmail(1) to the daemon.
SUBMIT_MC = """divert(-1)
divert(0)dnl
OSTYPE(`linux')dnl
define(`MSP_QUEUE_DIR', `{top}/clientqueue')dnl
define(`STATUS_FILE', `')dnl
define(`confPID_FILE', `{top}/submit.pid')dnl
define(`confDOMAIN_NAME', `{host}')dnl
define(`confDONT_PROBE_INTERFACES', `True')dnl
define(`confREFUSE_LA', `1000')dnl
define(`confQUEUE_LA', `1000')dnl
define(`confRUN_AS_USER', `{user}')dnl
define(`RELAY_MAILER_ARGS', `TCP $h {port}')dnl
define(`ESMTP_MAILER_ARGS', `TCP $h {port}')dnl
FEATURE(`msp', `[127.0.0.1]')dnl
"""

# The local mailer: keeps what comes on standard input, under its name only once it is complete.
DELIVER = """#!/bin/sh
umask 077
cat >"$2/.$1.$$" && mv "$2/.$1.$$" "$2/$1.$$.$(date +%s%N)"
"""


class Sendmail:
    """A Sendmail of its own, unpacked beside whatever mail server is installed."""

    @staticmethod
    def missing():
        if os.getuid() != 0:
            return "Sendmail runs only when root starts it: run this as root"
        if not unpacked("sendmail"):
            return "Sendmail is not unpacked: ./quickstart packages test"
        if not find_program("m4"):
            return "m4 is not installed: ./quickstart packages test"
        return None

    def __init__(self, lab, sink, attached=True, before=""):
        """`before` are the lines of filters that are asked before Presend."""
        self.lab, self.process = lab, None
        self.port = lab.port()
        # Sendmail takes no socket below a folder that everybody may write to, as /tmp is.
        safe = tempfile.mkdtemp(prefix="presend-", dir="/run")
        lab.at_end.append(lambda: shutil.rmtree(safe))
        os.chmod(safe, 0o755)
        self.socket = f"unix:{safe}/presend.sock"
        self.queue_folder = lab.folder("queue", mode=0o700)
        lab.folder("spool", mode=0o1777)
        folder = unpacked("sendmail")
        # A copy without the set-gid bit: a loader trusts LD_LIBRARY_PATH for no other.
        self.program = lab.path("sendmail")
        shutil.copy(f"{folder}/usr/libexec/sendmail/sendmail", self.program)
        os.chmod(self.program, 0o755)
        self.environment = dict(os.environ, LD_LIBRARY_PATH=f"{folder}/usr/lib/{os.uname().machine}-linux-gnu")
        snippet = read_contrib("sendmail.mc").replace("/run/presend/presend.sock", f"{safe}/presend.sock")
        # Enforcing, as the file's comment says.
        snippet = snippet.replace("F=,", "F=T,") if attached else ""
        mc = SENDMAIL_MC.format(top=lab.top, sink=sink.at, host=HOST, port=self.port, presend=before + snippet,
                                deliver=lab.write("deliver", DELIVER, 0o755))
        self.config = self.make_config(folder, "sendmail", mc)
        lab.folder("clientqueue", mode=0o700, owner=daemon_user())
        self.submit = self.make_config(folder, "submit", SUBMIT_MC.format(top=lab.top, host=HOST, port=self.port,
                                                                          user=daemon_user()))

    def make_config(self, folder, name, mc):
        cf = f"{folder}/usr/share/sendmail/cf"
        done = subprocess.run(["m4", f"-D_CF_DIR_={cf}/", f"{cf}/m4/cf.m4", self.lab.write(f"{name}.mc", mc)],
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise Failure(f"m4 failed: {done.stderr.decode()}")
        return self.lab.write(f"{name}.cf", done.stdout.decode())

    def command(self, *arguments, config=None):
        return self.host_name() + [self.program, "-C", config or self.config, *arguments]

    @staticmethod
    def host_name():
        """Sendmail waits a minute, twice, on a host whose name has no dot: it gets one of its own."""
        if "." in socket.getfqdn():
            return []
        return ["unshare", "--uts", "sh", "-c", f'hostname {HOST} && exec "$@"', "sh"]

    def start(self):
        with open(self.lab.path("sendmail.out"), "ab") as out:
            self.process = subprocess.Popen(self.command("-bD", "-q2s", "-X", self.lab.path("traffic.log")),
                                            env=self.environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.lab.at_end.append(lambda: stop_process(self.process))
        wait_until("Sendmail's port", self.answers)
        return self

    def answers(self):
        expect(self.process.poll() is None, f"Sendmail ended with status {self.process.returncode}: {self.log()[-1000:]}")
        return accepts(self.port)

    def log(self):
        text = ""
        for name in glob.glob(self.lab.path("sendmail.out")) + glob.glob(self.lab.path("traffic.log")):
            with open(name, encoding="utf-8", errors="replace") as f:
                text += f.read()
        return text

    def run(self, *arguments, message=b"", config=None):
        """One command of this Sendmail; returns its exit status and what it said."""
        done = subprocess.run(self.command(*arguments, config=config), input=message, env=self.environment,
                              capture_output=True, check=False)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def sendmail(self, message, *arguments):
        """sendmail(1) as programs call it: by the submission program to the daemon."""
        return self.run("-i", *arguments, message=message, config=self.submit)

    def over_a_pipe(self, *commands):
        """sendmail -bs: SMTP on standard input and output, no client address; all that was replied."""
        replies = []
        with subprocess.Popen(self.command("-bs"), env=self.environment, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as process:
            for command in (None, *commands):
                if command is not None:
                    process.stdin.write(command.encode() + b"\r\n")
                    process.stdin.flush()
                line = process.stdout.readline()
                while line[3:4] == b"-":
                    replies.append(line.decode())
                    line = process.stdout.readline()
                replies.append(line.decode())
        return "".join(replies)

    def version(self):
        return "Sendmail " + self.run("-d0.1", "-bt")[1].split("\n")[0].removeprefix("Version ")

    def queue_files(self, kind=""):
        """Names in the queues that begin so: qf is a message, hf one that is held."""
        names = os.listdir(self.queue_folder) + os.listdir(self.lab.path("clientqueue"))
        return [name for name in names if name.startswith(kind)]

    def wait_empty(self, seconds=30):
        wait_until("an empty queue", lambda: not self.queue_files(), seconds)

    def local_mailbox(self, user):
        messages = []
        for name in glob.glob(self.lab.path("spool", f"{user}.*")):
            with open(name, "rb") as f:
                messages.append(f.read())
        return messages
