"""Messages that programs really send, good ones and one of each kind of fault.

The demo and the end-to-end tests share them; what each one has to get is said
here once.
"""
import dataclasses


@dataclasses.dataclass(frozen=True)
class Sample:
    name: str
    field: bytes  # the From field's line or lines, b"" for none
    check: str = ""  # the check that refuses it, "" where it is good
    also: str = ""  # another check that has to find something
    token: str = ""  # as a reply shows it
    offset: int | None = None  # in the field's body, or in the path
    code: int = 250
    enhanced: str = ""
    sender: bytes = b"ann@example.com"
    options: str = ""  # of MAIL
    title: str = ""  # for people

    @property
    def good(self):
        return not self.check

    def message(self, number=1):
        """All of its octets: header, a body with a line that begins with a dot."""
        head = self.field + b"\r\n" if self.field else b""
        return head + (
            b"To: Bob <bob@remote.example>\r\n"
            b"Subject: %s\r\n"
            b"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\n"
            b"Message-ID: <%s.%d@example.com>\r\n"
            b"\r\n"
            b"Hello,\r\n"
            b".a line that begins with a dot,\r\n"
            b"\ta tab and trailing blanks  \r\n"
            b"\r\n"
        ) % (self.name.encode(), self.name.encode(), number)


SAMPLES = [
    Sample("plain", b"From: Ann Example <ann@example.com>", title="a plain name"),
    Sample("quoted-comma", b'From: "Doe, John" <john@example.com>', title="a comma inside quotes"),
    Sample("address-and-comment", b"From: ann@example.com (Ann)", title="a bare address with a comment"),
    Sample("encoded", b"From: =?UTF-8?Q?J=C3=BCrgen?= <j@example.com>", title="an encoded name"),
    Sample("folded", b"From: Ann\r\n Example\r\n <ann@example.com>", title="folded over three lines"),
    Sample("utf8", "From: Jürgen <j@example.com>".encode(), options=" SMTPUTF8", title="UTF-8, and SMTPUTF8 asked for"),
    Sample("comma", b"From: Doe, John <john@example.com>", "from.display-name", token=",", offset=4, code=550, enhanced="5.1.7",
           title="a comma outside quotes"),
    Sample("parenthesis", b"From: Support (Billing <care@example.com>", "from.display-name", token="(", offset=9, code=550, enhanced="5.1.7",
           title="an unbalanced parenthesis"),
    Sample("missing", b"", "from.missing", code=550, enhanced="5.7.1", title="no From field at all"),
    Sample("duplicate", b"From: ann@example.com\r\nFrom: ann@example.com", "from.duplicate", code=550,
           enhanced="5.7.1", title="two From fields"),
    Sample("no-at", b"From: Ann <ann.example.com>", "from.syntax", code=550, enhanced="5.1.7",
           title="an address without @"),
    Sample("two-at", b"From: Ann <ann@@example.com>", "from.syntax", token="@", offset=10, code=550, enhanced="5.1.7",
           title="an address with two @"),
    Sample("space", b"From: Ann <ann lee@example.com>", "from.syntax", code=550, enhanced="5.1.7",
           title="a space in the local part"),
    Sample("nested", b"From: Ann <<ann@example.com>>", "from.syntax", token="<", offset=6, code=550, enhanced="5.1.7",
           title="nested angle brackets"),
    Sample("two-addresses", b"From: ann@example.com, bob@example.com", "from.multiple", code=550,
           enhanced="5.7.1", title="two authors and no Sender"),
    Sample("group", b"From: Team: ann@example.com;", "from.group", code=550, enhanced="5.7.1", title="a group"),
    Sample("hidden-control", b"From: =?UTF-8?Q?Ann=0D=0ABcc=3A_x?= <ann@example.com>", "from.encoded-word",
           code=550, enhanced="5.1.7", title="a line end hidden in an encoded name"),
    Sample("underscore", b"From: Ann <ann@exam_ple.com>", "from.domain", code=550, enhanced="5.1.8",
           title="an underscore in the domain"),
    Sample("long", b"From: <" + b"a" * 65 + b"@example.com>", "from.length", code=550, enhanced="5.1.7",
           title="a local part of 65 octets"),
    Sample("ambiguous", b"From: <ceo@example.com>, <me@example.com", "from.syntax", also="from.ambiguous",
           code=550, enhanced="5.1.7", title="read differently by different receivers"),
    Sample("eight-bit", b"From: J\xfcrgen <j@example.com>", "from.display-name", token="\\xfc", offset=2, code=550, enhanced="5.1.7",
           title="octets that are not UTF-8"),
    Sample("utf8-unasked", "From: Jürgen <j@example.com>".encode(), "from.display-name", code=550,
           enhanced="5.1.7", title="UTF-8, and SMTPUTF8 not asked for"),
    Sample("envelope", b"From: Ann <ann@example.com>", "envelope.sender-syntax", code=553, enhanced="5.1.7",
           sender=b"ann..lee@example.com", title="two dots in the envelope's sender"),
]

BY_NAME = {sample.name: sample for sample in SAMPLES}
