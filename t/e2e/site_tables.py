"""A site with mailboxes, for the lab: its tables, its logins, and mail that its users send.

What the directory has to answer about each address, and what has to be found in
each message, is said here once.  Nothing here knows how a table is asked.
"""
import dataclasses
import os

from lab import expect, find_program
from servers import HOST, Postfix

OWN = Postfix.OWN
KINDS = ("lmdb", "cdb", "texthash", "hash")

ANN, BOB = f"ann@{OWN}", f"bob@{OWN}"
LOGINS = {ANN: "ann's secret", BOB: "bob's secret"}

TABLES = {
    "mailboxes": {ANN: "box/", BOB: "box/", f"o'hara@{OWN}": "box/"},
    "mailbox-domains": {OWN: "x"},
    "alias-domains": {"alias.example": "x", "moved.example": "x", "catch.example": "x"},
    "forwards": {
        f"info@{OWN}": f"{ANN}, {BOB}",
        "sales@alias.example": BOB,
        f"out@{OWN}": "somebody@far.example",
        "@catch.example": ANN,
        "@moved.example": f"@{OWN}",
    },
    "accounts": {"team": "root, daemon"},
    "logins": {
        ANN: ANN, BOB: BOB,
        f"info@{OWN}": f"{ANN}, {BOB}",
        "sales@alias.example": f"{ANN} {BOB}",
        "ann@moved.example": ANN,
        "partner@elsewhere.example": ANN,
        "team": BOB,
    },
}


class Tables:
    """The site's tables, each of the type that types names for it, or all of one."""

    def __init__(self, postfix, name, types):
        self.postfix, self.folder = postfix, postfix.lab.folder(name)
        self.types = types if isinstance(types, dict) else dict.fromkeys(TABLES, types)
        for table, rows in TABLES.items():
            self.write(table, rows)

    def name(self, table):
        return f"{self.types[table]}:{self.folder}/{table}"

    def write(self, table, rows):
        """The table as a whole, built as its owner would."""
        kind, tool = self.types[table], "postmap"
        colon = ":" if table == "accounts" and kind != "texthash" else ""
        with open(f"{self.folder}/{table}.new", "w", encoding="utf-8") as f:
            f.writelines(f"{key}{colon} {value}\n" for key, value in rows.items())
        os.rename(f"{self.folder}/{table}.new", f"{self.folder}/{table}")
        if kind != "texthash":
            tool = "postalias" if colon else tool
            done = self.postfix.run(tool, self.name(table))
            expect(done.returncode == 0, f"{tool} {self.name(table)}: {done.stderr.decode()}")

    def settings(self):
        """The lines of main.cf."""
        return {
            "alias_maps": self.name("accounts"),
            # Debian's own
            "local_recipient_maps": "proxy:unix:passwd.byname $alias_maps",
            "virtual_mailbox_domains": self.name("mailbox-domains"),
            "virtual_mailbox_maps": self.name("mailboxes"),
            "virtual_alias_domains": self.name("alias-domains"),
            "virtual_alias_maps": self.name("forwards"),
            "smtpd_sender_login_maps": self.name("logins"),
            "relay_domains": "relay.example",
            "recipient_delimiter": "+",
        }

    def main_cf(self, **more):
        """A folder with a main.cf for these tables; None leaves a parameter out."""
        settings = {**self.postfix.main, **self.settings(), "meta_directory": self.folder, **more}
        lines = "".join(f"{k} = {v}\n" for k, v in settings.items() if v is not None)
        with open(f"{self.folder}/main.cf", "w", encoding="utf-8") as f:
            f.write(lines)
        # Postfix's programs wait until a main.cf has not been changed for a while.
        os.utime(f"{self.folder}/main.cf", (0, 0))
        self.postfix.copy_table_types(self.folder)
        return self.folder


def missing_kinds():
    """Why the tables cannot be made here, or None."""
    if find_program("postconf") != "/usr/sbin/postconf":
        return "Presend asks the Postfix that is installed, and none is: ./quickstart packages test"
    with open("/etc/postfix/dynamicmaps.cf", encoding="utf-8") as f:
        types = [line.split()[0] for line in f if line.strip()]
    lacking = [kind for kind in ("lmdb", "cdb") if kind not in types]
    return f"Postfix has no tables of type {', '.join(lacking)}: ./quickstart packages test" if lacking else None


@dataclasses.dataclass(frozen=True)
class Mail:
    """A message of somebody, and what the directory makes of it."""

    name: str
    author: str
    answer: str  # about the From address
    login: str = ""
    may_use: bool | None = None  # by the map of logins
    reaches: bool | None = None  # without that map: by where the address leads
    sender: str | None = None  # of the envelope; None: the author
    fails: tuple = ()  # checks, in the order of the table
    unknown: tuple = ()
    mild: tuple = ()  # of those that fail: whatever the settings are, they only log
    fields: str = ""  # more header fields

    @property
    def envelope(self):
        return self.author if self.sender is None else self.sender

    def message(self):
        return (f"{self.fields}From: {self.author}\r\n"
                f"To: Bob <bob@far.example>\r\nSubject: {self.name}\r\n"
                f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{self.name}@{OWN}>\r\n\r\n"
                "Hello,\r\n.a dot\r\n\ttrailing blanks  \r\n\r\n").encode()


EXISTS = ("from.mailbox", "envelope.sender-mailbox")
ALLOWED = ("envelope.sender-login", "from.login")
FOREIGN = ("from.foreign",)

MAILS = [
    # somebody who is logged in
    Mail("own", ANN, "mailbox", ANN, True, True),
    Mail("own-case", f"Ann@{OWN.upper()}", "mailbox", ANN, True, True),
    Mail("another's", ANN, "mailbox", BOB, False, False, fails=ALLOWED),
    Mail("nobody's", f"o'hara@{OWN}", "mailbox", ANN, False, False, fails=ALLOWED),
    Mail("alias", f"info@{OWN}", "alias", BOB, True, True),
    Mail("send-as", "sales@alias.example", "alias", ANN, True, False),
    Mail("sub-address", f"ann+news@{OWN}", "sub-address", ANN, True, True),
    Mail("sub-address-other", f"ann+news@{OWN}", "sub-address", BOB, False, False, fails=ALLOWED),
    Mail("alias-domain", "ann@moved.example", "mailbox", ANN, True, True),
    Mail("alias-domain-none", "ghost@moved.example", "none", ANN, False, False, fails=EXISTS + ALLOWED),
    Mail("forward-only", f"out@{OWN}", "forward-only", ANN, False, False, fails=ALLOWED),
    Mail("none", f"ghost@{OWN}", "none", ANN, False, False, fails=EXISTS + ALLOWED),
    Mail("sub-address-none", f"ghost+x@{OWN}", "none", ANN, False, False, fails=EXISTS + ALLOWED),
    Mail("catch-all", "any@catch.example", "catch-all", ANN, False, False, fails=EXISTS + ALLOWED, mild=EXISTS),
    Mail("account", f"daemon@{HOST}", "mailbox", ANN, False, False, fails=ALLOWED),
    Mail("account-alias", f"team@{HOST}", "alias", BOB, True, False),
    Mail("account-none", f"no-such-account@{HOST}", "none", BOB, False, False, fails=EXISTS + ALLOWED),
    Mail("foreign", "x@elsewhere.example", "not-ours", ANN, False, False, fails=ALLOWED + FOREIGN),
    Mail("foreign-allowed", "partner@elsewhere.example", "not-ours", ANN, True, False, fails=FOREIGN),
    Mail("other-envelope", ANN, "mailbox", ANN, True, True, sender=BOB, fails=ALLOWED[:1]),
    Mail("ghost-envelope", ANN, "mailbox", ANN, True, True, sender=f"ghost@{OWN}", fails=(EXISTS[1], ALLOWED[0])),
    Mail("other-author", BOB, "mailbox", ANN, False, False, sender=ANN, fails=ALLOWED[1:]),
    Mail("ghost-author", f"ghost@{OWN}", "none", ANN, False, False, sender=ANN, fails=(EXISTS[0], ALLOWED[1])),
    Mail("foreign-author", "x@elsewhere.example", "not-ours", ANN, False, False, sender=ANN, fails=FOREIGN + ALLOWED[1:]),
    # Postfix takes any address of a domain whose table is empty.
    Mail("open-domain", "x@relay.example", "unknown", unknown=EXISTS),
    # a program on a host of ours
    Mail("program", ANN, "mailbox"),
    Mail("program-alias", f"info@{OWN}", "alias"),
    Mail("program-none", f"noreply@{OWN}", "none", fails=EXISTS),
    Mail("program-none-author", f"noreply@{OWN}", "none", sender=ANN, fails=EXISTS[:1]),
    Mail("program-foreign", "x@elsewhere.example", "not-ours", fails=FOREIGN),
]

MAIL = {mail.name: mail for mail in MAILS}
