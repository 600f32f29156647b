#!/usr/bin/python3
"""documents.py - what README, contrib and the manuals tell people to paste, fed to the real programs.

Every block of configuration is found and has a kind: one whose kind cannot be told
is a complaint, so that no new block escapes.  postconf and a running Postfix, m4 and
Sendmail, presend-milter -t, systemd-analyze and presend itself then say what they
make of it, and the values are compared with those that were meant.

Each rule is shown a broken document first, and must catch that.  The shell lines
of the README are run by t/e2e/install.py.

usage: documents.py [--self-test]     ($builddir names the build folder)
"""

import grp
import itertools
import json
import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
from lab import SKIP, Client, Failure, Lab, Sink, find_program, wait_until  # noqa: E402
from lint import Tree, config_options, load  # noqa: E402
from names import NameServer, everything_exists  # noqa: E402
from servers import HOST, MASTER, Milter, Postfix, build_folder, daemon_user, logical_lines, unpacked  # noqa: E402

README, CONTRIB, SAMPLE = "README.md", "contrib/README.md", "etc/presend.conf"
MAIN, SERVICES, MC = "contrib/postfix-main.cf", "contrib/postfix-master.cf", "contrib/sendmail.mc"

# ---- what was meant --------------------------------------------------------------------

# A value that ends in the name of Postfix's own parameter is what it expands to.
OURS = "{ unix:presend/presend.sock, default_action=accept }"
# Other milters keep what Postfix does by itself.
ALONE = {"smtpd_milters": OURS, "non_smtpd_milters": OURS, "milter_default_action": "tempfail"}
SIGNED = {"smtpd_milters": "inet:127.0.0.1:8892, " + OURS, "non_smtpd_milters": "inet:127.0.0.1:8892, " + OURS,
          "milter_default_action": "tempfail"}
# By file, for each of its blocks: the block as it stands, and with each line that begins
# with "#name =" in the place of the one that sets this name.
MAIN_CF = {README: [[ALONE, SIGNED]], MAIN: [[ALONE, SIGNED]], "docs/presend-milter.8": [[SIGNED]]}

# The services of postfix-master.cf: what has to come out of each one's options.
MASTER_CF = {
    "submission/inet": {"milter_macro_daemon_name": "SUBMISSION", "local_header_rewrite_clients": "",
                        "smtpd_sasl_auth_enable": "yes", "smtpd_tls_security_level": "encrypt",
                        "smtpd_relay_restrictions": "permit_sasl_authenticated,reject",
                        "syslog_name": "postfix/submission"},
    "127.0.0.1:10025/inet": {
        "receive_override_options": "no_milters,no_header_body_checks,no_unknown_recipient_checks",
        "smtpd_relay_restrictions": "permit_mynetworks,reject", "local_header_rewrite_clients": "",
        "content_filter": "", "syslog_name": "postfix/reinject"},
    "127.0.0.1:10026/inet": {
        "receive_override_options": "no_header_body_checks,no_unknown_recipient_checks",
        "smtpd_relay_restrictions": "permit_mynetworks,reject", "local_header_rewrite_clients": "",
        "milter_macro_daemon_name": "REINJECT", "content_filter": "", "syslog_name": "postfix/reinject"},
}

# sendmail.cf, without and with the signer of the line that is switched off.
FILTERS = [["presend"], ["opendkim", "presend"]]
FILTER = "Xpresend, S=local:/run/presend/presend.sock, F=, T=C:10s;S:10s;R:20s;E:1m"

# One answer to one question, wherever it is given; None: it may stand in the document or not.
SETTINGS = {"socket": '"unix:/var/spool/postfix/presend/presend.sock"',
            "own_domains": '{ "example.com", "*.example.com" }',
            "egress": '{ "192.0.2.1", "2001:db8::1" }',
            "helo": '"mail.example.com"', "directory": "postfix"}
SETTLED = {README: ["socket", "directory", "own_domains", "egress"], CONTRIB: ["socket", "own_domains", "egress"],
           "docs/presend-milter.8": ["socket"]}
COMMANDS = {
    r"\badduser [^\n`'\"]*\bpresend\b": ["adduser --system --group --no-create-home presend"],
    r"\binstall -d [^\n`'\"]*/presend\b(?!-)": [
        "install -d -o presend -g postfix -m 2750 /var/spool/postfix/presend",
        "install -d -o presend -g presend /run/presend"],
}

# What presend-milter -t may say of a configuration that is none of its faults.
NOT_THERE = [
    (r"store \"(\w+)\" is not in `directory`: it is not asked", "a section shown by itself"),
    (r"own_domains: \S*postconf gave no answer", "this host's Postfix is not set up"),
    (r"postfix: \S*postconf gave no answer: .*/etc/postfix/main\.cf: No such file or directory", "the same"),
    (r"(store \"\w+\": )?/(etc/postfix/logins\.lmdb|var/lib/mail(/mail)?\.db)( cannot be read|: .*)", "an example's path"),
    (r"from\.login lets any From pass .*", "the example is about the login alone"),
]
# The sample, switched on: its paths are examples, and nobody answers at its servers.
SAMPLE_NOT_THERE = NOT_THERE + [
    (r"/etc/presend/(records\.zone|addresses|password): .*", "an example's path"),
    (r".*password_file.*/etc/presend/password.*", "the same"),
    (r"pidfile /run/presend/presend\.pid: its directory is missing; .*", "the unit makes it"),
    (r"socket /run/presend/presend\.sock: its directory is missing; .*", "the unit makes it"),
    (r"(.*: )?user presend: there is no such user; .*", "make install is not run here"),
    (r"(.*: )?socket_group postfix: there is no such group", "Postfix is not here"),
]


# ---- finding blocks --------------------------------------------------------------------


class Block:
    """Lines that somebody may paste, with their place and kind."""

    def __init__(self, name, line, text, kind=None):
        self.name, self.line, self.text = name, line, text
        self.kind = kind or kind_of(name, text)

    def at(self, message):
        return f"{self.name}:{self.line}: {message}"


def markdown_blocks(name, text):
    """Indented by four columns or a tab behind an empty line, or between fences, in a list too."""
    lines, number = text.expandtabs(4).split("\n"), 0
    while number < len(lines):
        start, found = number, []
        fence = re.match(r"( *(?:[-*+] +|\d+[.)] +)?)(```|~~~)", lines[number])
        if fence:
            number += 1
            while number < len(lines) and not lines[number].lstrip().startswith(fence[2]):
                found.append(lines[number].removeprefix(" " * len(fence[1])))
                number += 1
        elif lines[number].startswith("    ") and (number == 0 or not lines[number - 1].strip()):
            while number < len(lines) and (lines[number].startswith("    ") or not lines[number].strip()):
                found.append(lines[number][4:])
                number += 1
            number -= 1
        if found:
            yield Block(name, start + 1, "\n".join(found).strip("\n") + "\n")
        number += 1


def manual_blocks(name, text):
    """What stands between .Bd and .Ed, and each line of .Dl or .D1."""
    for m in re.finditer(r"^\.Bd [^\n]*\n(.*?)^\.Ed|^\.D[l1] ([^\n]*\n)", text, re.M | re.S):
        plain = (m[1] or m[2]).replace(r"\(dq", '"').replace(r"\e", "\\").replace(r"\&", "")
        yield Block(name, text.count("\n", 0, m.start()) + (1 if m[2] else 2), plain)


# Whole files; a file of contrib or etc that is not named here has no kind.
FILES = {MAIN: "main.cf", SERVICES: "master.cf", MC: "sendmail.mc", SAMPLE: "sample",
         "contrib/presend-milter.service": "unit", "contrib/presend-milter.socket": "unit"}


def blocks(tree):
    for name in sorted(tree.files):
        if name in (README, CONTRIB):
            yield from markdown_blocks(name, tree.text(name))
        elif name.startswith("docs/") and re.search(r"\.[1-9]$", name):
            yield from manual_blocks(name, tree.text(name))
        elif name.startswith(("contrib/", "etc/")):
            yield Block(name, 1, tree.text(name), FILES.get(name, "unknown"))


# ---- the kind of a block ---------------------------------------------------------------

PROGRAMS = ("./quickstart adduser autoreconf cp deluser git grep install journalctl make postconf postfix presend "
            "presend-milter printf rm systemctl").split()
SECTIONS = "check class domain exempt identity store".split()
ADDRESS = r'"?[\w.+*-]*"?@?[\w.-]+\.(?:com|net|org)\b'


def every(text, pattern):
    """Does each line that is not empty match?"""
    return all(re.match(pattern, line) for line in text.splitlines() if line.strip())


def is_main_cf(text):
    return every(text, r"#|\s|\w+ = ") and re.search(r"^(non_)?smtpd_milters = |^milter_\w+ = ", text, re.M)


def is_presend_conf(text):
    return (every(text, r"#|\s|\}|\w+ \+?= |(%s) \"" % "|".join(SECTIONS)) and not is_main_cf(text)
            and re.search(r"^\w", text, re.M))


def is_shell(text):
    joined = text.replace("\\\n", " ")
    return every(joined, r"\w+='|case \$|(\w+=\$\(|\()?(%s)( |$)" % "|".join(map(re.escape, PROGRAMS)))


# Each by itself: a block of which two hold is as unclear as one of which none does.
KINDS = {
    "main.cf": is_main_cf,
    "master.cf": lambda text: re.search(r"^\S+ +(inet|unix) +[n-]", text, re.M),
    "sendmail.mc": lambda text: re.search(r"^(INPUT_MAIL_FILTER|MAIL_FILTER)\(", text, re.M),
    "presend.conf": is_presend_conf,
    "shell": is_shell,
    "session": lambda text: re.match(r"[$#] presend(-milter)? ", text),
    "refusal": lambda text: re.search(r"^\d{3}[- ]\d\.\d\.\d+ ", text, re.M),
    "store": lambda text: every(text, ADDRESS + r"(\s+(%s|[\w-]+|login=\S*|#.*))*$" % ADDRESS) and not
    re.search(r"\b(TXT|MX|A) ", text),
    "records": lambda text: every(text, r"[\w.-]+\. +[A-Z]+ |;; "),
    # of what presend check prints, and of the demo: nothing to paste
    "table": lambda text: every(text, r"(DKIM|SPF|DMARC) {2,}"),
    "demo": lambda text: re.match(r"[A-Z]+: ", text),
}


def kind_of(name, text):
    named = re.match(r"(?:#|dnl) (?:/[\w./-]*/)?(main\.cf|master\.cf|presend\.conf|sendmail\.mc)\n", text)
    if named:
        return named[1]
    # Examples of checks, which lint.py tries: a field, a record, a setting, a store.
    if name == "docs/presend-checks.7" and re.match(r"MAIL FROM:|From: |DKIM-Signature: |[\w.-]+\. [A-Z]+ ", text) \
            and not re.search(r"^\d{3}[- ]", text, re.M):
        return "scene"
    found = [kind for kind, holds in KINDS.items() if holds(text)]
    return found[0] if len(found) == 1 else "unknown"


def of_kind(tree, *kinds):
    return [block for block in blocks(tree) if block.kind in kinds]


def rule_every_block_has_a_kind(tree):
    return [block.at("what kind of block is this? t/lint/documents.py knows it not: " + repr(block.text[:60]))
            for block in of_kind(tree, "unknown")]


# ---- text alone ------------------------------------------------------------------------


def rule_no_comment_behind_a_value(tree):
    """To Postfix it would be a part of the value."""
    return [f"{block.name}:{block.line + n}: a comment behind a value is part of the value"
            for block in of_kind(tree, "main.cf", "master.cf")
            for n, line in enumerate(block.text.split("\n")) if re.match(r"[^#]*\S\s+#", line)]


def lines_that_count(text, comment="#"):
    """Without comments; a line that is switched off by a comment sign without a blank counts."""
    return [line for line in text.splitlines()
            if line.strip() and not re.match(re.escape(comment) + r"(\s|$|[^\w])", line)]


def rule_readme_is_contrib(tree):
    """The lines of the README for mail servers are those of contrib, in their order."""
    complaints = []
    for kind, name, comment in (("main.cf", MAIN, "#"), ("sendmail.mc", MC, "dnl")):
        wanted = lines_that_count(tree.text(name), comment)
        found = [block for block in of_kind(tree, kind) if block.name == README]
        if len(found) != 1:
            complaints.append(f"{README}:1: {len(found)} blocks for {kind}")
        complaints += [block.at(f"{kind}: {lines_that_count(block.text, comment)}, and {name} has {wanted}")
                       for block in found if lines_that_count(block.text, comment) != wanted]
    return complaints


def settings_of(text):
    """The options of the top level, as text."""
    return dict(re.findall(r"^(\w+) = (.*?)\s*$", text, re.M))


def rule_one_answer(tree):
    """The same socket, addresses and commands in all documents; what must be said is said."""
    complaints = []
    said = {name: set() for name in SETTLED}
    for block in of_kind(tree, "presend.conf"):
        if block.name not in SETTLED:
            continue
        for name, value in settings_of(block.text).items():
            said[block.name].add(name)
            if SETTINGS.get(name, value) != value:
                complaints.append(block.at(f"{name} = {value}: elsewhere it is {SETTINGS[name]}"))
    for name, wanted in SETTLED.items():
        complaints += [f"{name}:1: no block for presend.conf sets {option}"
                       for option in wanted if name in tree.files and option not in said[name]]
    for name in tree.names(".md", ".1", ".5", ".7", ".8", ".conf", ".cf", ".mc", ".service", ".c"):
        text = tree.text(name)
        for pattern, wanted in COMMANDS.items():
            complaints += [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}: elsewhere it is {wanted[0]}"
                           for m in re.finditer(pattern, text)
                           if m[0] not in wanted and "%s" not in m[0] and not m[0].endswith(".service.d")]
    return complaints


# A milter in main.cf: a parameter that holds some, or an address, or one with settings of its own.
MILTER = r"(?:\$\w+|\$\{\w+\}|(?:unix|local):[\w./-]+|inet6?:(?:[\w.-]+|\[[\w:.]+\]):\d+)"
MILTER = rf"(?:{MILTER}|\{{ ?{MILTER}(?:, ?(?:(?:connect|command|content)_timeout=\d+[smh]?|default_action=\w+))* ?\}})"
ACTIONS = ("accept", "reject", "tempfail", "quarantine")


def rule_milters_are_well_formed(tree):
    """Postfix reads these values when a client comes, not before: postconf takes anything."""
    complaints = []
    places = of_kind(tree, "main.cf", "master.cf") + inline_settings(tree) + list(inline_options(tree))
    for block in places:
        for m in re.finditer(r"^#?(?: +-o )?((?:non_)?smtpd_milters|presend) ?= ?(.*)$", block.text, re.M):
            if m[2] and not re.fullmatch(rf"{MILTER}(?:[ ,]+{MILTER})*", m[2]):
                complaints.append(block.at(f"{m[1]} = {m[2]}: these are no milters"))
    for name in tree.names(".md", ".cf", ".1", ".5", ".7", ".8"):
        text = tree.text(name)
        complaints += [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: {m[0]}: Postfix knows {', '.join(ACTIONS)}"
                       for m in re.finditer(r"default_action ?= ?(\w+)", text) if m[1] not in ACTIONS]
    return complaints


def rule_installed_names_are_replaced(tree):
    """What `make install` fills in is what the documents say."""
    fill = re.findall(r"-e [\"']s\|(.*?)\|", tree.text("Makefile.am"))
    complaints = []
    for block in of_kind(tree, "unit", "shell", "presend.conf", "sample"):
        for m in re.finditer(r"/usr/local/[\w./-]+|(?<![\w.])/etc/presend/[\w./-]*", block.text):
            if not any(re.match(pattern.replace(r"\(", "(").replace(r"\)", ")").replace(r"\{0,1\}", "?"), m[0])
                       for pattern in fill):
                complaints.append(block.at(f"{m[0]} is not filled in by Makefile.am"))
    return complaints


# ---- Postfix ---------------------------------------------------------------------------

LONG_AGO = 1_000_000_000
MINIMAL = "compatibility_level = 3.6\nmyhostname = mail.example.com\n"


def variants(text):
    """The block as it stands, then once for each line that is switched off by "#name =", switched on."""
    yield text
    for m in re.finditer(r"^#(\w+)( = .*)$", text, re.M):
        rest = re.sub(rf"^{m[1]} = .*\n", "", text, flags=re.M)
        yield rest.replace(m[0], m[1] + m[2])


def write(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    # Postfix waits where its configuration has just been written: it might change once more.
    os.utime(path, (LONG_AGO, LONG_AGO))
    return path


def run(*command, **more):
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False,
                          stdin=subprocess.DEVNULL, **more)
    return done.returncode, done.stdout, done.stderr


def postconf(block, text, wanted):
    """What Postfix makes of the lines, behind a main.cf that has the least there can be."""
    program = find_program("postconf")
    with tempfile.TemporaryDirectory() as folder:
        write(folder, "main.cf", MINIMAL + text)
        write(folder, "master.cf", "smtp inet n - y - - smtpd\n")
        status, _, said = run(program, "-c", folder, "-n")
        complaints = [block.at(f"postconf: {line}") for line in said.splitlines()]
        if status:
            complaints.append(block.at(f"postconf -n ends with {status}"))
        for name, value in wanted.items():
            got = run(program, "-c", folder, "-xh", name)[1].rstrip("\n")
            if got != value:
                complaints.append(block.at(f"{name} is {got!r} to Postfix, wanted {value!r}"))
    return complaints


def rule_postfix_reads_main_cf(tree):
    if not find_program("postconf"):
        return tree.missing("blocks of main.cf not tried: Postfix is not installed")
    complaints, count = [], {}
    for block in of_kind(tree, "main.cf"):
        number = count[block.name] = count.get(block.name, -1) + 1
        meant = MAIN_CF.get(block.name, [])[number:number + 1]
        texts = list(variants(block.text))
        if not meant or len(meant[0]) != len(texts):
            complaints.append(block.at("documents.py does not say what these lines are meant to do"))
            continue
        for text, wanted in zip(texts, meant[0]):
            complaints += postconf(block, text, wanted)
    return complaints


def inline_settings(tree):
    """Settings between backquotes in running text: of Postfix, and of presend.conf with its sections."""
    options = {option for option, _ in config_options(tree)}
    found = []
    for name in (README, CONTRIB, "SECURITY.md"):
        text = tree.text(name)
        for m in re.finditer(r"`(?:(\w+) = [^`]+|(?:%s) \"[^`]+)`" % "|".join(SECTIONS), text):
            line = text.count("\n", 0, m.start()) + 1
            kind = "main.cf" if m[1] and m[1] not in options else "presend.conf"
            found.append(Block(name, line, m[0].strip("`") + "\n", kind))
    return found


def inline_options(tree):
    """Options of master.cf between backquotes."""
    for name in (README, CONTRIB):
        text = tree.text(name)
        for m in re.finditer(r"`-o (\w+)=([^`]+)`", text):
            yield Block(name, text.count("\n", 0, m.start()) + 1, f"{m[1]} = {m[2]}\n", "main.cf")


# A line in running text may name what another one sets, or set what another one names.
CONTEXT = "smtpd_client_restrictions = $presend\n"


def rule_postfix_reads_inline(tree):
    if not find_program("postconf"):
        return tree.missing("settings in running text not tried: Postfix is not installed")
    return [complaint for block in inline_settings(tree) if block.kind == "main.cf"
            for complaint in postconf(block, CONTEXT + block.text, {}) if "undefined parameter: presend" not in complaint]


def rule_postfix_reads_master_cf(tree):
    if not find_program("postconf"):
        return tree.missing("blocks of master.cf not tried: Postfix is not installed")
    complaints = []
    for block in of_kind(tree, "master.cf"):
        with tempfile.TemporaryDirectory() as folder:
            write(folder, "main.cf", MINIMAL)
            write(folder, "master.cf", block.text)
            status, out, said = run(find_program("postconf"), "-c", folder, "-P")
            complaints += [block.at(f"postconf: {line}") for line in said.splitlines()]
            got = {}
            for service, name, value in re.findall(r"^(\S+/inet)/(\w+) = ?(.*)$", out, re.M):
                got.setdefault(service, {})[name] = value
            if status or got != MASTER_CF:
                complaints.append(block.at(f"the services are {got}, wanted {MASTER_CF}"))
    return complaints


class Pasted(Postfix):
    """A Postfix of its own whose main.cf ends with the lines of a document, in Debian's jail."""

    lines = ""

    def __init__(self, lab, sink, lines):
        self.lines = lines
        super().__init__(lab, sink)

    def write_main(self):
        own = {name: value for name, value in self.main.items()
               if name not in ("presend", "smtpd_milters", "non_smtpd_milters")}
        self.lab.write("postfix/main.cf", "".join(f"{k} = {v}\n" for k, v in own.items()) + self.lines)
        os.utime(self.lab.path("postfix", "main.cf"), (LONG_AGO, LONG_AGO))

    def write_master(self):
        self.ports = {"smtp": self.lab.port()}
        jailed = MASTER.replace("cleanup   unix  n - n", "cleanup   unix  n - y")
        self.lab.write("postfix/master.cf", jailed + f"127.0.0.1:{self.ports['smtp']} inet n - y - - smtpd\n")


def try_running(lines, signer=False):
    """Mail over SMTP and by sendmail(1) through a Postfix with these lines; what went wrong."""
    with Lab("documents") as lab:
        sink = Sink(lab)
        front = None
        if signer:
            # Any milter shows whether it is asked.
            front_lab = Lab("documents-signer")
            lab.at_end.append(front_lab.close)
            address = f"inet:{front_lab.port()}@127.0.0.1"
            front = Milter(front_lab, address, 'own_domains = { "%s" }' % HOST, always=everything_exists(lab)).start()
            lines = lines.replace(":8892", ":" + address[5:].split("@", maxsplit=1)[0])
        postfix = Pasted(lab, sink, lines)
        milter = Milter(lab, postfix.socket, 'own_domains = { "%s" }' % HOST, postfix.group,
                        always=everything_exists(lab)).start()
        postfix.start()
        try:
            deliver(postfix, sink, [milter] + ([front] if front else []), 250 if "=accept" in lines else 451)
        except Failure as why:
            return [str(why)]
        return [line for line in postfix.log().splitlines() if re.search(r"warning|fatal|error:", line)
                and "connect to Milter service" not in line]


def deliver(postfix, sink, milters, without_presend):
    with Client(postfix.ports["smtp"]) as client:
        reply = client.send("ann@" + HOST, ["bob@one.example"], b"From: ann@%s\r\n\r\nx\r\n" % HOST.encode())
    if reply.code != 250:
        raise Failure(f"the client is answered {reply}")
    postfix.sendmail(b"Subject: x\n\nx\n", "-f", "root", "bob@two.example")
    for domain in ("one.example", "two.example"):
        sink.one_to(f"bob@{domain}")
        for milter in milters:
            milter.record_to(domain)
    # While Presend is away its own action holds; while another one is, that of Postfix.
    for milter, code in zip(milters, (without_presend, 451)):
        milter.stop()
        with Client(postfix.ports["smtp"]) as client:
            reply = client.send("ann@" + HOST, ["bob@three.example"], b"From: ann@%s\r\n\r\nx\r\n" % HOST.encode())
        if reply.code != code:
            raise Failure(f"without the milter the client is answered {reply}, wanted {code}")
        postfix.sendmail(b"Subject: x\n\nx\n", "-f", "root", f"bob@without{code}.example")
        if code == 250:
            sink.one_to("bob@without250.example")


def rule_postfix_runs(tree):
    """The README's lines in a running Postfix: with Presend alone, and behind a signer."""
    missing = Postfix.missing() or NameServer.missing()
    if missing:
        return tree.missing("a running Postfix not tried: " + missing)
    if not built("presend-milter"):
        return tree.missing("a running Postfix not tried: presend-milter is not built")
    return [block.at(("with a signer: " if "8892" in lines_without_comments(text) else "") + wrong)
            for block in of_kind(tree, "main.cf") if block.name == README
            for text in variants(block.text)
            for action in ("accept", "tempfail")
            for wrong in try_running(text.replace("=accept", "=" + action), "8892" in lines_without_comments(text))]


def lines_without_comments(text):
    return "\n".join(logical_lines(text))


# ---- Sendmail --------------------------------------------------------------------------


def sendmail_cf(folder, text):
    cf = os.path.join(unpacked("sendmail"), "usr/share/sendmail/cf")
    mc = write(folder, "x.mc", "divert(0)dnl\nOSTYPE(`linux')dnl\n" + text + "MAILER(`local')dnl\nMAILER(`smtp')dnl\n")
    return run("m4", f"-D_CF_DIR_={cf}/", f"{cf}/m4/cf.m4", mc)


def sendmail_accepts(folder, cf):
    """Sendmail itself, as a test of addresses, which reads all of its configuration."""
    program = shutil.copy(os.path.join(unpacked("sendmail"), "usr/libexec/sendmail/sendmail"), folder)
    os.chmod(program, 0o755)
    libraries = os.path.join(unpacked("sendmail"), "usr/lib", os.uname().machine + "-linux-gnu")
    status, out, err = run("unshare", "--uts", "sh", "-c", f'hostname {HOST}; exec "$@"', "sh", program, "-C",
                           write(folder, "sendmail.cf", cf), "-bt", env=dict(os.environ, LD_LIBRARY_PATH=libraries))
    said = [line for line in (out + err).splitlines() if re.search(r"warning|unknown|sendmail\.cf|: line", line, re.I)]
    return said or ([f"sendmail -bt ends with {status}"] if status else [])


def rule_sendmail_reads(tree):
    if not unpacked("sendmail") or not find_program("m4") or os.getuid() != 0:
        return tree.missing("blocks for Sendmail not tried: it is not unpacked, or m4 or root is missing")
    complaints = []
    for block in of_kind(tree, "sendmail.mc"):
        off = re.search(r"^dnl (INPUT_MAIL_FILTER.*)$", block.text, re.M)
        texts = [block.text] + ([block.text.replace(off[0], off[1])] if off else [])
        for text, wanted in zip(texts, FILTERS):
            with tempfile.TemporaryDirectory() as folder:
                status, cf, said = sendmail_cf(folder, text)
                if status or said:
                    complaints.append(block.at(f"m4 ends with {status}: {said}"))
                    continue
                filters = re.search(r"^O InputMailFilters=(.*)$", cf, re.M)
                if not filters or re.split(r",\s*", filters[1]) != wanted:
                    complaints.append(block.at(f"the filters are {filters and filters[1]}, wanted {wanted}"))
                if FILTER not in cf.split("\n"):
                    complaints.append(block.at(f"sendmail.cf has no line {FILTER}"))
                complaints += [block.at(f"Sendmail: {line}") for line in sendmail_accepts(folder, cf)]
    return complaints


# ---- Presend ---------------------------------------------------------------------------


def built(name):
    path = os.path.abspath(os.path.join(build_folder(), name))
    return path if os.access(path, os.X_OK) else None


def preflight(text):
    """presend-milter -t, with a user that this host has; the lines of what it says, without our paths."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        own = "" if re.search(r"^user =", text, re.M) else f"user = {daemon_user()}\n"
        # Else this host's Postfix is asked.
        own += "" if re.search(r"^own_domains", text, re.M) else 'own_domains = { "example.com" }\n'
        path = write(folder, "presend.conf", own + text)
        away = [] if re.search(r"^socket =", text, re.M) else ["-p", "inet:8891@127.0.0.1"]
        status, _, said = run(built("presend-milter"), "-t", "-c", path, *away)
        lines = [line.removeprefix("presend-milter: ").replace(folder + "/", "") for line in said.splitlines()]
        return status, lines


def folder_of_socket():
    """Where the folder is not there yet, -t gives the command that the documents give."""
    group = grp.getgrgid(pwd.getpwnam(daemon_user()).pw_gid).gr_name
    wanted = COMMANDS[r"\binstall -d [^\n`'\"]*/presend\b(?!-)"][0].replace("-o presend", "-o " + daemon_user())
    try:
        grp.getgrnam("postfix")
    except KeyError:
        wanted = wanted.replace("-g postfix -m 2750", f"-g {group}")
    return re.escape("socket /var/spool/postfix/presend/presend.sock: its directory is missing; mend it by: "
                     + wanted)


def said_of(text, allowed):
    """What -t says beyond what is allowed."""
    status, lines = preflight(text)
    allowed = [pattern for pattern, _ in allowed] + ([folder_of_socket()] if os.getuid() == 0 else [r"socket /var.*"])
    rest = [line for line in lines if not any(re.fullmatch(pattern, line) for pattern in allowed)]
    if status not in (0, 78) or (status and not lines):
        rest.append(f"presend-milter -t ends with {status}")
    return rest


def rule_daemon_reads(tree):
    if not built("presend-milter"):
        return tree.missing("blocks of presend.conf not tried: presend-milter is not built")
    return [block.at(f"presend-milter -t: {line}")
            for block in of_kind(tree, "presend.conf") + [b for b in inline_settings(tree) if b.kind == "presend.conf"]
            for line in said_of(block.text, NOT_THERE)]


def rule_sample_can_be_switched_on(tree):
    """Each line of the sample that a "#" without a blank switches off: by itself, and all of them."""
    if not built("presend-milter"):
        return tree.missing("the sample not tried: presend-milter is not built")
    complaints = []
    for block in of_kind(tree, "sample"):
        switched = re.sub(r"^#(?![ \n])", "", block.text, flags=re.M)
        complaints += [block.at(f"all switched on: {line}") for line in said_of(switched, SAMPLE_NOT_THERE)]
        for m in re.finditer(r"^#(\w.*\n(?:#(?:\t.*|\})\n)*)", block.text, re.M):
            text = m[1].replace("\n#", "\n")
            complaints += [f"{block.name}:{block.text.count(chr(10), 0, m.start()) + 1}: {line}"
                           for line in said_of(text, SAMPLE_NOT_THERE)]
        left = re.sub(r"^#(\w.*\n(?:#(?:\t.*|\})\n)*)", "", block.text, flags=re.M)
        complaints += [block.at(f"is this line switched off, or text? {m[0]!r}")
                       for m in re.finditer(r"^#(?![ \n]).*$", left, re.M)]
    return complaints


def rule_presend_says_so(tree):
    """Sessions, refusals, stores and records of the documents, tried with presend."""
    program = built("presend")
    if not program:
        return tree.missing("sessions not tried: presend is not built")
    complaints = []
    for block in of_kind(tree, "session", "refusal", "store", "records"):
        complaints += [block.at(wrong) for wrong in TRY[block.kind](program, block.text)]
    return complaints


def try_session(program, text):
    command, _, wanted = text.partition("\n")
    words = re.match(r"\$ presend from '([^']*)'$", command)
    if not words or not wanted:
        return []  # no more than its options: rule_commands_are_known
    got = run(program, "from", "--offline", words[1])[1]
    return [] if got == wanted else [f"presend from gives {got!r}"]


def try_refusal(program, text):
    """The field, where one stands before it, gets the very reply."""
    reply = re.findall(r"^\d{3}[- ][\d.]+ (.*(?:\n[ ].*)*)", text, re.M)
    body = re.search(r"^From: (.*)$", text, re.M)
    given = body[1] if body else re.search(r"write:\s+From: (.*)$", text, re.M)[1].replace('"', "")
    found = json.loads(run(program, "from", "--offline", "--json", given)[1])["reply"]["text"]
    flat = " ".join(" ".join(reply).split())
    # Of a message the column counts from the colon and blank on; of a bare field from its start.
    plain = [re.sub(r"column \d+", "column N", said) for said in (flat, found)]
    return [] if plain[0] == plain[1] else [f"the reply is {found!r}"]


def try_store(program, text):
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, "addresses", text)
        status, _, said = run(program, "address", "--offline", "--mailboxes", "file:" + path, "ann@example.com")
    return [] if status == 0 and not said else [f"presend address ends with {status}: {said}"]


def try_records(program, text):
    with tempfile.TemporaryDirectory() as folder:
        path = write(folder, "records", text)
        status, _, said = run(program, "domain", "--offline", "--records", path, "example.com")
    return [] if status != 66 and not said else [f"presend domain ends with {status}: {said}"]


TRY = {"session": try_session, "refusal": try_refusal, "store": try_store, "records": try_records}


# ---- the rest --------------------------------------------------------------------------


def command_lines(tree):
    """(where, program, words) of each call of our programs: in blocks, and between backquotes."""
    lines = [(f"{block.name}:{block.line + n}", line) for block in of_kind(tree, "session", "shell")
             for n, line in enumerate(block.text.replace("\\\n", "  ").split("\n"))]
    for name in tree.names(".md"):
        text = tree.text(name)
        lines += [(f"{name}:{text.count(chr(10), 0, m.start()) + 1}", m[1])
                  for m in re.finditer(r"`(presend(?:-milter)? [^`=]+)`", text)]
    for where, line in lines:
        m = re.match(r"(?:[$#] )?(presend|presend-milter)( .*|$)", line)
        if m:
            parts = shlex.shlex(m[2], posix=True, punctuation_chars=True)
            parts.whitespace_split = True
            yield where, m[1], list(itertools.takewhile(lambda word: not re.match(r"[|<>;&()]", word), parts))


def rule_commands_are_known(tree):
    """Subcommands and options are read by the program itself, which is then asked for no more than its help."""
    if not built("presend") or not built("presend-milter"):
        return tree.missing("command lines not tried: the programs are not built")
    complaints = []
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        stub = write(folder, "stub.conf", f'user = {daemon_user()}\nown_domains = {{ "example.com" }}\n')
        for where, program, words in command_lines(tree):
            harmless = ["--help"] if program == "presend" else ["-t", "-c", stub]
            status, _, said = run(built(program), *words, *harmless)
            if status == 64:
                complaints.append(f"{where}: {said.splitlines()[0]}")
    return complaints


def rule_shell_is_sound(tree):
    """bash reads it; t/e2e/install.py runs what stands in the README."""
    complaints = []
    for block in of_kind(tree, "shell"):
        with tempfile.TemporaryDirectory() as folder:
            status, _, said = run("bash", "-n", write(folder, "lines", block.text))
        if status or said:
            complaints.append(block.at(f"bash -n: {said.strip()}"))
    return complaints


# What has to be in the units, where a slip would be no fault to systemd.
UNITS = {
    "contrib/presend-milter.service": {
        "Type": "notify", "User": "presend", "Group": "presend", "SupplementaryGroups": "postfix",
        "RuntimeDirectory": "presend", "RuntimeDirectoryMode": "0755",
        "ExecStartPre": "/usr/local/sbin/presend-milter -t", "ExecStart": "/usr/local/sbin/presend-milter -f",
        "ReadWritePaths": "-" + os.path.dirname(SETTINGS["socket"][6:-1])},
    "contrib/presend-milter.socket": {
        "ListenStream": re.search(r"local:([^,]+)", FILTER)[1], "SocketUser": "presend", "SocketGroup": "postfix",
        "SocketMode": "0660", "DirectoryMode": "0755"},
}
# For Sendmail: in the unit's comment, and in the README's printf.
DROP_IN = ["[Service]", "SupplementaryGroups="]


def rule_units_are_meant(tree):
    complaints = []
    for block in of_kind(tree, "unit"):
        for name, value in UNITS[block.name].items():
            got = re.findall(rf"^{name}=(.*)$", block.text, re.M)
            if got != [value]:
                complaints.append(block.at(f"{name} is {got}, wanted {value}"))
        drop_in = re.findall(r"^#   (.*)$", block.text, re.M)
        if drop_in != (DROP_IN if block.name.endswith(".service") else []):
            complaints.append(block.at(f"the drop-in of the comment is {drop_in}"))
    for block in of_kind(tree, "shell"):
        complaints += [block.at(f"the drop-in is {m[1]}") for m in re.finditer(r"printf '(\[.*?)' >", block.text)
                       if m[1] != "".join(line + r"\n" for line in DROP_IN)]
    return complaints


def rule_units_are_sound(tree):
    if not find_program("systemd-analyze"):
        return tree.missing("units not verified: systemd-analyze is not installed")
    if not built("presend-milter"):
        return tree.missing("units not verified: presend-milter is not built")
    with tempfile.TemporaryDirectory() as folder:
        names = [write(folder, os.path.basename(block.name),
                       block.text.replace("/usr/local/sbin/presend-milter", built("presend-milter")))
                 for block in of_kind(tree, "unit")]
        if not names:
            return []
        said = run("systemd-analyze", "verify", "--man=no", *names)[2]
        return [re.sub(r"^([\w./-]+):(?!\d)", r"\1:1:", f"contrib/{line.replace(folder + '/', '')}")
                for line in said.splitlines()]


# ---- each rule, with what breaks it and what does not ----------------------------------

def indented(text, file="# main.cf\n"):
    return "".join("    " + line + "\n" for line in (file + text).splitlines())


# As the README had it: every client was answered 451, and mail of sendmail(1) was not signed.
OLD = """presend = unix:presend/presend.sock
smtpd_milters = inet:127.0.0.1:8892, $presend   # the signer first, OpenDKIM for example
non_smtpd_milters = $presend
milter_default_action = accept        # tempfail, once enforcing
"""
LINES = """presend = { unix:presend/presend.sock, default_action=accept }
#smtpd_milters = inet:127.0.0.1:8892, $presend
smtpd_milters = $presend
non_smtpd_milters = $smtpd_milters
"""
FILTER_LINE = "INPUT_MAIL_FILTER(`presend', `" + FILTER.split(", ", 1)[1] + "')dnl\n"


GOOD = {README: indented(LINES) + "\n.\n\n" + indented(FILTER_LINE, ""), MAIN: LINES, MC: FILTER_LINE}
SERVICE = "".join(f"{name}={value}\n" for name, value in UNITS["contrib/presend-milter.service"].items()) \
          + "#   [Service]\n#   SupplementaryGroups=\n"
LISTEN = "".join(f"{name}={value}\n" for name, value in UNITS["contrib/presend-milter.socket"].items())
UNIT = "[Unit]\nDescription=x\n[Service]\nExecStart=/usr/local/sbin/presend-milter -f\n"
SETTING = '    # presend.conf\n    socket = "unix:/var/spool/postfix/presend/presend.sock"\n    directory = postfix\n' \
          '    own_domains = { "example.com", "*.example.com" }\n    egress = { "192.0.2.1", "2001:db8::1" }\n'
SESSION = "    $ presend from 'ann@example.com'\n    ann@example.com: accept\n"


def changed(old, new, name=README):
    return {**GOOD, name: GOOD[name].replace(old, new)}


def bd(text):
    return {"docs/presend-milter.8": f".Bd -literal -offset indent\n{text}.Ed\n"}


RULES = [
    (rule_every_block_has_a_kind, {README: "    frobnicate = 1 2 3;\n    and more\n"}, GOOD),
    (rule_every_block_has_a_kind, {CONTRIB: "text\n\n    wget something\n"}, {CONTRIB: "text\n\n    make -C build\n"}),
    (rule_every_block_has_a_kind, {CONTRIB: "```\nwget something\n```\n"}, {CONTRIB: "```\nmake install\n```\n"}),
    (rule_every_block_has_a_kind, {"contrib/exim.conf": "x"}, {"contrib/sendmail.mc": FILTER_LINE}),
    (rule_every_block_has_a_kind, bd("wget x\n"), bd("smtpd_milters = x\n")),
    (rule_no_comment_behind_a_value, {README: indented(OLD)}, GOOD),
    (rule_readme_is_contrib, changed("#smtpd", "# smtpd"), GOOD),
    (rule_readme_is_contrib, changed("=accept", "=tempfail"), None),
    (rule_readme_is_contrib, changed("F=,", "F=T,", MC), None),
    (rule_readme_is_contrib, {**GOOD, README: ""}, None),
    (rule_one_answer, {README: SETTING.replace("/var/spool/postfix", "/run")}, {README: SETTING}),
    (rule_one_answer, {README: SETTING.replace("    egress", "    helo")}, None),
    (rule_one_answer, {README: SETTING, "milter/x.c": '"install -d -o presend -g presend /var/presend"'},
     {README: SETTING, "milter/x.c": '"install -d -o %s -g %s%s %s"'}),
    (rule_one_answer, {README: SETTING + "    adduser --system presend\n"}, None),
    (rule_installed_names_are_replaced,
     {"contrib/presend-milter.service": UNIT, "Makefile.am": "-e 's|/usr/local/bin|x|'"},
     {"contrib/presend-milter.service": UNIT, "Makefile.am": "-e 's|/usr/local/sbin/presend|x|'"}),
    (rule_every_block_has_a_kind, {CONTRIB: "text\n\n\twget something\n"}, {CONTRIB: "text\n\n\tmake -C build\n"}),
    (rule_every_block_has_a_kind, {CONTRIB: "~~~\nwget something\n~~~\n"}, {CONTRIB: "~~~\nmake install\n~~~\n"}),
    (rule_every_block_has_a_kind, {CONTRIB: "* x\n  ```\n  wget something\n  ```\n"},
     {CONTRIB: "* x\n  ```\n  make install\n  ```\n"}),
    (rule_every_block_has_a_kind, {CONTRIB: "1. ```sh\n   wget something\n   ```\n"}, None),
    (rule_every_block_has_a_kind, {"docs/presend.1": ".Dl wget something\n"}, {"docs/presend.1": ".Dl # presend domain\n"}),
    (rule_milters_are_well_formed, {CONTRIB: "`presend = { unix:a/b, default_action=tempfial }`\n"},
     {CONTRIB: "`presend = { unix:a/b, default_action=tempfail }`\n"}),
    (rule_milters_are_well_formed, {"SECURITY.md": "`milter_default_action = acept`\n"}, GOOD),
    (rule_milters_are_well_formed, {CONTRIB: "`smtpd_milters = $presend # x`\n"},
     {CONTRIB: "`smtpd_milters = inet:127.0.0.1:8892, ${presend} inet6:[::1]:1`\n"}),
    (rule_milters_are_well_formed, changed("inet:127.0.0.1:8892", "inet:8892@127.0.0.1"), None),
    (rule_milters_are_well_formed, changed("unix:", "unxi:", MAIN), None),
    (rule_milters_are_well_formed, {CONTRIB: "`-o smtpd_milters=inet:8892@127.0.0.1,$presend`\n"},
     {CONTRIB: "`-o smtpd_milters=inet:127.0.0.1:8892,$presend`\n"}),
    (rule_units_are_meant, {"contrib/presend-milter.service": SERVICE.replace("presend\n#", "presned\n#")},
     {"contrib/presend-milter.service": SERVICE, "contrib/presend-milter.socket": LISTEN}),
    (rule_units_are_meant, {"contrib/presend-milter.socket": LISTEN.replace("/run/presend/", "/run/")}, None),
    (rule_units_are_meant, {"contrib/presend-milter.socket": LISTEN.replace("0660", "0666")}, None),
    (rule_units_are_meant, {"contrib/presend-milter.service": SERVICE.replace("#   Supp", "#   Sup")}, None),
    (rule_units_are_meant, {README: "    printf '[Service]\\nSuplementaryGroups=\\n' >x\n"},
     {README: "    printf '[Service]\\nSupplementaryGroups=\\n' >x\n"}),
    (rule_shell_is_sound, {README: "    make -C 'build\n"}, {README: "    make -C 'build'\n"}),
]

# Those that ask a real program, tried where it is there.
RUNNERS = [
    (rule_postfix_reads_main_cf, bd(OLD), {README: GOOD[README], MAIN: LINES}),
    (rule_postfix_reads_main_cf, changed("= $smtpd_milters", "= $presend"), None),
    (rule_postfix_reads_main_cf, changed("unix:presend", "unix:/run/presend"), None),
    (rule_postfix_reads_main_cf, changed("smtpd_milters", "smptd_milters"), None),
    (rule_postfix_reads_main_cf, changed("    presend", "    milter_default_action = accept\n    presend"), None),
    (rule_postfix_reads_main_cf, {CONTRIB: indented(LINES)}, None),
    (rule_postfix_reads_inline, {CONTRIB: "`smptd_milters = x`\n"}, {CONTRIB: "`smtpd_milters = x`\n"}),
    (rule_commands_are_known, {"docs/presend.1": ".Dl $ presend domians\n"}, {"docs/presend.1": ".Dl $ presend domain x | y\n"}),
    (rule_commands_are_known, {"docs/presend.1": ".Dl $ presend from --onyl from.resolves --stdin < authors.txt\n"},
     {"docs/presend.1": ".Dl $ presend from --only from.resolves --stdin < authors.txt\n"}),
    (rule_commands_are_known, {README: "    $ presend check --ergess 192.0.2.9 x.eml\n    x\n"},
     {README: "    $ presend check --egress 192.0.2.9 x.eml\n    x\n"}),
    (rule_commands_are_known, {README: "    $ presend address x\n    # presend address --from-lgo /x      # what's this\n"},
     {README: "    $ presend address x\n    # presend address --from-log /x      # what that is\n"}),
    (rule_commands_are_known, bd("presend-milter -Z\n"), bd("presend-milter -f -p inet:8891@127.0.0.1\n")),
    (rule_commands_are_known, {CONTRIB: "`presend dmian` x\n"}, {CONTRIB: "`presend-milter -t -c FILE` x\n"}),
    (rule_postfix_reads_master_cf, {SERVICES: "submission inet n - y - - smtpd\n  -o smtpd_milters=\n"}, None),
    (rule_postfix_runs, {README: indented(OLD)}, None),
    (rule_sendmail_reads, {MC: FILTER_LINE.replace("`S", "S'")}, {MC: FILTER_LINE}),
    (rule_sendmail_reads, {MC: FILTER_LINE.replace("R:20s", "R:2s")}, None),
    (rule_daemon_reads, {README: indented("mdoe = audit\n", "# presend.conf\n")},
     {README: indented("mode = audit\n", "# presend.conf\n")}),
    (rule_daemon_reads, {README: '`check "from.login" { actoin = reject }`\n'},
     {README: '`check "from.login" { action = reject }`\n'}),
    (rule_daemon_reads, {README: '(`domain "example.com" { mdoe = enforced }`)\n'},
     {README: '(`domain "example.com" { mode = enforce }`)\n'}),
    (rule_daemon_reads, bd('on_unknown = tempfail\ncheck "from.*" { action = log }\n'), bd("deadline = 4\n")),
    (rule_sample_can_be_switched_on, {SAMPLE: "# text\n#mode = no\n"}, {SAMPLE: "# text\n#mode = enforce\n"}),
    (rule_sample_can_be_switched_on, {SAMPLE: '#class "local" {\n#\tmode = no\n#}\n'},
     {SAMPLE: '#class "local" {\n#\tmode = audit\n#}\n'}),
    (rule_sample_can_be_switched_on, {SAMPLE: "#-- what\n"}, None),
    (rule_presend_says_so, {README: SESSION.replace("accept", "reject")}, {README: SESSION}),
    (rule_presend_says_so, {README: "    From: a@@b.example\n\n    550 5.1.7 from.syntax: something\n"}, None),
    (rule_presend_says_so, bd("bob@example.com\n"), bd("ann@example.com\n")),
    (rule_presend_says_so, bd("example.com. TXT unended \"text\n"), bd("example.com. TXT \"text\"\n")),
    (rule_units_are_sound, {"contrib/presend-milter.service": UNIT + "RestrictReltime=yes\n"},
     {"contrib/presend-milter.service": UNIT}),
    (rule_units_are_sound, {"contrib/presend-milter.service": UNIT.replace("sbin", "nix")}, None),
]


def self_test():
    """Every rule catches its fault, with a place, and leaves the rest alone."""
    wrong = []
    for rule, bad, good in RULES + RUNNERS:
        for files, is_bad in ((bad, True), (good, False)):
            if files is None:
                continue
            tree = Tree(files)
            began = time.monotonic()
            found = rule(tree)
            if tree.notes:
                continue
            if os.environ.get("TIMES"):
                print(f"{rule.__name__}: {time.monotonic() - began:.1f} s")
            if is_bad and not any(re.match(r"[\w./-]+:\d+: ", c) for c in found):
                wrong.append(f"{rule.__name__} did not catch {bad}: {found}")
            if not is_bad and found:
                wrong.append(f"{rule.__name__} complained about {good}: {found}")
    return wrong


def main():
    os.environ["LC_ALL"] = "C.UTF-8"
    wrong = self_test()
    if wrong:
        print("\n".join("documents.py: " + w for w in wrong))
        return 1
    if sys.argv[1:] == ["--self-test"]:
        return 0
    root = os.environ.get("srcdir") or os.path.join(HERE, "..", "..")
    tree = load(root, os.environ.get("builddir"))
    rules = list(dict.fromkeys(rule for rule, _, _ in RULES + RUNNERS))
    complaints = [complaint for rule in rules for complaint in rule(tree)]
    found = list(blocks(tree))
    for kind in sorted({block.kind for block in found}):
        print(f"{kind}: {sum(block.kind == kind for block in found)} blocks")
    print("\n".join(complaints + [f"{len(rules)} rules, {len(complaints)} complaints"]))
    if complaints:
        return 1
    if tree.notes:
        print("skipped: " + "; ".join(tree.notes))
        return SKIP
    return 0


if __name__ == "__main__":
    sys.exit(main())
