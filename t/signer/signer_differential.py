#!/usr/bin/python3
"""Compares what the signer says with what a real OpenDKIM does, over generated tables.

Each case is a configuration with its tables and keys, and some authors.  OpenDKIM
runs with it on a UNIX socket and gets a message from each author by the milter
protocol; t/signer/signer-ask answers the same questions from the same files.

  signatures are added    SIGNS, with the same d=, s= and a= in the same order
  none is                 SIGNS_NOT
  4xx                     DEFERS
  it does not start       an error of the configuration, or UNKNOWN

UNKNOWN beside a running OpenDKIM is right only for the reasons in `unknowns`.  When
it dies (a domain that is not ASCII does that) the rest of the case is left out.
Without opendkim the test is skipped (77).

  signer_differential.py [--cases N] [--seed N] [--only NUMBER]
"""
import argparse
import collections
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "socket"))
import mta  # noqa: E402

PATH = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
OPENDKIM = shutil.which("opendkim", path=PATH)
GENKEY = shutil.which("opendkim-genkey", path=PATH)
OPENSSL = shutil.which("openssl", path=PATH)
ASK = os.environ.get("ASK") or os.path.join(os.environ.get("builddir", "."), "t/signer/signer-ask")

unknowns = (
    "regular expressions that Presend does not read",
    "or one that Presend does not read",
    "OpenDKIM crashes",
    "is longer than OpenDKIM reads it",
    "Berkeley DB",
)

DOMAINS = ["example.com", "sub.example.com", "a.b.example.org", "example.org", "Example.NET",
           "other.test", "x.other.test", "xn--bcher-kva.example", "münchen.example"]
USERS = ["ann", "Bob", "x+y", "a.b", '"j d"', "jürgen", "root"]
KEYS = ["k1", "k2", "K1", "sel._domainkey.example.com", "k+3"]


# ---- keys ---------------------------------------------------------------------------------


def make_keys(folder):
    """PEM files: KIND/NAME.private."""
    names = [d.lower() for d in DOMAINS if d.isascii()] + ["shared"]
    for kind in ("rsa", "ed"):
        os.mkdir(os.path.join(folder, kind))
        for number, name in enumerate(names):
            path = os.path.join(folder, kind, name + ".private")
            if kind == "rsa":
                # by the signer's own tool; a few, since each costs time
                if number < 3:
                    subprocess.run([GENKEY, "-b", "1024", "-s", f"s{number}", "-d", name, "-D",
                                    folder], check=True, capture_output=True)
                shutil.copyfile(os.path.join(folder, f"s{number % 3}.private"), path)
            else:
                subprocess.run([OPENSSL, "genpkey", "-algorithm", "ed25519", "-out", path],
                               check=True, capture_output=True)
            os.chmod(path, 0o600)


# ---- tables and configurations ---------------------------------------------------------------


def key_value(rng, keys):
    domain = rng.choice(["%"] * 3 + [d for d in DOMAINS if d.isascii()])
    if rng.random() < 0.04:
        return rng.choice(["", "x", "x:y", "x:y:", ":y:z", "x::z", "%", "%:s"])
    path = keys + "/" + rng.choice(["shared"] * 4 + ["%"] * 4 + ["missing"] +
                                   [d.lower() for d in DOMAINS if d.isascii()]) + ".private"
    return f"{domain}:{rng.choice(['s1', 'S2', 'mail.2024'])}:{path}"


def key_rows(rng, keys):
    names = KEYS + [d.lower() for d in DOMAINS]
    rows = [(name, key_value(rng, keys)) for name in names if rng.random() < 0.8]
    rows += [(rng.choice(names), key_value(rng, keys)) for _ in range(rng.randrange(3))]
    rng.shuffle(rows)
    return rows


def address_form(rng, patterns):
    user, domain = rng.choice(USERS), rng.choice(DOMAINS)
    if rng.random() < 0.3:
        user, domain = user.swapcase(), domain.swapcase()
    parent = domain[domain.index("."):]
    forms = [f"{user}@{domain}", domain, f"{user}@{parent}", parent, f"{user}@*", "*",
             f"{user}@.{domain}", "." + domain]
    if patterns:
        forms += [f"*@{domain}"] * 5 + [f"*@*.{domain}", f"*{domain}", f"{user}@*{parent}",
                                        f"*@*", "*.*@*", user + "*", f"*{user[1:]}@*"]
        if rng.random() < 0.05:
            forms = ["[ab]*@" + domain, f"({user}|x)@{domain}", "a?*@*", "(x@*", "a{2}@*", "x|*"]
    return rng.choice(forms)


def signing_rows(rng, patterns):
    rows = []
    for _ in range(rng.randrange(1, 8)):
        key = rng.choice(KEYS + ["%"] * 4 + [d.lower() for d in DOMAINS])
        if rng.random() < 0.03:
            key = rng.choice(["nokey", "", ":x"])
        elif rng.random() < 0.15:
            key += rng.choice([":@%", ":ann@example.com", ":", ":a:b"])
        rows.append((address_form(rng, patterns), key))
    return rows


def line(rng, key, value, patterns):
    """One line of a file, with whatever OpenDKIM strips."""
    gap = rng.choice([" ", "\t", "   ", " \t ", "\v"])
    text = key + (gap + value if value else rng.choice(["", " "]))
    if rng.random() < 0.05:
        text = rng.choice([" ", "\t"]) + text
    text += rng.choice([""] * 6 + [" ", "\t", "\r", " # why", "#x"])
    return text


def data_set(rng, folder, name, rows, kinds):
    """The value of a parameter for a table of these rows."""
    kind = rng.choice(kinds)
    if kind in ("csl", "list"):
        items = [rng.choice(["", " "]) + key + ("=" + value if value else rng.choice(["", "="]))
                 for key, value in rows if "," not in key]
        if rng.random() < 0.1:
            items.insert(0, "")
        return ("csl:" if kind == "csl" else "") + ",".join(items)
    lines = [line(rng, key, value, kind == "refile") for key, value in rows]
    for extra in ("", "# nothing", "   ", "#"):
        if rng.random() < 0.3:
            lines.insert(rng.randrange(len(lines) + 1), extra)
    if rng.random() < 0.01:
        lines.append("x" * 1100 + " y")
    with open(os.path.join(folder, name), "w", encoding="utf-8") as f:
        f.write("\n".join(lines) + rng.choice(["\n", ""]))
    if kind == "bare":
        return f"{folder}/{name}"
    if kind == "relative":
        return f"file:{name}"
    return f"{rng.choice([kind, kind.upper()])}:{folder}/{name}"


def table_case(rng, folder, keys):
    files = ["file", "refile", "bare", "relative"]
    kinds = rng.choice([["file", "bare", "relative"], ["refile"], ["csl", "list"]])
    patterns = kinds == ["refile"]
    signing = signing_rows(rng, patterns)
    return [("KeyTable", data_set(rng, folder, "keys", key_rows(rng, keys), files + ["csl"])),
            ("SigningTable", data_set(rng, folder, "signing", signing, kinds)),
            ("MultipleSignatures", rng.choice(["yes", "no", "True", "0"]))]


def domain_case(rng, folder, keys):
    rows = [(rng.choice(DOMAINS + ["*", "com", "other.test", "test"] + ["*.example.com"]), "")
            for _ in range(rng.randrange(1, 4))]
    kinds = ["file", "refile", "bare", "list", "csl", "relative"]
    key = keys + "/" + rng.choice(["shared"] * 5 + ["missing"]) + ".private"
    options = [("Domain", data_set(rng, folder, "domains", rows, kinds)),
               ("KeyFile", key), ("Selector", "single"),
               ("SubDomains", rng.choice(["yes", "no"]))]
    if rng.random() < 0.1:
        del options[rng.randrange(3)]
    return options


def configuration(rng, folder, root):
    """The parameters of an opendkim.conf; its tables are written."""
    kind = "ed" if rng.random() < 0.2 else "rsa"
    keys = os.path.join(root, kind)
    options = (domain_case if rng.random() < 0.25 else table_case)(rng, folder, keys)
    options.append(("BaseDirectory", folder))
    if rng.random() < 0.95:
        options.append(("RequireSafeKeys", "no"))
    if kind == "ed":
        options.append(("SignatureAlgorithm", rng.choice(["ed25519-sha256", "ED25519-SHA256"])))
    elif rng.random() < 0.3:
        options.append(("SignatureAlgorithm", rng.choice(["rsa-sha256", "rsa-sha1"])))
    if rng.random() < 0.2:
        options.append(("Mode", rng.choice(["s", "v", "sv", "vs", "x"])))
    if rng.random() < 0.15:
        rows = [(rng.choice(DOMAINS), "") for _ in range(2)]
        options.append(("ExemptDomains", data_set(rng, folder, "exempt", rows, ["file", "list"])))
    rng.shuffle(options)
    return options


def write_configuration(rng, folder, options):
    def render(some):
        return "".join(rng.choice(["", " ", "\t"]) + rng.choice([n, n.lower(), n.upper()]) +
                       rng.choice([" ", "\t\t"]) + v +
                       rng.choice([""] * 5 + [" ", "# no", " # yes", "\r"]) + "\n"
                       for n, v in some)

    path = os.path.join(folder, "opendkim.conf")
    cut = rng.randrange(len(options)) if rng.random() < 0.2 else len(options)
    text = "# made up\n\nSyslog no\n"
    # an earlier setting is overridden
    if rng.random() < 0.2:
        text += "MultipleSignatures no\nSelector old\n" if rng.random() < 0.5 else "SubDomains no\n"
        if "Selector old" in text and "Selector" not in dict(options):
            text = text.replace("Selector old\n", "")
    text += render(options[:cut])
    if cut < len(options):
        with open(os.path.join(folder, "more.conf"), "w", encoding="utf-8") as f:
            f.write(render(options[cut:]))
        text += f"Include {folder}/more.conf\n"
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


# ---- OpenDKIM -----------------------------------------------------------------------------------


class Signer:
    """A real OpenDKIM on a socket of its own; started is False when it refused."""

    def __init__(self, folder, path):
        self.address = os.path.join(folder, "s")
        self.process = subprocess.Popen(
            [OPENDKIM, "-f", "-x", path, "-p", "local:" + self.address],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.session = None
        end = time.monotonic() + 20
        while self.session is None and self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError("OpenDKIM neither listens nor ends")
            try:
                self.session = mta.Session(self.address)
            except OSError:
                time.sleep(0.005)
        if self.session is not None:
            self.session.connect(address="127.0.0.1", name="localhost")
            self.session.helo()

    @property
    def started(self):
        return self.session is not None

    def message(self, user, domain):
        """("signed", [(d, s, a)...]), ("none", []) or ("deferred", [])."""
        headers = (("From", f"{user}@{domain}"), ("To", "bob@example.net"), ("Subject", "x"),
                   ("Date", "Tue, 24 Nov 2026 20:00:00 +0000"), ("Message-ID", "<1@x>"))
        _, reply = self.session.message(mail="<x@example.com>", headers=headers)
        if reply.kind in ("t", "y", "r"):
            return "deferred" if reply.kind != "r" else "rejected", []
        found = []
        for _, data in [c for c in reply.changes if c[0] in "ih"]:
            name, _, value = data.lstrip(b"\0").partition(b"\0")
            if name[-14:].lower() == b"dkim-signature":
                tags = dict(re.findall(r"([a-z]+)=([^;]*)", re.sub(r"\s+", "", value.decode())))
                found.append((tags["d"], tags["s"], tags["a"]))
        # each is put on top of those before it
        return ("signed" if found else "none"), found

    def end(self):
        if self.session is not None:
            try:
                self.session.quit()
            except OSError:
                pass
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if not self.process.stderr.closed:
            self.process.stderr.close()


# ---- ours -----------------------------------------------------------------------------------------


def ask(path, questions):
    """The answers, or None when the configuration is refused."""
    done = subprocess.run([ASK, path], input="".join("\t".join(q) + "\n" for q in questions),
                          capture_output=True, text=True, timeout=60, check=False)
    if done.returncode not in (0, 1) or "ERROR: " in done.stderr or "runtime error" in done.stderr:
        raise AssertionError(f"signer-ask: status {done.returncode}\n{done.stderr[-3000:]}")
    if done.returncode == 1:
        if not re.match(r"[^\n]+:\d+: [^\n]+\n$", done.stderr):
            raise AssertionError(f"not one line of FILE:LINE: {done.stderr!r}")
        return None
    return [text.split("\t") for text in done.stdout.split("\n")[:-1]]


def authors(rng):
    return [(rng.choice(USERS), rng.choice(DOMAINS)) for _ in range(12)]


def compare(mine, theirs):
    """None when both agree, else why not."""
    answer, why = mine[0], mine[1]
    rest = mine[2:]
    signings = [tuple(rest[i:i + 3]) for i in range(0, len(rest), 3)]
    kind, found = theirs
    if answer == "UNKNOWN":
        return None if any(u in why for u in unknowns) else "UNKNOWN without a good reason"
    wanted = {"SIGNS": "signed", "SIGNS_NOT": "none", "DEFERS": "deferred"}[answer]
    if "Mode does not sign" in why and kind != "signed":
        return None
    if wanted != kind:
        return "another answer"
    if answer == "SIGNS" and signings != found:
        return "other signatures"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    missing = [name for name, path in (("opendkim", OPENDKIM), ("opendkim-genkey", GENKEY),
                                       ("openssl", OPENSSL)) if path is None]
    if missing:
        print(f"SKIP: {', '.join(missing)} not installed (packages opendkim, opendkim-tools)")
        return 1 if os.environ.get("CI") == "true" else 77
    counts, failed = collections.Counter(), 0
    with tempfile.TemporaryDirectory(prefix="presend-") as root:
        make_keys(root)
        for number in range(options.cases):
            rng = random.Random(f"{options.seed} {number}")
            if options.only is not None and number != options.only:
                continue
            folder = os.path.join(root, str(number))
            os.mkdir(folder)
            failed += run_case(rng, number, folder, root, counts)
            shutil.rmtree(folder)
    for what, count in sorted(counts.items()):
        print(f"{count:6} {what}")
    print(f"{counts['agreed']} passed, {failed} failed")
    return 1 if failed else 0


def run_case(rng, number, folder, root, counts):
    path = write_configuration(rng, folder, configuration(rng, folder, root))
    questions = authors(rng)
    answers = ask(path, questions)
    signer = Signer(folder, path)
    failed = 0
    try:
        if not signer.started:
            good = answers is None or all(a[0] == "UNKNOWN" or
                                          "Mode does not sign" in a[1] for a in answers)
            counts["did not start" if good else "did not start, and we answer"] += 1
            if not good:
                show(number, folder, signer.process.stderr.read().decode(), answers)
            counts["agreed"] += good
            return 0 if good else 1
        if answers is None:
            show(number, folder, "started", "we refuse the configuration")
            return 1
        for question, mine in zip(questions, answers):
            try:
                theirs = signer.message(*question)
            except (mta.Gone, OSError):
                theirs = ("gone", [])
            why = compare(mine, theirs)
            counts[f"{mine[0]}, OpenDKIM: {theirs[0]}"] += 1
            counts["agreed"] += why is None
            if why is not None:
                failed += 1
                show(number, folder, f"{question}: {why}", f"ours {mine}\ntheirs {theirs}")
            if theirs[0] == "gone":
                break
    finally:
        signer.end()
    return failed


def show(number, folder, *what):
    print(f"--- case {number}")
    for name in sorted(os.listdir(folder)):
        if os.path.isfile(os.path.join(folder, name)):
            with open(os.path.join(folder, name), encoding="utf-8") as f:
                print(f"{name}:\n" + "".join(f"    {text!r}\n" for text in f.read().split("\n")))
    for text in what:
        print(text)


if __name__ == "__main__":
    sys.exit(main())
