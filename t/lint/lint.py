#!/usr/bin/python3
"""lint.py - what the compiler does not see: layers, names, and that what is said twice agrees.

Each rule is a function that takes a tree and gives complaints.  Before the real
tree is looked at, every rule is shown a small tree that breaks it and must
catch that, and one that does not and must be silent: a rule that cannot fail
is worth nothing.  `lint.py --self-test` stops after this.

Rules that read what was built look into $builddir, and say so when there is
nothing.  With CI=true nothing may be left out.
"""

import base64
import fnmatch
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

LAYERS = ["base", "syntax", "dns", "store", "message", "directory", "key", "signer", "auth",
          "check", "policy", "audit"]
# Lower, and not beneath: what a layer must not see though it stands above.
APART = {"dns": ["syntax"], "store": ["dns"], "message": ["dns", "store"], "directory": ["dns"],
         "signer": ["dns", "store", "message", "directory"], "auth": ["store", "directory"],
         "check": ["store"], "policy": ["store"], "audit": ["store"], "milter": ["store"]}
# The configuration has options of stores, and hands them down.
APART_BUT_FOR = {"common/policy/config.h": ["store"]}
FRONTS = ["milter", "tools", "t"]
FOLDERS = ["common", "milter", "tools", "t", "etc", "docs", "contrib"]
TEXT = (".c", ".h", ".py", ".sh", ".am", ".ac", ".md", ".conf", ".case",
        ".1", ".5", ".7", ".8", ".mc", ".cf", ".service", ".socket", ".suite")
MANUALS = {"presend": "docs/presend.1", "conf": "docs/presend.conf.5",
           "checks": "docs/presend-checks.7", "milter": "docs/presend-milter.8"}
ENTRY_ITEMS = ["Fails", "Why", "Standard", "Reply", "Default", "Example", "Correct", "Mend"]
TABLE = "common/check/table.c"
SAMPLE = "etc/presend.conf"

COLUMNS = 100
FUNCTION_LINES = 60
# milter/daemon.c says why it takes this one's place.
REPLACED_ON_PURPOSE = {"sigwait"}

FOREIGN_PREFIXES = r"(?:dkim_|dmarc_|opendmarc_|smfi_|mi_|SPF_)"


class Tree:
    """Files by their name from the root, and the folder where they were built, if any."""

    def __init__(self, files, builddir=None):
        self.files = files
        self.builddir = builddir
        self.notes = []

    def text(self, name):
        return self.files.get(name, "")

    def names(self, *suffixes, within=None):
        return sorted(name for name in self.files if name.endswith(suffixes)
                      and (within is None or name.split("/")[0] in within))

    def sources(self, within=None):
        return self.names(".c", ".h", within=within)

    def missing(self, what):
        """Something a rule needs is not there: a note for a user, a failure in CI."""
        self.notes.append(what)
        return [what] if os.environ.get("CI") == "true" else []


def load(root, builddir):
    files = {}
    # config.h is made by ./configure: ours in nothing but the place of a build in the tree
    paths = [os.path.join(root, name) for name in os.listdir(root) if name != "config.h"]
    for folder in FOLDERS:
        for where, folders, names in os.walk(os.path.join(root, folder)):
            folders[:] = [f for f in folders if f not in ("corpus", "__pycache__")]
            paths += [os.path.join(where, name) for name in names]
    for path in paths:
        if path.endswith(TEXT) and os.path.isfile(path):
            with open(path, encoding="utf-8", errors="surrogateescape") as f:
                files[os.path.relpath(path, root)] = f.read()
    return Tree(files, builddir)


def line_of(text, at):
    return text.count("\n", 0, at) + 1


def at(name, text, match, message):
    return f"{name}:{line_of(text, match.start())}: {message}"


def code(text):
    """The C text with comments and the insides of literals blanked; lines stay where they are."""
    pattern = r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''

    def blank(match):
        found = match.group()
        if found[0] in "\"'":
            return found[0] + " " * (len(found) - 2) + found[0]
        return re.sub(r"[^\n]", " ", found)

    return re.sub(pattern, blank, text, flags=re.S)


# ---- the table of checks, the manual, the sample -----------------------------------------


def table_rows(tree):
    """(name, stage, default, enhanced code, line) of each row of the table of checks."""
    text = tree.text(TABLE)
    pattern = (r'\{\s*"([a-z0-9.-]+)",\s*STAGE_(\w+),[^"]*?ACTION_(\w+),'
               r'\s*(true|false),\s*"([\d.]+)"')
    return [(m[1], m[2].lower(), m[3].lower() + (", own" if m[4] == "true" else ""), m[5],
             line_of(text, m.start())) for m in re.finditer(pattern, text)]


def manual_entries(tree):
    """(name, text, line) of each entry of the manual of checks."""
    text = tree.text(MANUALS["checks"])
    found = list(re.finditer(r"^\.Ss ([a-z0-9-]+\.[a-z0-9-]+)$", text, re.M))
    ends = [m.start() for m in found[1:]] + [len(text)]
    return [(m[1], re.split(r"^\.Sh ", text[m.end():end], flags=re.M)[0],
             line_of(text, m.start())) for m, end in zip(found, ends)]


def rule_checks_in_manual(tree):
    """The manual has an entry for each check, in the table's order, and for nothing else."""
    rows, entries = table_rows(tree), manual_entries(tree)
    manual = MANUALS["checks"]
    known, documented = [r[0] for r in rows], [e[0] for e in entries]
    complaints = [f"{TABLE}:{line}: {name} has no entry in {manual}"
                  for name, _, _, _, line in rows if name not in documented]
    complaints += [f"{manual}:{line}: {name} is no check" for name, _, line in entries
                   if name not in known]
    if not rows:
        complaints.append(f"{TABLE}:1: no rows found")
    if not complaints and known != documented:
        complaints.append(f"{manual}:1: the entries are not in the table's order")
    return complaints


def rule_manual_tells_the_table(tree):
    """An entry has all its items; its reply and its default are those of the row."""
    complaints = []
    rows = {row[0]: row for row in table_rows(tree)}
    for name, text, line in manual_entries(tree):
        if name not in rows:
            continue
        _, stage, default, enhanced, _ = rows[name]
        code_wanted = "553" if stage in ("mail", "rcpt") else "550"
        for item, wanted in (("Reply", f"{code_wanted} {enhanced}"), ("Default", default)):
            found = re.search(rf"^\.It {item}\n(.*)$", text, re.M)
            if found is None or found[1] != wanted:
                complaints.append(f"{MANUALS['checks']}:{line}: {name}: {item} is not {wanted}")
        items = re.findall(r"^\.It (\w+)$", text, re.M)
        if items != ENTRY_ITEMS:
            complaints.append(f"{MANUALS['checks']}:{line}: {name}: the items are {items}")
    return complaints


def rule_named_checks_exist(tree):
    """`check "x"` and `checks = { "x" }` of sample and manuals name checks that there are."""
    complaints = []
    rows = [row[0] for row in table_rows(tree)]
    for name in [SAMPLE] + list(MANUALS.values()):
        text = tree.text(name)
        for m in re.finditer(r'check\s+"([^"\n]+)"|checks\s*=\s*\{([^}\n]*)\}', text):
            for pattern in [m[1]] if m[1] else re.findall(r'"([^"]+)"', m[2]):
                if not fnmatch.filter(rows, pattern):
                    complaints.append(at(name, text, m, f"no check is called {pattern}"))
    return complaints


# ---- configuration and command lines -----------------------------------------------------


OPTIONS = "common/policy/config_table.c"


def config_options(tree):
    """(name, where) of each row of the tables of options, those of the stores included."""
    for name in [OPTIONS] + [n for n in tree.sources() if n.startswith("common/store/")]:
        text = tree.text(name)
        for block in re.finditer(r"^(?:static )?const struct (?:option|store_rule) \w+\[\] = \{"
                                 r"(.*?)\};$", text, re.M | re.S):
            for m in re.finditer(r'\{ "(\w+)",', block[1]):
                yield m[1], f"{name}:{line_of(text, block.start(1) + m.start())}"


def rule_options_documented(tree):
    """Each option of the configuration is in its manual and in the sample."""
    complaints = []
    manual, sample = tree.text(MANUALS["conf"]), tree.text(SAMPLE)
    options = list(config_options(tree))
    if not options:
        complaints.append(f"{OPTIONS}:1: no table of options found")
    for option, where in options:
        if not re.search(rf"^\.It (?:.* )?Ic {option}\b", manual, re.M):
            complaints.append(f"{where}: {option} is not in {MANUALS['conf']}")
        if not re.search(rf"\b{option}\b", sample):
            complaints.append(f"{where}: {option} is not in {SAMPLE}")
    return complaints


STORES = "common/store/stores.c"


def store_types(tree):
    """(type, its object, options of its file, where) of each store."""
    for name in tree.sources():
        if not name.startswith("common/store/store_"):
            continue
        text = tree.text(name)
        options = re.findall(r'^\t\{ "(\w+)", STORE_\w+', text, re.M)
        for m in re.finditer(r"^const struct store_class (\w+) = \{\s*(?:\.type = )?\"(\w+)\"",
                             text, re.M):
            yield m[2], m[1], options, f"{name}:{line_of(text, m.start())}"


def store_pages(tree):
    """What the manual of the configuration says of a type by itself: {type: text}."""
    text = tree.text(MANUALS["conf"])
    pages = {}
    for m in re.finditer(r"^\.Ss ([\w, ]+)\n(.*?)(?=^\.S[sh] |\Z)", text, re.M | re.S):
        for word in m[1].split(","):
            pages[word.strip()] = m[2]
    return pages


def shared_by_stores(tree):
    """What the manual says of several types: the heads of the sections on stores."""
    return "".join(re.findall(r"^\.Sh STORES.*?(?=^\.S[sh] |\Z)", tree.text(MANUALS["conf"]),
                              re.M | re.S))


def rule_stores_documented(tree):
    """Each type of store is in the list, the manual and the sample, with all of its options.

    An option may stand in the page of its type or among those that several types share.
    """
    complaints = []
    pages, sample, shared = store_pages(tree), tree.text(SAMPLE), shared_by_stores(tree)
    types = list(store_types(tree))
    listed = set(re.findall(r"[\w-]+", " ".join(re.findall(
        r"^\.Cm (.*)$", item_of(shared, r"Ic type = Ar type"), re.M))))
    for kind, variable, options, where in types:
        if not re.search(rf"&{variable}\b", tree.text(STORES)):
            complaints.append(f"{where}: {variable} is not in {STORES}")
        if not re.search(rf"(?:\b[Tt]ypes?\b|# or )[^\n]*\b{kind}\b", sample):
            complaints.append(f"{where}: the type {kind} is not in {SAMPLE}")
        if kind not in listed:
            complaints.append(f"{where}: {kind} is not in the list of types in {MANUALS['conf']}")
        if kind not in pages:
            complaints.append(f"{where}: the type {kind} has no .Ss in {MANUALS['conf']}")
            continue
        complaints += [f"{where}: the option {option} of {kind} is not in {MANUALS['conf']}"
                       for option in options
                       if not re.search(rf"\bIc {option}\b", pages[kind] + shared)]
    if not types and tree.text(STORES):
        complaints.append(f"{STORES}:1: no store found")
    return complaints


def command_options(tree):
    """(option as mdoc writes it, manual, where) of both programs."""
    name = "milter/main.c"
    text = tree.text(name)
    for m in re.finditer(r'getopt\([^"]*"([^"]+)"\)', text):
        for letter in m[1].replace(":", ""):
            yield letter, MANUALS["milter"], f"{name}:{line_of(text, m.start())}"
    name = "tools/options.c"
    text = tree.text(name)
    for m in re.finditer(r"^\t\{ (?:\"([a-z0-9-]+)\"|NULL), (?:'(.)'|0),", text, re.M):
        where = f"{name}:{line_of(text, m.start())}"
        if m[1]:
            yield "-" + m[1], MANUALS["presend"], where
        if m[2]:
            yield m[2], MANUALS["presend"], where


def rule_command_lines_documented(tree):
    """Each option of a program has an item in its manual."""
    complaints = []
    options = list(command_options(tree))
    if not options:
        complaints.append("tools/options.c:1: no options found")
    for option, manual, where in options:
        mdoc = re.sub(r"^-", "(?:-|Fl )", option)
        if not re.search(rf"^\.It (?:.* )?Fl {mdoc}(?: |$)", tree.text(manual), re.M):
            complaints.append(f"{where}: -{option} is not in {manual}")
    return complaints


SUBCOMMANDS = "tools/presend.c"


def rule_subcommands_documented(tree):
    """Each subcommand is in the synopsis of its manual and has an item there."""
    complaints = []
    text, manual = tree.text(SUBCOMMANDS), tree.text(MANUALS["presend"])
    synopsis, _, rest = manual.partition(".Sh DESCRIPTION\n")
    found = list(re.finditer(r'^\t\{ "([a-z]+)", COMMAND_\w+,', text, re.M))
    for m in found:
        for pattern, where, what in ((rf"^\.Cm {m[1]}$", synopsis, "the synopsis of "),
                                     (rf"^\.It Cm {m[1]}\b", rest, "")):
            if not re.search(pattern, where, re.M):
                complaints.append(at(SUBCOMMANDS, text, m, f"{m[1]} is not in {what}"
                                     + MANUALS["presend"]))
    if text and not found:
        complaints.append(f"{SUBCOMMANDS}:1: no subcommands found")
    return complaints


def rule_checks_named_in_code(tree):
    """What names a check as a string names one that there is."""
    rows = [row[0] for row in table_rows(tree)]
    families = sorted({row.split(".")[0] for row in rows})
    complaints = []
    for name in tree.names(".c", within=["common", "milter", "tools"]):
        if name == TABLE:
            continue
        text = tree.text(name)
        complaints += [at(name, text, m, f"no check is called {m[1]}") for m in
                       re.finditer(rf'"((?:{"|".join(families)})\.[a-z0-9*-]+)"', text)
                       if families and not fnmatch.filter(rows, m[1])]
    return complaints


def rule_checks_have_cases(tree):
    """Each check has a case that wants a finding of it."""
    cases = "".join(tree.text(name) for name in tree.names(".case"))
    return [f"{TABLE}:{line}: no case has the line: finding {name}"
            for name, _, _, _, line in table_rows(tree)
            if cases and not re.search(rf"^finding {re.escape(name)}\b", cases, re.M)]


KEPT = "common/message/message.c"


def rule_fields_read_are_kept(tree):
    """A field that a check reads by its name is one that the message keeps beyond its ceilings."""
    complaints = []
    kept = re.findall(r'^\tNAME\("([\w-]+)"\),', tree.text(KEPT), re.M)
    for name in tree.sources(["common"]):
        if name.split("/")[1] not in ("check", "directory"):
            continue
        text = tree.text(name)
        complaints += [at(name, text, m, f"{m[1]} is not in named of {KEPT}") for m in re.finditer(
            r'\bmessage_(?:field|count)\([^,;]*, SLICE\("([\w-]+)"\)', text) if m[1] not in kept]
    return complaints


def rule_tables_are_whole(tree):
    """A blank line ends a table of Markdown: the rows behind it would be text."""
    complaints = []
    for name in tree.names(".md"):
        lines = tree.text(name).split("\n")
        complaints += [f"{name}:{i + 2}: a blank line inside a table"
                       for i in range(len(lines) - 2)
                       if lines[i].startswith("|") and not lines[i + 1].strip()
                       and lines[i + 2].startswith("|")
                       and not re.match(r"\|[ :|-]+$", "".join(lines[i + 3:i + 4]))]
    return complaints


# ---- layers ------------------------------------------------------------------------------


def layer_of(path):
    """(rank, name): what a file may include is of its own layer or of a lower rank."""
    parts = path.split("/")
    if parts[0] == "common" and len(parts) > 2 and parts[1] in LAYERS:
        return LAYERS.index(parts[1]), parts[1]
    if parts[0] in FRONTS:
        return len(LAYERS), parts[0]
    return None


def rule_layers(tree):
    """Includes are by folder, of files that are there, and point down."""
    complaints = []
    for name in tree.sources():
        text = tree.text(name)
        for m in re.finditer(r'^#\s*include\s*(["<])([^">]+)[">]', text, re.M):
            complaint = judge_include(tree, name, m[1] == "<", m[2])
            if complaint:
                complaints.append(at(name, text, m, complaint))
    return complaints


def judge_include(tree, name, system, target):
    folder = target.split("/")[0]
    if system:
        if target == "check.h" and not name.startswith("t/unit/"):
            return "<check.h> is libcheck's, for unit tests alone"
        return f"<{target}> is ours: include it with quotes" if folder in LAYERS else None
    if target == "config.h":
        return None
    if "/" not in target:
        beside = os.path.join(os.path.dirname(name), target)
        if name.startswith("t/") and (beside in tree.files or "t/unit/" + target in tree.files):
            return None
        return f'"{target}" names no folder'
    path = "common/" + target if folder in LAYERS else target
    if path not in tree.files:
        return f'"{target}" is not there'
    mine, other = layer_of(name), layer_of(path)
    if mine is None or other is None:
        return f'"{target}" belongs to no layer'
    if other[0] > mine[0] or (other[0] == mine[0] and other[1] != mine[1] and mine[1] != "t"):
        return f"{mine[1]} must not include {other[1]}"
    if other[1] in APART.get(mine[1], []) and other[1] not in APART_BUT_FOR.get(name, []):
        return f"{mine[1]} does not rest on {other[1]}"
    return None


ARCHITECTURE = "docs/architecture.md"
GUIDE = "CONTRIBUTING.md"


def rule_picture_is_the_tree(tree):
    """The layers of two documents are the folders of common/, in order; the tests those of t/."""
    folders = {name.split("/")[1] for name in tree.sources(["common"])}
    complaints = [f"common/{folder}:1: is no layer" for folder in sorted(folders - set(LAYERS))]
    if ARCHITECTURE not in tree.files:
        return complaints
    picture = re.findall(r"^common/(\w+)/ ", tree.text(ARCHITECTURE), re.M)
    if picture[::-1] != LAYERS:
        complaints.append(f"{ARCHITECTURE}:1: the layers are {' > '.join(picture)}")
    order = re.search(r"\bbase <[\w\s<]+", tree.text(GUIDE))
    if order is None or re.split(r"[\s<]+", order[0])[:len(LAYERS)] != LAYERS:
        complaints.append(f"{GUIDE}:1: the order of the layers is not that of {ARCHITECTURE}")
    tests = {name.split("/")[1] for name in tree.files if re.match(r"t/\w+/", name)}
    complaints += [f"{ARCHITECTURE}:1: the table of tests has no t/{folder}"
                   for folder in sorted(tests) if f"`t/{folder}`" not in tree.text(ARCHITECTURE)]
    return complaints


def rule_named_files_exist(tree):
    """A source that a document names is there."""
    complaints = []
    known = {part for name in tree.files for part in suffixes_of(name)}
    for name in tree.names(".md"):
        text = tree.text(name)
        complaints += [at(name, text, m, f"{m[1]} is not there")
                       for m in re.finditer(r"`((?:[\w.-]+/)*\w+\.(?:[ch]|py|sh|am))`", text)
                       if m[1] not in known and "NAME" not in m[1]]
    return complaints


def suffixes_of(path):
    parts = path.split("/")
    return ["/".join(parts[i:]) for i in range(len(parts))]


# A foreign library is met in the files that guard against it, and in the tests that make
# what they are to meet.
FOREIGN_HEADERS = {
    "opendkim/dkim.h": ["common/auth/dkim.c", "common/signer/key_fit.c", "t/unit/test_dkim.c",
                        "t/bench/bare_opendkim.c"],
    "opendmarc/dmarc.h": ["common/auth/opendmarc.c"],
    "libpsl.h": ["common/auth/psl.c"],
    "unbound.h": ["common/dns/unbound.c"],
    "confuse.h": ["common/policy/config_parse.c"],
    "idn2.h": ["common/syntax/domain.c"],
}


def rule_foreign_headers(tree):
    """The header of a library with traps is included by the files that know them, and no others."""
    complaints = []
    for name in tree.sources():
        text = tree.text(name)
        for m in re.finditer(r'^#\s*include\s*[<"]([^">]+)[">]', text, re.M):
            if name not in FOREIGN_HEADERS.get(m[1], [name]):
                complaints.append(at(name, text, m, f"<{m[1]}> belongs to "
                                     + " and ".join(FOREIGN_HEADERS[m[1]])))
    return complaints


def rule_sources_are_built(tree):
    """A source that no makefile names is neither compiled nor distributed."""
    makefiles = set(re.findall(r"[\w./-]+", tree.text("Makefile.am") + tree.text("t/tests.am")))
    units = re.sub(r"\bt/unit/(\w+)", r"t/unit/\1.c", " ".join(makefiles)).split()
    return [f"{name}:1: is in no makefile" for name in tree.sources(["common", "milter", "tools"])
            + [n for n in tree.sources() if n.startswith("t/unit/")]
            if name not in makefiles and name not in units]


def rule_tests_are_run(tree):
    """A Python file of t/ is a test that `make check` runs, or something that a test uses."""
    complaints = []
    run = set(re.findall(r"[\w./-]+", tree.text("t/tests.am")))
    for name in tree.names(".py", within=["t"]):
        file = os.path.basename(name)
        use = rf"^\s*(?:import|from) {file[:-3]}\b|\b{re.escape(file)}\b"
        used = any(re.search(use, tree.text(other), re.M) for other in tree.names(
            ".py", ".c", ".suite", within=["t"]) if other != name)
        if name not in run and not used and name.split("/")[1] not in ("bench", "demo"):
            complaints.append(f"{name}:1: is a test that t/tests.am does not name")
    return complaints


# ---- the text of sources -----------------------------------------------------------------

BANNED = {
    "sprintf": "snprintf", "vsprintf": "vsnprintf", "strcpy": "memcpy with a length",
    "stpcpy": "memcpy with a length", "strncpy": "memcpy with a length", "strcat": "struct buf",
    "strncat": "struct buf", "gets": "fgets", "strtok": "strsep", "strtok_r": "strsep",
    "atoi": "strtol, checked", "atol": "strtol, checked", "atoll": "strtoll, checked",
    "atof": "strtod, checked", "alloca": "the arena", "system": "posix_spawn",
    "popen": "posix_spawn", "tmpnam": "mkstemp", "mktemp": "mkstemp", "gmtime": "gmtime_r",
    "localtime": "localtime_r", "ctime": "strftime", "asctime": "strftime",
}


def rule_banned_calls(tree):
    """Calls that overrun, that start a shell, or that threads share."""
    complaints = []
    pattern = r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\("
    for name in tree.sources():
        text = code(tree.text(name))
        complaints += [at(name, text, m, f"{m[1]} is not used here: {BANNED[m[1]]}")
                       for m in re.finditer(pattern, text)]
    return complaints


def rule_no_leftovers(tree):
    """Work that is not done is an issue, not a comment."""
    complaints = []
    pattern = r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b"
    for name in tree.names(*TEXT):
        text = tree.text(name)
        complaints += [at(name, text, m, f"{m[1]} left in the text")
                       for m in re.finditer(pattern, text)]
    return complaints


def rule_no_thread_locals(tree):
    """libmilter moves a session between threads: what a thread keeps is not the session's."""
    complaints = []
    for name in tree.sources():
        text = code(tree.text(name))
        complaints += [at(name, text, m, f"{m[1]}: no thread-locals")
                       for m in re.finditer(r"\b(__thread|_Thread_local|thread_local)\b", text)]
    return complaints


def rule_one_reader_of_modes(tree):
    """Audit and enforce differ in one function: policy_mode of judge.c."""
    allowed = ("common/policy/judge.c", "common/policy/setting.c", "common/policy/setting.h")
    complaints = []
    for name in tree.sources(["common", "milter", "tools"]):
        if name in allowed:
            continue
        text = code(tree.text(name))
        complaints += [at(name, text, m, "setting_mode is called by policy_mode alone")
                       for m in re.finditer(r"\bsetting_mode\s*\(", text)]
    return complaints


CLASS_OF_OCTETS = (r"^static (?:inline )?\w+ (is_(?:blank|wsp|fws|space|digit|alpha|letter|alnum|hex"
                   r"|ctl|8bit))\((?:unsigned )?(?:char|int) \w+\)$")


def rule_one_set_of_classes(tree):
    """Classes of octets are those of base/ascii.h: a set of a file's own has a name of its own."""
    complaints = []
    for name in tree.sources():
        text = tree.text(name)
        for m in re.finditer(CLASS_OF_OCTETS, text, re.M):
            if name != "common/base/ascii.h":
                complaints.append(at(name, text, m, f"{m[1]} is for base/ascii.h to define"))
    return complaints


def rule_one_meaning_a_name(tree):
    """A tag or enumerator of a header, be it declared there alone, is defined in one file only."""
    defined, public = {}, set()
    for name in tree.sources(["common", "milter", "tools"]):
        text = code(tree.text(name))
        found = [("tag", m[1], m.start())
                 for m in re.finditer(r"\b(?:struct|union|enum)\s+(\w+)\s*\{", text)]
        for body in re.finditer(r"\benum(?:\s+\w+)?\s*\{([^}]*)\}", text):
            values = re.sub(r"\([^()]*\)", lambda m: " " * len(m[0]), body[1])
            found += [("enumerator", m[1], body.start(1) + m.start(1))
                      for m in re.finditer(r"(?:^|,)\s*(\w+)", values)]
        for kind, word, where in found:
            defined.setdefault((kind, word), {})[name] = line_of(text, where)
        if name.endswith(".h"):
            public |= {(kind, word) for kind, word, _ in found}
            public |= {("tag", m[1]) for m in
                       re.finditer(r"^(?:struct|union|enum)\s+(\w+)\s*;", text, re.M)}
    return [f"{name}:{line}: {kind} {word} is another thing in {places}"
            for (kind, word), files in sorted(defined.items()) if (kind, word) in public
            for name, line in files.items()
            if (places := ", ".join(other for other in files if other != name))]


def rule_foreign_names(tree):
    """No name that is not static begins like those of a library that we link."""
    complaints = []
    pattern = rf"^(?!static\b)[a-z][^\n;=(]*?\b({FOREIGN_PREFIXES}\w*)\s*[(=;\[]"
    for name in tree.sources(["common", "milter", "tools"]):
        text = code(tree.text(name))
        complaints += [at(name, text, m, f"{m[1]} begins like a library's name")
                       for m in re.finditer(pattern, text, re.M)]
    return complaints


def rule_line_length(tree):
    """Lines fit into the columns that .clang-format gives; a tab counts up to eight.

    The rows of a unit test may go over them by a text that is better not cut.
    """
    complaints = []
    for name in tree.sources():
        for number, line in enumerate(tree.text(name).split("\n"), 1):
            if name.startswith("t/unit/"):
                line = re.sub(r'"(\\.|[^"\\])*"', '""', line)
            width = len(line.expandtabs(8))
            if width > COLUMNS:
                complaints.append(f"{name}:{number}: {width} columns")
    return complaints


def rule_function_length(tree):
    """A function fits on a screen."""
    complaints = []
    for name in tree.names(".c"):
        text = code(tree.text(name))
        for m in re.finditer(r"^\{\n.*?^\}$", text, re.M | re.S):
            lines = m.group().count("\n") + 1
            if lines > FUNCTION_LINES:
                complaints.append(at(name, text, m, f"a function of {lines} lines"))
    return complaints


def rule_head_comment(tree):
    """A file begins with its name and what it is for."""
    complaints = []
    for name in tree.sources():
        head = tree.text(name)[:400]
        if not re.match(rf"/\*\s+(?:\* )?{re.escape(os.path.basename(name))} - \S", head):
            complaints.append(f'{name}:1: does not begin with "{os.path.basename(name)} - ..."')
    return complaints


def rule_header_guard(tree):
    """A header is guarded by its own path."""
    complaints = []
    for name in tree.names(".h"):
        path = re.sub(r"^common/|(?<=^t/)\w+/", "", name)
        guard = "PRESEND_" + re.sub(r"\W", "_", path).upper()
        if not re.search(rf"^#ifndef {guard}\n#define {guard}$", tree.text(name), re.M):
            complaints.append(f"{name}:1: no guard {guard}")
    return complaints


# ---- what runs other programs ------------------------------------------------------------


def rule_manuals_are_sound(tree):
    """mandoc has nothing to say about the manual pages."""
    pages = tree.names(".1", ".5", ".7", ".8", within=["docs"])
    if not shutil.which("mandoc"):
        return tree.missing("docs: manuals not checked, mandoc is not installed")
    complaints = []
    for name in pages:
        with tempfile.NamedTemporaryFile("w", suffix="." + name[-1], encoding="utf-8") as page:
            page.write(tree.text(name))
            page.flush()
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page.name],
                                  capture_output=True, text=True, check=False)
            for line in done.stdout.splitlines():
                found = re.search(r":(\d+):\d+: (.*)", line)
                complaints.append(f"{name}:{found[1]}: {found[2]}" if found else f"{name}: {line}")
    return complaints


def exported(arguments):
    """Names that a library gives to others, without the versions behind them."""
    done = subprocess.run(["nm", "--defined-only", "--extern-only", "--format=posix"] + arguments,
                          capture_output=True, text=True, check=False)
    found = re.findall(r"^(\w+)\S* [TWDBRVi] ", done.stdout, re.M)
    return {name for name in found if not name.startswith("_")}


def built(tree, *patterns):
    """Files of the build folder."""
    if tree.builddir is None:
        return []
    found = [path for pattern in patterns
             for path in sorted(glob.glob(os.path.join(glob.escape(tree.builddir), pattern)))]
    return [path for path in found if os.path.isfile(path)]


def rule_no_name_replaces_a_library(tree):
    """A name of ours that a linked library exports too would replace it there without a word."""
    archives = built(tree, "libpresend-*.a")
    programs = built(tree, "presend", "presend-milter", "t/cases/run-cases")
    if not archives or not programs or not shutil.which("nm"):
        return tree.missing("names not compared with libraries: nothing is built")
    libraries = set()
    for program in programs:
        done = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        libraries.update(re.findall(r"=> (/\S+)", done.stdout))
    ours = set()
    for archive in archives:
        ours |= exported([archive])
    complaints = [f"{TABLE}:1: {name} begins like a library's name" for name in sorted(ours)
                  if re.match(FOREIGN_PREFIXES, name)]
    for library in sorted(libraries):
        if re.search(r"lib(?:asan|ubsan|tsan|lsan)\b", library):
            continue
        for name in sorted((ours & exported(["--dynamic", library])) - REPLACED_ON_PURPOSE):
            complaints.append(f"{where_defined(tree, name)}: {name} is a name of {library}")
    return complaints


def where_defined(tree, symbol):
    for name in tree.names(".c", within=["common", "milter", "tools"]):
        text = tree.text(name)
        found = re.search(rf"^\w[^\n;]*\b{symbol}\s*[(\[=]", text, re.M)
        if found:
            return f"{name}:{line_of(text, found.start())}"
    return symbol


def item_of(entry, item):
    found = re.search(rf"^\.It {item}\n(.*?)(?=^\.It |^\.El)", entry, re.M | re.S)
    return found[1] if found else ""


def from_bodies(entry, item):
    """The From fields that an entry of the manual gives as Example or Correct."""
    lines = re.findall(r"^\.Li From:(.*)$", item_of(entry, item), re.M)
    return [line.replace(r"\(dq", '"').replace(r"\e", "\\").replace(r"\&", "") for line in lines]


def rule_manual_examples_hold(tree):
    """The examples of the manual fail the check they stand for; their corrections fail none."""
    program = os.path.abspath(os.path.join(tree.builddir or "", "presend"))
    if not os.access(program, os.X_OK):
        return tree.missing("examples of the manual not tried: presend is not built")
    complaints = []
    for name, entry, line in manual_entries(tree):
        for item, wanted in (("Example", [name]), ("Correct", [])):
            for body in from_bodies(entry, item):
                found = findings_of(program, body)
                if found is None or not set(wanted) <= found or (not wanted and found):
                    complaints.append(f"{MANUALS['checks']}:{line}: {item} of {name} "
                                      f"gives {sorted(found or ['nothing at all'])}")
    return complaints


def names_found(done):
    try:
        return {f["check"] for f in json.loads(done.stdout)["findings"]}
    except (ValueError, KeyError):
        return None


def findings_of(program, body):
    """What is wrong with the field by itself: whether its domain exists is the DNS's to say."""
    return names_found(subprocess.run(
        [program, "from", "--json", "--only", "from.*", "--skip", "from.resolves", "--", body],
        capture_output=True, text=True, check=False))


# A correction of these is a signature that verifies, which no manual can hold.
CORRECTED_BY_SIGNING = {"dkim.signed"}
# What an ellipsis stands for: something of the right form.
RSA_KEY = base64.b64encode(
    bytes.fromhex("30820122300d06092a864886f70d01010105000382010f003082010a0282010100")
    + b"\xff" * 256 + bytes.fromhex("0203010001")).decode()
SIGNATURE = base64.b64encode(b"x" * 256).decode()
BODY_HASH = base64.b64encode(b"x" * 32).decode()


def spell_out(line):
    key = " ".join(f'"{RSA_KEY[i:i + 250]}"' for i in range(0, len(RSA_KEY), 250))
    line = line.replace('p=..."', 'p=" ' + key)
    return line.replace("bh=...", "bh=" + BODY_HASH).replace("b=...", "b=" + SIGNATURE)


def scene(entry, item):
    """The literal block of an item: {what it sets: lines}, a later one of a kind beside it."""
    block = re.search(r"^\.Bd -literal[^\n]*\n(.*?)^\.Ed", item_of(entry, item), re.M | re.S)
    found, key = {}, None
    for line in map(spell_out, block[1].splitlines() if block else ()):
        record = re.match(r"(\S+\.) +([A-Z]+) ", line)
        field = re.match(r"([\w-]+): ", line)
        setting = re.match(r'(\w+) (?:= |")', line)
        of_store = re.match(r"(store|login): (.*)", line)
        if line.startswith("MAIL FROM:"):
            key, line = ("mail",), line.removeprefix("MAIL FROM:")
        elif of_store:
            key, line = (of_store[1],), of_store[2]
        elif record:
            key = ("record", record[1], record[2])
        elif field:
            key = ("field", field[1])
        elif setting:
            key = ("setting", setting[1])
        elif not (key and (line.startswith(" ") or line == "}")):
            raise ValueError(line)
        found.setdefault(key, []).append(line)
    return found


def findings_of_scene(program, scene_lines):
    """What presend check finds in the message, the records and the settings of a scene."""
    def text(kind):
        return "".join(line + "\n" for key, lines in scene_lines.items() if key[0] == kind
                       for line in lines)

    with tempfile.TemporaryDirectory() as folder:
        paths = {kind: os.path.join(folder, kind)
                 for kind in ("field", "record", "setting", "store")}
        for kind, path in paths.items():
            with open(path, "w", encoding="utf-8") as f:
                f.write(text(kind) + ("\n" if kind == "field" else ""))
        command = [program, "check", "--json", "--offline", "-c", paths["setting"],
                   "--records", paths["record"], paths["field"]]
        for option, value in (("--mail-from", scene_lines.get(("mail",))),
                              ("--auth", scene_lines.get(("login",))),
                              ("--mailboxes", ["file:" + paths["store"]] if text("store") else None)):
            command += [option, *value] if value else []
        return names_found(subprocess.run(command, capture_output=True, text=True, check=False))


def rule_manual_scenes_hold(tree):
    """The same for examples of more than a field; a correction replaces what it names."""
    program = os.path.abspath(os.path.join(tree.builddir or "", "presend"))
    if not os.access(program, os.X_OK):
        return tree.missing("scenes of the manual not tried: presend is not built")
    complaints = []
    for name, entry, line in manual_entries(tree):
        where = f"{MANUALS['checks']}:{line}:"
        try:
            example, correct = scene(entry, "Example"), scene(entry, "Correct")
        except ValueError as unread:
            complaints.append(f"{where} {name}: what is {unread}?")
            continue
        if example and name not in (findings_of_scene(program, example) or ()):
            complaints.append(f"{where} Example of {name} does not give it")
        if not correct or name in CORRECTED_BY_SIGNING:
            continue
        found = findings_of_scene(program, {**example, **correct})
        if found is None or name in found:
            complaints.append(f"{where} Correct of {name} gives it")
    return complaints


# ---- each rule, with what breaks it and what does not ------------------------------------

ROW = '{ "a.b", STAGE_EOH, NEED, ACTION_LOG, false, "5.1.7", run, "it" },\n'
OWN_ROW = ROW.replace("false", "true")
ENTRY = (".Ss a.b\n" + "".join(f".It {item}\nit\n" for item in ENTRY_ITEMS)).replace(
    "Reply\nit", "Reply\n550 5.1.7").replace("Default\nit", "Default\nlog")
OPTION = "const struct option root[] = {\n\t{ \"mode\", SCALAR, v, 1, 0 },\n};\n"
RULE = "static const struct store_rule x[] = {\n\t{ \"mode\", STORE_TEXT, true },\n};\n"
CLASS = ('static const struct store_rule x[] = {\n\t{ "mode", STORE_TEXT, true },\n};\n'
         'const struct store_class store_x = { "x", x, open };\n')
SUBCOMMAND = '\t{ "it", COMMAND_IT, "",\n\t    "Do it.", tool_it },\n'
STORE = "common/store/store_x.c"
TYPES = ".Sh STORES\n.It Ic type = Ar type\n.Cm w , x .\nIt must be given.\n"
A_STORE = {STORE: CLASS, STORES: "&store_x,", SAMPLE: "type = x",
           MANUALS["conf"]: TYPES + ".El\n.Ss x\n.It Ic mode\n"}
HEAD = "/* x.c - it */\n"
PICTURE = "".join(f"common/{layer}/ it\n" for layer in reversed(LAYERS))
ORDER = "a layer: " + " < ".join(LAYERS) + "\n```\n"


def one(text, name="common/base/x.c"):
    return {name: text}


RULES = [
    (rule_checks_in_manual, {TABLE: ROW, MANUALS["checks"]: ".Ss a.b\n.Ss a.c\n"},
     {TABLE: ROW, MANUALS["checks"]: ENTRY}),
    (rule_checks_in_manual, {TABLE: ROW, MANUALS["checks"]: ""}, None),
    (rule_manual_tells_the_table, {TABLE: ROW, MANUALS["checks"]: ENTRY.replace("550", "553")},
     {TABLE: ROW, MANUALS["checks"]: ENTRY}),
    (rule_manual_tells_the_table, {TABLE: OWN_ROW, MANUALS["checks"]: ENTRY},
     {TABLE: OWN_ROW, MANUALS["checks"]: ENTRY.replace("log", "log, own")}),
    (rule_manual_tells_the_table,
     {TABLE: ROW, MANUALS["checks"]: ENTRY.replace(".It Mend\n", "")}, None),
    (rule_named_checks_exist, {TABLE: ROW, SAMPLE: 'check "a.c" { }'},
     {TABLE: ROW, SAMPLE: 'checks = { "a.b", "a.*" }'}),
    (rule_options_documented, {OPTIONS: OPTION, MANUALS["conf"]: ".It Ic mode\n", SAMPLE: ""},
     {OPTIONS: OPTION, MANUALS["conf"]: ".It Ic mode\n", SAMPLE: "# mode = audit"}),
    (rule_options_documented, {OPTIONS: OPTION, MANUALS["conf"]: ".It Ic model\n",
                               SAMPLE: "mode = audit"}, None),
    (rule_options_documented, {STORE: RULE, MANUALS["conf"]: ".It Ic model\n",
                               SAMPLE: "mode = audit"},
     {STORE: RULE, MANUALS["conf"]: ".It Ic mode\n", SAMPLE: "mode = audit"}),
    (rule_command_lines_documented,
     {"milter/main.c": 'getopt(argc, argv, "c:f")', MANUALS["milter"]: ".It Fl c Ar FILE\n"},
     {"milter/main.c": 'getopt(argc, argv, "c:f")',
      MANUALS["milter"]: ".It Fl c Ar FILE\n.It Fl f\n"}),
    (rule_command_lines_documented,
     {"tools/options.c": '\t{ "mail-from", 0, x },\n', MANUALS["presend"]: ".It Fl -mail\n"},
     {"tools/options.c": '\t{ "mail-from", 0, x },\n',
      MANUALS["presend"]: ".It Fl -mail-from Ar A\n"}),
    # no page; an option of the sections is none of a store's; that of another type neither
    (rule_stores_documented, {**A_STORE, MANUALS["conf"]: TYPES + ".It Ic mode\n.El\n"},
     {**A_STORE, MANUALS["conf"]: TYPES + ".It Ic mode\n.El\n.Ss w, x\nit\n"}),
    (rule_stores_documented,
     {**A_STORE, MANUALS["conf"]: ".Sh SECTIONS\n.It Ic mode\n" + TYPES + ".El\n.Ss x\nit\n"},
     None),
    (rule_stores_documented,
     {**A_STORE, MANUALS["conf"]: TYPES + ".El\n.Ss w\n.It Ic mode\n.Ss x\nit\n"},
     {**A_STORE, MANUALS["conf"]: TYPES + ".El\n.Ss w\nit\n.Ss x\n.It Ic mode\n",
      SAMPLE: "# Types: w, x"}),
    # not in the list of types, of classes, of the sample
    (rule_stores_documented, {**A_STORE, MANUALS["conf"]: A_STORE[MANUALS["conf"]].replace(
        "w , x", "w , xx")}, A_STORE),
    (rule_stores_documented, {**A_STORE, STORES: "&store_y,"}, None),
    (rule_stores_documented, {**A_STORE, SAMPLE: "type = w"}, None),
    (rule_tests_are_run, {"t/dns/x.py": "import os\n", "t/tests.am": "t/dns/xx.py"},
     {"t/dns/x.py": "import y as z\n", "t/dns/y.py": "", "t/tests.am": "t/dns/x.py",
      "t/bench/z.py": ""}),
    (rule_subcommands_documented,
     {SUBCOMMANDS: SUBCOMMAND, MANUALS["presend"]: ".Cm it\n.Sh DESCRIPTION\n"},
     {SUBCOMMANDS: SUBCOMMAND, MANUALS["presend"]: ".Cm it\n.Sh DESCRIPTION\n.It Cm it Oo\n"}),
    (rule_subcommands_documented,
     {SUBCOMMANDS: SUBCOMMAND, MANUALS["presend"]: ".Sh DESCRIPTION\n.It Cm it\n.Cm it\n"}, None),
    (rule_checks_have_cases, {TABLE: ROW, "t/cases/a.case": "no-finding a.b\n# finding a.b\n"},
     {TABLE: ROW, "t/cases/a.case": "finding a.b fail\n"}),
    (rule_fields_read_are_kept,
     {KEPT: '\tNAME("To"),\n', "common/check/x.c": 'message_count(m, SLICE("Cc"))'},
     {KEPT: '\tNAME("To"),\n', "common/check/x.c": 'message_field(run->m, SLICE("To"), 0)'}),
    (rule_checks_named_in_code, {TABLE: ROW, "tools/x.c": '\tSLICE("a.c");\n'},
     {TABLE: ROW, "tools/x.c": '\tf("a.b", "a.*", "x.y");\n'}),
    (rule_tables_are_whole, {"docs/x.md": "| a |\n|---|\n| b |\n\n| c |\n"},
     {"docs/x.md": "| a |\n|---|\n| b |\n\n| c |\n|---|\n| d |\n\ntext\n"}),
    (rule_layers, {"common/base/x.c": '#include "syntax/y.h"\n', "common/syntax/y.h": ""},
     {"common/syntax/x.c": '#include "base/y.h"\n', "common/base/y.h": ""}),
    (rule_layers, {"common/store/x.c": '#include "dns/y.h"\n', "common/dns/y.h": ""},
     {"common/key/x.c": '#include "dns/y.h"\n', "common/dns/y.h": ""}),
    (rule_layers, {"common/check/x.c": '#include "store/y.h"\n', "common/store/y.h": ""},
     {"common/policy/config.h": '#include "store/y.h"\n', "common/store/y.h": ""}),
    (rule_layers, {"milter/x.c": '#include "store/y.h"\n', "common/store/y.h": ""},
     {"tools/x.c": '#include "store/y.h"\n', "common/store/y.h": ""}),
    (rule_layers, {"common/auth/x.c": '#include "directory/y.h"\n', "common/directory/y.h": ""},
     {"common/auth/x.c": '#include "signer/y.h"\n', "common/signer/y.h": ""}),
    (rule_layers, {"milter/x.c": '#include "tools/y.h"\n', "tools/y.h": ""},
     {"milter/x.c": '#include "milter/y.h"\n#include <stdio.h>\n', "milter/y.h": ""}),
    (rule_layers, {"common/audit/x.c": '#include "milter/y.h"\n', "milter/y.h": ""}, None),
    (rule_layers, {"common/base/x.c": '#include "y.h"\n', "common/base/y.h": ""}, None),
    (rule_layers, {"common/base/x.c": '#include "base/none.h"\n'}, None),
    (rule_layers, {"common/policy/x.c": "#include <check.h>\n"},
     {"t/unit/x.c": '#include <check.h>\n#include "unit.h"\n', "t/unit/unit.h": ""}),
    (rule_layers, {"common/policy/x.c": "#include <check/check.h>\n"}, None),
    (rule_picture_is_the_tree, {"common/nowhere/x.c": ""}, {"common/base/x.c": ""}),
    (rule_picture_is_the_tree, {ARCHITECTURE: PICTURE.replace("common/key/ it\n", ""),
                                GUIDE: ORDER}, {ARCHITECTURE: PICTURE, GUIDE: ORDER}),
    (rule_picture_is_the_tree, {ARCHITECTURE: PICTURE, GUIDE: ORDER.replace("dns <", "")}, None),
    (rule_picture_is_the_tree, {ARCHITECTURE: PICTURE, GUIDE: ORDER, "t/x/y.py": ""},
     {ARCHITECTURE: PICTURE + "| `t/x` |\n", GUIDE: ORDER, "t/x/y.py": ""}),
    (rule_named_files_exist, {"docs/x.md": "in `base/y.h` and `x.c`", "common/base/x.c": ""},
     {"docs/x.md": "in `base/x.c`, `x.c` and `nothing`", "common/base/x.c": ""}),
    (rule_foreign_headers, {"common/auth/x.c": "#include <opendkim/dkim.h>\n"},
     {"common/signer/key_fit.c": "#include <opendkim/dkim.h>\n#include <stdio.h>\n"}),
    (rule_sources_are_built, {"common/base/x.c": "", "Makefile.am": "common/base/xx.c"},
     {"common/base/x.c": "", "Makefile.am": "\tcommon/base/x.c y"}),
    (rule_sources_are_built, {"t/unit/test_x.c": "", "t/tests.am": "t/unit/test_xx"},
     {"t/unit/test_x.c": "", "t/tests.am": "t/unit/test_x \\"}),
    (rule_banned_calls, one("\tstrcpy(a, b);\n"),
     one('\t/* strcpy(a, b) */ puts("system("); x.system(); snprintf(a);\n')),
    (rule_no_leftovers, one("/* TO" + "DO: more */\n"), one("/* all is done */\n")),
    (rule_no_thread_locals, one("static __thread int x;\n"), one("/* no __thread here */\n")),
    (rule_one_reader_of_modes, one("\tif (setting_mode(c, m, k))\n", "milter/x.c"),
     one("\treturn setting_mode(c, m, k);\n", "common/policy/judge.c")),
    (rule_one_set_of_classes, one("static bool is_wsp(char c)\n"),
     one("static bool is_between(char c)\n\treturn is_wsp(c);\n")),
    (rule_one_set_of_classes, one("static bool is_blank(unsigned char c)\n"),
     one("static inline bool is_wsp(char c)\nstatic bool is_blank(const char *s)\n",
         "common/base/ascii.h")),
    (rule_one_meaning_a_name,
     {"common/base/x.h": "struct x {\n\tint a;\n};\n", "tools/y.c": "enum x { A };\n"},
     {"common/base/x.c": "struct x {\n\tstruct y y;\n};\n", "tools/y.c": "enum x { A };\n",
      "common/base/y.h": "struct y {\n\tint a;\n};\n", "t/unit/y.c": "struct y { int a; };\n"}),
    (rule_one_meaning_a_name, {"common/base/x.h": "struct x;\n", "common/base/x.c": "struct x {\n",
                               "common/dns/y.c": "struct x {\n"},
     {"common/base/x.h": "struct x;\nstruct x *x_new(void);\n", "common/base/x.c": "struct x {\n"}),
    (rule_one_meaning_a_name, {"common/base/x.h": "enum { A = MAX(1, B), C };\n",
                               "common/dns/y.c": "enum y {\n\tD, /* C */\n\tC = 2\n};\n"},
     {"common/base/x.h": "enum { A = MAX(1, B), C };\n",
      "common/dns/y.c": "enum y {\n\tD, /* C */\n\tB\n};\nenum z { E };\n",
      "common/dns/z.c": "enum y { D };\n"}),
    (rule_foreign_names, one("int dkim_new(void)\n{\n}\n"),
     one("static int dkim_new(void)\n{\n\tsmfi_main();\n}\n")),
    (rule_foreign_names, one("const int mi_table[] = { 0 };\n"), None),
    (rule_line_length, one("\t" + "x" * 93), one("\t" + "x" * 92)),
    (rule_function_length, one("{\n" + "\tx();\n" * 59 + "}\n"),
     one("{\n" + "\tx();\n" * 58 + "}\n{\n" + "\tx();\n" * 58 + "}\n")),
    (rule_head_comment, one("/* y.c - it */\n"), one("/*\n * x.c - it\n */\n")),
    (rule_header_guard, one("#ifndef X_H\n#define X_H\n", "common/base/x.h"),
     one("#ifndef PRESEND_BASE_X_H\n#define PRESEND_BASE_X_H\n", "common/base/x.h")),
]

# Their input is not text alone: what they see of it is tried with a stand-in below.
RUNNERS = [rule_manuals_are_sound, rule_no_name_replaces_a_library, rule_manual_examples_hold,
           rule_manual_scenes_hold]


def script(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)


def test_runners():
    """A bad page for mandoc; a presend that finds nothing; an archive that has a library's name."""
    wrong = []
    page = ".Dd January 1, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd it\n"
    if shutil.which("mandoc"):
        if not rule_manuals_are_sound(Tree({"docs/x.1": page + ".Nope\n"})):
            wrong.append("rule_manuals_are_sound did not catch an unknown macro")
        if rule_manuals_are_sound(Tree({"docs/x.1": page})):
            wrong.append("rule_manuals_are_sound complained about a sound page")
    entry = ".Ss a.b\n.It Example\n.Li From: x\n.It Correct\n.Li From: y\n.El\n"
    with tempfile.TemporaryDirectory() as folder:
        manual = Tree({MANUALS["checks"]: entry}, folder)
        for findings, complaints in (("", 1), ('{"check":"a.b"}', 1), ('{"check":"a.c"}', 2)):
            script(os.path.join(folder, "presend"), f"echo '{{\"findings\":[{findings}]}}'\n")
            if len(rule_manual_examples_hold(manual)) != complaints:
                wrong.append(f"rule_manual_examples_hold did not see {findings or 'nothing'}")
    wrong += test_scenes()
    if shutil.which("cc") and shutil.which("ar") and shutil.which("nm"):
        wrong += test_library_names()
    return wrong


def test_scenes():
    """A presend that finds a.b wherever the record says so, and is shown the parts apart."""
    entry = (".Ss a.b\n.It Example\n.Bd -literal\nFrom: x\nMAIL FROM:<y>\nhelo = z\n"
             "login: l\nstore: s\n t\nidentity \"i\" {\n}\n"
             "e. TXT \"bad\"\n.Ed\n.It Correct\n.Bd -literal\ne. TXT \"good\"\n.Ed\n.El\n")
    judge = ("test \"$9\" = --mail-from && test \"${10}\" = '<y>' || exit 1\n"
             "test \"${11}\" = --auth && test \"${12}\" = l || exit 1\n"
             "grep -q '^ t' \"${14#file:}\" && grep -q '^}' \"$5\" || exit 1\n"
             "grep -q '^helo = z' \"$5\" && grep -q '^From: x' \"$8\" || exit 1\n"
             "grep -q bad \"$7\" && echo '{\"findings\":[{\"check\":\"a.b\"}]}'\n"
             "grep -q good \"$7\" && echo '{\"findings\":[]}'\n")
    rows = [("", 0), ("bad>good", 1), ("good>bad", 1), ("From: x>x", 1)]
    wrong = []
    for change, complaints in rows:
        text = entry.replace(*change.split(">")) if change else entry
        with tempfile.TemporaryDirectory() as folder:
            script(os.path.join(folder, "presend"), judge)
            found = rule_manual_scenes_hold(Tree({MANUALS["checks"]: text}, folder))
        if len(found) != complaints:
            wrong.append(f"rule_manual_scenes_hold: {change or 'as it should be'} gives {found}")
    return wrong


def test_library_names():
    wrong = []
    for name, caught in (("strlen", True), ("mi_open", True), ("presend_own", False)):
        with tempfile.TemporaryDirectory() as folder:
            source = os.path.join(folder, "x.c")
            with open(source, "w", encoding="utf-8") as f:
                f.write(f"int {name}(const char *s);\nint {name}(const char *s)\n"
                        "{\n\treturn s != 0;\n}\n")
            with open(source + "m.c", "w", encoding="utf-8") as f:
                f.write("int main(void)\n{\n\treturn 0;\n}\n")
            run = dict(cwd=folder, check=True, capture_output=True)
            subprocess.run(["cc", "-fno-builtin", "-c", "x.c"], **run)
            subprocess.run(["ar", "cr", "libpresend-x.a", "x.o"], **run)
            subprocess.run(["cc", "-o", "presend", "x.cm.c"], **run)
            if bool(rule_no_name_replaces_a_library(Tree({}, folder))) != caught:
                wrong.append(f"rule_no_name_replaces_a_library: {name} was judged wrongly")
    return wrong


def self_test():
    """Every rule catches its fault, with a place, and leaves the rest alone."""
    wrong = []
    for rule, bad, good in RULES:
        caught = rule(Tree(bad))
        if not any(re.match(r"[\w./-]+:\d+: ", c) for c in caught):
            wrong.append(f"{rule.__name__} did not catch {bad}")
        if good is not None and rule(Tree(good)):
            wrong.append(f"{rule.__name__} complained about {good}: {rule(Tree(good))}")
    return wrong + test_runners()


def main():
    os.environ["LC_ALL"] = "C.UTF-8"
    wrong = self_test()
    if wrong:
        print("\n".join("lint.py: " + w for w in wrong))
        return 1
    if sys.argv[1:] == ["--self-test"]:
        return 0
    root = os.environ.get("srcdir") or os.path.join(os.path.dirname(__file__), "..", "..")
    tree = load(root, os.environ.get("builddir"))
    rules = list(dict.fromkeys(rule for rule, _, _ in RULES)) + RUNNERS
    complaints = [c for rule in rules for c in rule(tree)]
    for note in tree.notes:
        print("note: " + note)
    print("\n".join(complaints + [f"{len(rules)} rules, {len(complaints)} complaints"]))
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
