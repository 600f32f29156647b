#!/usr/bin/python3
"""Our DKIM verifier against other judges, over generated messages, signatures and keys.

  the letter   what has to come out, by construction: the message is canonicalized as
               RFC 6376 3.4 says when it is signed, and again after it was altered
  dkimpy       Debian's python3-dkim
  Mail::DKIM   Debian's libmail-dkim-perl (knows no ed25519)
  mailauth     npm's, in its strict mode

From the letter no difference is allowed.  A difference from another judge must have
a reason in REASONS below, each of them looked into (docs/deviations.md says why we
do otherwise); one without is a failure, and is printed with its message.

  dkim_differential.py [--cases N] [--seed N] [--show REASON]

$DKIM_BATCH is our verifier (t/auth/dkim-batch), default in $builddir.
"""
import argparse
import base64
import collections
import hashlib
import json
import os
import random
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
import judges

try:
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ed25519, padding
except ImportError:
    print('python3-cryptography, which signs the messages, is not installed: skipped')
    sys.exit(77)

NOW = 1790000000
DAY = 86400
DOMAIN = b'example.com'

# ---- keys ----------------------------------------------------------------------------


def pem(name):
    """A private key of t/unit/dkim_keys.h."""
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), '../unit/dkim_keys.h')
    with open(path, encoding='ascii') as file:
        text = re.search(rf'#define {name}_PRIVATE(.*?)\n\n?#define', file.read(), re.S)[1]
    return ''.join(re.findall(r'"(.*?)\\n"', text)).replace('-----BEGIN RSA PRIVATE KEY-----', '') \
        .replace('-----END RSA PRIVATE KEY-----', '')


def rsa(name):
    return serialization.load_der_private_key(base64.b64decode(pem(name)), None)


PRIVATE = {'rsa2048': rsa('RSA2048'), 'rsa1024': rsa('RSA1024'), 'rsa768': rsa('RSA768'),
           'ed25519': ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32))),
           'other ed25519': ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))}


def public(name, pkcs1=False):
    key = PRIVATE[name].public_key()
    if name.endswith('ed25519'):
        data = key.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    else:
        form = serialization.PublicFormat.PKCS1 if pkcs1 else \
            serialization.PublicFormat.SubjectPublicKeyInfo
        data = key.public_bytes(serialization.Encoding.DER, form)
    return base64.b64encode(data).decode()


PUBLIC = {name: public(name) for name in PRIVATE}


def private_sign(kind, algorithm, data):
    if kind == 'ed25519':
        return PRIVATE[kind].sign(hashlib.sha256(data).digest())
    digest = hashes.SHA1() if algorithm.lower().endswith(b'sha1') else hashes.SHA256()
    return PRIVATE[kind].sign(data, padding.PKCS1v15(), digest)


# ---- canonicalization: RFC 6376 3.4 ----------------------------------------------------


def relaxed_text(text):
    return re.sub(rb'[ \t]+', b' ', text)


def canonical_field(how, name, body):
    """3.4.1, 3.4.2; without the line end."""
    if how == 'simple':
        return name + b':' + body
    return name.lower() + b':' + relaxed_text(body.replace(b'\r\n', b'')).strip(b' ')


def canonical_body(how, body, length=None):
    """3.4.3, 3.4.4, 3.4.5"""
    if body and not body.endswith(b'\r\n'):
        body += b'\r\n'
    if how == 'relaxed':
        body = b''.join(relaxed_text(line).rstrip(b' ') + b'\r\n'
                        for line in body.split(b'\r\n')[:-1])
    while body.endswith(b'\r\n\r\n'):
        body = body[:-2]
    if body == b'\r\n':
        body = b''
    if how == 'simple' and not body:
        body = b'\r\n'
    return body if length is None else body[:length]


def without_value(body):
    """The signature field with b= emptied: 3.5, "including all surrounding whitespace"."""
    return re.sub(rb'(^|;)([ \t\r\n]*b[ \t\r\n]*=)[^;]*', rb'\1\2', body)


# ---- signatures ------------------------------------------------------------------------


class Signature:
    """A signature: what its field says, the field (once it is made), and what is wrong with it."""

    def __init__(self):
        self.kind, self.algorithm = 'rsa2048', b'rsa-sha256'
        self.header, self.body, self.c = 'simple', 'simple', None
        self.names = [b'from']
        self.length = None     # l=
        self.identity = None   # i=
        self.extra = []        # further tags
        self.drop = set()      # tags left out
        self.override = {}     # tags that say something else
        self.oddities = []     # what is unusual about the field
        self.key = 'plain'     # which of KEYS is published
        self.malformed = False
        self.policy = False    # verifies, and is not acceptable
        self.field = None      # [name, body] in the header
        self.signed = None     # what was signed: header, body
        self.selector = b''

    def tags(self, bh):
        tags = [(b'v', b'1'), (b'a', self.algorithm), (b'd', DOMAIN), (b's', self.selector),
                (b'h', self.h), (b'bh', bh), (b'b', b'')]
        if self.c is not None:
            tags.append((b'c', self.c))
        if self.length is not None:
            tags.append((b'l', b'%d' % self.length))
        if self.identity is not None:
            tags.append((b'i', self.identity))
        tags = [(n, self.override.get(n, v)) for n, v in tags + self.extra if n not in self.drop]
        return tags

    def data(self, fields):
        """What is hashed for b=: the fields of h=, from the bottom up, and its own."""
        left = list(fields)
        lines = []
        for name in self.names:
            for i in range(len(left) - 1, -1, -1):
                if left[i] is not self.field and left[i][0].lower() == name.lower():
                    lines.append(canonical_field(self.header, *left.pop(i)) + b'\r\n')
                    break
        own = [self.field[0], without_value(self.field[1])]
        return b''.join(lines) + canonical_field(self.header, *own)

    def covers(self, fields, body):
        return self.data(fields), canonical_body(self.body, body, self.length)


def sign(rng, signature, fields, body):
    """Makes the field and puts it on top."""
    signature.length = None if signature.length is None else max(0, signature.length(
        len(canonical_body(signature.body, body))))
    digest = hashlib.sha1 if signature.algorithm.lower().endswith(b'sha1') else hashlib.sha256
    hashed = canonical_body(signature.body, body, signature.length)
    bh = base64.b64encode(digest(hashed).digest())
    tags = signature.tags(bh)
    if rng.random() < 0.4:
        rng.shuffle(tags)
    gap = lambda: rng.choice([b'', b'', b' ', b'\r\n\t', b' \r\n  ', b'\t'])
    wide = rng.random() < 0.3
    blank = lambda: rng.choice([b'', b'', b' ', b'\r\n ', b' \t']) if wide else b''
    # libopendkim cannot judge "b ="
    before = lambda name: blank() if name != b'b' or rng.random() < 0.2 else b''
    pieces = [gap() + name + before(name) + b'=' +
              (b'' if name == b'b' else blank() + value + blank()) for name, value in tags]
    end = rng.choice([b'', b'', b';', b'; ', b';\r\n '])
    signature.field = [rng.choice([b'DKIM-Signature'] * 8 + [b'dkim-signature', b'DKIM-SIGNATURE']),
                       b';'.join(pieces) + end]
    fields.insert(0, signature.field)
    signature.signed = signature.covers(fields, body)
    value = base64.b64encode(private_sign(signature.kind, signature.algorithm, signature.signed[0]))
    if 'b= is another' in signature.oddities:
        value = rng.choice([b'AAAA', value[:-8], (b'B' if value[:1] == b'A' else b'A') + value[1:]])
    elif 'b= is no base64' in signature.oddities:
        value = rng.choice([b'', value[:40] + b'!' + value[41:], value[:60] + b'=' + value[60:]])
    elif rng.random() < 0.5:
        step = rng.choice([20, 60, 64, 73])
        value = rng.choice([b'\r\n\t', b'\r\n ', b' ']).join(
            value[i:i + step] for i in range(0, len(value), step))
    value = rng.choice([b'', b'', b' ', b'\r\n ']) + value + rng.choice([b'', b'', b'', b' '])
    signature.field[1] = re.sub(rb'(^|;)([ \t\r\n]*b[ \t\r\n]*=)', lambda m: m[0] + value,
                                signature.field[1], count=1)


# Names of key records: what is published for a key of that kind, and the result that the
# record alone makes of a signature (None: it is good).
def keys(kind, algorithm):
    p = PUBLIC[kind]
    k = 'k=ed25519; ' if kind == 'ed25519' else ''
    hash_name = algorithm.decode().lower().split('-')[1]
    other = 'sha1' if hash_name == 'sha256' else 'sha256'
    wrong = PUBLIC['other ed25519' if k else 'rsa1024' if kind == 'rsa2048' else 'rsa2048']
    text = {
        'plain': f'v=DKIM1; {k}p={p}',
        'no version': f'{k}p={p}',
        'k first': f'{k or "k=rsa; "}p={p}; n=a note',
        'final semicolon': f'v=DKIM1; {k}p={p};',
        'blanks': f'v = DKIM1 ; {k} p = {p[:20]} {p[20:]} ',
        'tabs': f'v=DKIM1;\t{k}p=\t{p[:30]}\t{p[30:]}',
        'h good': f'v=DKIM1; h={hash_name}; {k}p={p}',
        'h list': f'v=DKIM1; h=x : {hash_name}:sha512; {k}p={p}',
        's email': f'v=DKIM1; s=email; {k}p={p}',
        's star': f'v=DKIM1; {k}s=*; p={p}',
        's list': f'v=DKIM1; {k}s=web : email; p={p}',
        't y': f'v=DKIM1; {k}t=y; p={p}',
        't s': f'v=DKIM1; {k}t=s; p={p}',
        't y:s': f'v=DKIM1; {k}t=y:s; p={p}',
        't unknown': f'v=DKIM1; {k}t=foo:y; p={p}',
        'g star': f'v=DKIM1; g=*; {k}p={p}',
        'g other': f'v=DKIM1; g=nobody; {k}p={p}',
        'g empty': f'v=DKIM1; g=; {k}p={p}',
        'note': f'v=DKIM1; n=made=20by hand, all=3B; {k}p={p}',
        'unknown tags': f'v=DKIM1; x=1; foo_2=bar baz; {k}p={p}',
        'split': f'v=DKIM1; {k}p={p}',
        'h other': f'v=DKIM1; h={other}; {k}p={p}',
        'h unknown': f'v=DKIM1; h=md5; {k}p={p}',
        's other': f'v=DKIM1; {k}s=web; p={p}',
        'v other': f'v=DKIM2; {k}p={p}',
        'v lower case': f'v=dkim1; {k}p={p}',
        'v last': f'{k}p={p}; v=DKIM1',
        'revoked': 'v=DKIM1; p=',
        'revoked blank': f'v=DKIM1; {k}p= ',
        'no p': f'v=DKIM1; {k}n=none',
        'wrong': f'v=DKIM1; {k}p={wrong}',
        'garbage': f'v=DKIM1; {k}p=!!{p[5:]}',
        'cut': f'v=DKIM1; {k}p={p[:len(p) // 2]}',
        'k unknown': f'v=DKIM1; k=dsa; p={p}',
        'k other': f'v=DKIM1; k={"rsa" if k else "ed25519"}; p={p}',
        'twice a tag': f'v=DKIM1; {k}p={p}; p={p}',
        'no tags': 'hello world',
        'empty': '',
    }
    return text


KEY_RESULT = dict.fromkeys(
    ['h other', 'h unknown', 's other', 'v other', 'v lower case', 'revoked',
     'revoked blank', 'no p', 'garbage', 'cut', 'k unknown', 'k other', 'twice a tag', 'no tags',
     'empty', 'absent', 'two records'], 'permerror')
KEY_RESULT.update({'timeout': 'temperror', 'wrong': 'fail'})


def publish(zone, rng, signature):
    """The records of its key: name -> list of texts, each a list of strings, or None: timeout."""
    name = b'%s._domainkey.%s' % (signature.selector, DOMAIN)
    name = name.decode().lower()
    text = keys(signature.kind, signature.algorithm)
    if signature.key == 'absent':
        return
    if signature.key == 'timeout':
        zone[name] = None
    elif signature.key == 'two records':
        zone[name] = [[text['plain']], [text['no version']]]
    else:
        whole = text[signature.key]
        at = rng.randrange(1, 60) if signature.key == 'split' else 250
        pieces = [whole[i:i + at] for i in range(0, len(whole), at)] or ['']
        zone[name] = [pieces]


# ---- generated messages -----------------------------------------------------------------

WORDS = [b'hello', b'a', b'world', b'x=y', b'"quoted  text"', b'f\xc3\xbcr', b'1;2', b'l\xe4nge',
         b'one:two', b'=?utf-8?q?=C3=BC?=', b'.', b'..', b'From', b'--', b'b=', b'dkim=']
NAMES = [b'To', b'Subject', b'Date', b'Message-ID', b'Received', b'Received', b'X-A', b'x-b-c',
         b'List-Id', b'Cc', b'MIME-Version', b'Content-Type', b'Reply-To', b'X-Empty', b'Comments']


class Generator:
    def __init__(self, rng):
        self.rng = rng
        self.number = 0

    def maybe(self, share):
        return self.rng.random() < share

    def text(self, most):
        """Words with odd white space between them."""
        r = self.rng
        gaps = [b' '] * 6 + [b'  ', b'\t', b' \t ']
        return b''.join(r.choice(WORDS) + r.choice(gaps) for _ in range(r.randrange(most + 1)))

    def field(self, name):
        r = self.rng
        body = r.choice([b' ', b' ', b' ', b'', b'  ', b'\t']) + self.text(8)
        if self.maybe(0.6):
            body = body.rstrip()
        while self.maybe(0.3):
            body += r.choice([b'\r\n ', b'\r\n\t', b' \r\n  ']) + r.choice(WORDS) + self.text(6)
        if self.maybe(0.03):
            body += b' ' + b'long' * r.randrange(100, 3000)
        if self.maybe(0.03):
            body += b'\r\n ' + r.choice(WORDS) + b'\r\n \t'
        if name == b'Date':
            body = b' Sun, 22 Nov 2026 05:00:00 +0000'
        return [name if r.random() < 0.9 else name.swapcase(), body]

    def fields(self):
        r = self.rng
        fields = [self.field(r.choice(NAMES)) for _ in range(r.choice([1, 3, 5, 8, 12]))]
        author = [r.choice([b'From', b'From', b'From', b'FROM', b'from']), r.choice(
            [b' Ann <ann@example.com>', b' ann@example.com', b'ann@example.com',
             b' "Ann  B"\r\n <ann@example.com>', b'\tAnn\t<ann@example.com> '])]
        fields.insert(r.randrange(len(fields) + 1), author)
        return fields

    def line(self):
        r = self.rng
        pick = r.random()
        if pick < 0.15:
            return b''
        if pick < 0.25:
            return r.choice([b' ', b'\t', b'   ', b' \t '])
        if pick < 0.28:
            return b'0123456789' * r.choice([99, 100, 820, 7000])
        text = self.text(8)
        return (text.rstrip() if self.maybe(0.6) else text).lstrip(b'\t' if pick < 0.6 else b' \t')

    def body(self):
        r = self.rng
        if self.maybe(0.12):
            return r.choice([b'', b'\r\n', b'\r\n\r\n', b' \r\n', b' ', b'\t\r\n \r\n', b'x'])
        lines = [self.line() for _ in range(r.choice([1, 2, 3, 6, 20]))]
        body = b'\r\n'.join(lines)
        ending = [b'\r\n'] * 5 + [b'', b'\r\n\r\n', b' \r\n', b'\r\n \r\n', b'\r\n\t\r\n\r\n', b' ']
        return body + r.choice(ending)

    # -- what a signature says

    def signature(self, fields):
        r = self.rng
        s = Signature()
        self.number += 1
        s.selector = b's%d' % self.number
        s.kind = r.choice(['rsa2048'] * 5 + ['rsa1024', 'rsa1024', 'ed25519', 'ed25519'])
        s.algorithm = b'ed25519-sha256' if s.kind == 'ed25519' else b'rsa-sha256'
        s.header, s.body = r.choice(['simple', 'relaxed']), r.choice(['simple', 'relaxed'])
        s.c = f'{s.header}/{s.body}'.encode()
        if s.body == 'simple':
            s.c = r.choice([s.c, s.header.encode()])
            if s.header == 'simple' and self.maybe(0.5):
                s.c = None
        self.choose_names(s, fields)
        if self.maybe(0.4):
            s.key = r.choice(list(keys('rsa2048', b'rsa-sha256')) +
                             ['absent', 'timeout', 'two records'])
        if self.maybe(0.15):
            s.length = r.choice([lambda n: n, lambda n: n, lambda n: n // 2, lambda n: 0,
                                 lambda n: n - 1])
        if self.maybe(0.25):
            s.identity = r.choice([b'@example.com', b'ann@example.com', b'@EXAMPLE.com',
                                   b'ann=2Bb@example.com', b'@mail.example.com',
                                   b'ann@a.b.example.com', b'"a b"@example.com'])
        if self.maybe(0.25):
            s.extra.append((b't', b'%d' % r.choice([NOW, NOW - 5 * DAY, NOW + 60] * 4 + [0, 1])))
        if self.maybe(0.15):
            s.extra.append((b'x', b'%d' % (NOW + r.choice([30 * DAY, 400 * DAY]))))
        if self.maybe(0.2):
            s.extra.append(r.choice([(b'q', b'dns/txt'), (b'z', b'From:ann@x|To:b=3B@y'),
                                     (b'foo', b'bar'), (b'x_1', b'a b'), (b'B', b'x')]))
        if self.maybe(0.3):
            self.odd(s)
        s.h = b':'.join(s.names)
        if self.maybe(0.3):
            s.h = r.choice([b' : ', b':\r\n\t', b': ', b' :']).join(s.names)
        return s

    def choose_names(self, s, fields):
        r = self.rng
        present = [f[0] for f in fields if f[0].lower() != b'from']
        s.names = [n for n in present if self.maybe(0.6)]
        if any(f[0].lower() == b'dkim-signature' for f in fields) and self.maybe(0.7):
            s.names = [n for n in s.names if n.lower() != b'dkim-signature']
        s.names += [r.choice(NAMES + [b'X-Not-There', b'From', b'Resent-From'])
                    for _ in range(r.choice([0, 0, 0, 1, 3]))]  # oversigned, or absent
        s.names.insert(r.randrange(len(s.names) + 1), b'From')
        if self.maybe(0.5):
            r.shuffle(s.names)
        style = r.choice([bytes.lower, bytes, bytes, bytes.upper])
        s.names = [style(n) for n in s.names]

    def odd(self, s):
        r = self.rng
        name, change = r.choice(ODDITIES)
        s.oddities.append(name)
        change(s, r)

    # -- what happens to a message on its way

    def alter(self, fields, body):
        r = self.rng
        for _ in range(r.choice([1, 1, 2])):
            if self.maybe(0.5):
                self.alter_header(fields)
            else:
                body = self.alter_body(body)
        return body

    def alter_header(self, fields):
        r = self.rng
        field = r.choice(fields)
        pick = r.randrange(10)
        signed = field[0].lower() == b'dkim-signature'
        if pick < 3:  # white space
            at = [m.start() for m in re.finditer(rb'(?<=[^ \t\r\n])[ \t](?=[^ \t\r\n])', field[1])]
            if at:
                i = r.choice(at)
                field[1] = field[1][:i] + r.choice([b'  ', b'\t', b'\r\n ', b' \r\n\t', b'']) + \
                    field[1][i + 1:]
        elif pick == 3 and not signed:
            field[1] += r.choice([b' ', b'\t'])
        elif pick == 4 and not signed:
            field[1] = field[1] + r.choice([b'x', b' x', b'.'])
        elif pick == 5 and not signed:
            field[0] = field[0].swapcase()
        elif pick == 6 and not signed and field[0].lower() != b'from':
            fields.remove(field)
        elif pick == 7:
            fields.insert(r.choice([0, len(fields)]), self.field(r.choice(NAMES)))
        elif pick == 8 and len(fields) > 1:
            i = r.randrange(len(fields) - 1)
            fields[i], fields[i + 1] = fields[i + 1], fields[i]
        elif pick == 9:
            fields.insert(r.choice([0, len(fields)]), [b'From', b' eve@example.net'])

    def alter_body(self, body):
        r = self.rng
        pick = r.randrange(9)
        at = [m.start() for m in re.finditer(rb'(?<=\S)[ \t]', body)]
        if pick < 2 and at:
            i = r.choice(at)
            return body[:i] + r.choice([b'  ', b'\t', b'']) + body[i + 1:]
        if pick == 2:
            return re.sub(rb'(?<=\S)\r\n', r.choice([b' \r\n', b'\t \r\n']), body, count=1)
        if pick == 3:
            return body + r.choice([b'\r\n', b'\r\n\r\n', b' ', b'\t\r\n'])
        if pick == 4:
            return body[:-2] if body.endswith(b'\r\n') else body + b'\r\n'
        if pick == 5:
            return body + b'more\r\n'
        if pick == 6:
            return r.choice([b'x', b'\r\n', b' ']) + body
        if pick == 7 and body:
            i = r.randrange(len(body))
            return body[:i] + b'#' + body[i + 1:] if body[i:i + 1] not in b'\r\n' else body
        return body.replace(b'hello', b'Hello', 1)

    def case(self):
        r = self.rng
        fields, body = self.fields(), self.body()
        zone, signatures = {}, []
        for _ in range(r.choice([1, 1, 1, 1, 2, 3])):
            s = self.signature(fields)
            sign(r, s, fields, body)
            publish(zone, r, s)
            signatures.insert(0, s)
            if self.maybe(0.1):
                fields.insert(0, self.field(b'Received'))
        changed = self.maybe(0.5)
        if changed:
            body = self.alter(fields, body)
        header = b''.join(name + b':' + text + b'\r\n' for name, text in fields)
        message = header + (b'\r\n' + body if body or self.maybe(0.8) else b'')
        order = sorted(signatures, key=lambda s: next(
            i for i, f in enumerate(fields) if f is s.field))
        return {'message': message, 'zone': zone, 'signatures': order,
                'expected': [letter(s, fields, body) for s in order], 'fields': fields,
                'body': body}


def set_tag(name, *values, malformed=False):
    def change(s, r):
        s.extra = [(n, v) for n, v in s.extra if n != name]
        s.length = None if name == b'l' else s.length
        if name in (b'v', b'd', b's', b'h', b'bh', b'c', b'i', b'a'):
            s.c = s.c or b'simple'
            s.override[name] = r.choice(values)
        else:
            s.extra.append((name, r.choice(values)))
        s.malformed = malformed or s.malformed
    return change


def drop_tag(s, r):
    s.drop.add(r.choice([b'v', b'a', b'd', b's', b'h', b'bh', b'b']))
    s.malformed = True


def identity(*values, malformed):
    def change(s, r):
        s.identity = r.choice(values)
        s.malformed = malformed or s.malformed
    return change


def names(change_names, malformed=False):
    def change(s, r):
        s.names = change_names(s.names)
        s.malformed = malformed or s.malformed
    return change


def times(policy, *pairs):
    def change(s, r):
        s.extra = [(n, v) for n, v in s.extra if n not in (b't', b'x')] + list(r.choice(pairs))
        s.policy = s.policy or policy
        s.malformed = s.malformed or not policy
    return change


def weak(kind, algorithm):
    def change(s, r):
        s.kind, s.algorithm, s.policy = kind, algorithm, True
    return change


def twice(s, r):
    s.extra.append(r.choice([(b'd', b'example.com'), (b'v', b'1'), (b'foo', b'1')]))
    if s.extra[-1][0] == b'foo':
        s.extra.append((b'foo', b'2'))
    s.malformed = True


# What can be unusual about a signature: a name, and what makes it so.
ODDITIES = [
    ('b= is another', lambda s, r: None),
    ('b= is no base64', lambda s, r: None),
    ('bh= is another', set_tag(b'bh', b'AAAA', b'Y' * 43 + b'=', b'!!')),
    ('a tag is missing', drop_tag),
    ('a tag stands twice', twice),
    ('v= is another', set_tag(b'v', b'2', b'0.5', b'1.0', b'DKIM1', malformed=True)),
    ('c= is unknown', set_tag(b'c', b'nofws', b'relaxed/nowsp', b'simple/', b'/simple',
                              malformed=True)),
    ('q= is unknown', set_tag(b'q', b'http', b'dns/any', malformed=True)),
    ('q= has others too', set_tag(b'q', b'dns/txt:x', b'x:dns/txt')),
    ('i= is of another domain', identity(b'ann@example.net', b'@xexample.com', b'@com',
                                         b'ann@example.com.net', malformed=True)),
    ('i= has no @', identity(b'ann', b'example.com', malformed=True)),
    ('i= is below d=', identity(b'ann@sub.example.com', malformed=False)),
    ('h= lacks From', names(lambda n: [x for x in n if x.lower() != b'from'] or [b'To'],
                            malformed=True)),
    ('h= names itself', names(lambda n: n + [b'DKIM-Signature'] * 4)),
    ('h= names many', names(lambda n: n * 8)),
    ('l= is more than there is', lambda s, r: setattr(s, 'length', lambda n: n + 10)),
    ('l= is no number', set_tag(b'l', b'-1', b'1x', b'', malformed=True)),
    ('t= or x= is no number', set_tag(b't', b'now', b'-5', b'', malformed=True)),
    ('expired', times(True, [(b'x', b'%d' % (NOW - 10 * DAY))],
                      [(b't', b'%d' % (NOW - 20 * DAY)), (b'x', b'%d' % (NOW - 10 * DAY))])),
    ('in the future', times(True, [(b't', b'%d' % (NOW + 10 * DAY))])),
    ('x= before t=', times(False, [(b't', b'%d' % NOW), (b'x', b'%d' % (NOW - 1))],
                           [(b'x', b'%d' % (NOW + DAY)), (b't', b'%d' % (NOW + DAY))])),
    ('made with SHA-1', weak('rsa2048', b'rsa-sha1')),
    ('a short key', weak('rsa768', b'rsa-sha256')),
    ('d= or s= in capitals', lambda s, r: s.override.update(
        {b'd': b'EXAMPLE.Com', b's': s.selector.upper()})),
    ('the selector has dots', lambda s, r: setattr(s, 'selector', s.selector + b'.sub')),
    ('d= is no name', set_tag(b'd', b'exa mple..com', b'.example.com', b'', b'a@example.com',
                              malformed=True)),
    ('a= is unknown', set_tag(b'a', b'rsa-md5', b'rsa', b'dsa-sha256', b'', malformed=True)),
    ('a= in capitals', lambda s, r: setattr(s, 'algorithm', s.algorithm.upper())),
    ('c= in capitals', lambda s, r: setattr(s, 'c', (s.c or b'simple').title())),
    ('no tag at all', lambda s, r: (s.extra.append((b'junk', b'1')), s.override.update(
        {b'junk': b'1;;'}), setattr(s, 'malformed', True))),
]


def tag(s, name):
    found = re.search(rb'(?:^|;)\s*' + name + rb'\s*=([^;]*)', s.field[1])
    return found and found[1].strip()


def untold(s, fields):
    """libopendkim cannot judge such a field, and so we cannot (common/auth/dkim.c)."""
    at = next(i for i, f in enumerate(fields) if f is s.field)
    below = sum(f[0].lower() == b'dkim-signature' for f in fields[at + 1:])
    return sum(n.lower() == b'dkim-signature' for n in s.names) > below or \
        re.search(rb'(^|;)\s*(b\s+|[^=;\s]+b)=', s.field[1]) is not None


def letter(s, fields, body):
    """What the result has to be: a set of words."""
    if s.malformed:
        return {'neutral'}
    too_long = s.length is not None and s.length > len(canonical_body(s.body, body))
    empty = {'neutral'} if 'b= is no base64' in s.oddities else set()
    if untold(s, fields):
        return {'temperror'} | empty
    if KEY_RESULT.get(s.key, 'fail') != 'fail':
        # what else is wrong may be found first
        return {KEY_RESULT[s.key], 'temperror' if tag(s, b't') in (b'0', b'1') else '',
                'fail' if too_long else ''} | empty
    if s.key in ('t s', 't y:s') and s.identity and \
            s.identity.rpartition(b'@')[2].lower() != DOMAIN:
        return {'permerror'}
    if tag(s, b't') in (b'0', b'1'):
        return {'temperror'} | empty
    header, hashed = s.covers(fields, body)
    if 'b= is no base64' in s.oddities:
        return {'fail', 'neutral'}
    if s.key == 'wrong' or 'b= is another' in s.oddities or 'bh= is another' in s.oddities:
        return {'fail'}
    if too_long:
        return {'fail'}
    if (header, hashed) != s.signed:
        return {'fail'}
    return {'policy' if s.policy else 'pass'}


# ---- the judges --------------------------------------------------------------------------


class Dkimpy:
    def __init__(self):
        import dkim
        self.dkim = dkim
        dkim.time = type('Clock', (), {'time': staticmethod(lambda: NOW)})

    def __call__(self, case):
        def lookup(name, timeout=5):
            texts = case['zone'].get(name.decode().rstrip('.').lower(), [])
            if texts is None:
                raise self.dkim.DnsTimeoutError('timeout')
            return ''.join(texts[0]).encode() if texts else None
        return [self.one(case['message'], i, lookup) for i in range(len(case['signatures']))]

    def one(self, message, number, lookup):
        try:
            verifier = self.dkim.DKIM(message, minkey=1024)
            return 'pass' if verifier.verify(idx=number, dnsfunc=lookup) else 'no', ''
        except Exception as error:  # whatever it stumbles over
            return 'no', repr(error)[:100]


PERL = r'''
use strict; use warnings; use JSON::PP; use MIME::Base64;
BEGIN { $SIG{__WARN__} = sub {}; *CORE::GLOBAL::time = sub { return 1790000000; }; }
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
no warnings 'redefine';
our ($zone, @read);
*Mail::DKIM::DNS::query = sub {
	my ($name, $type) = @_;
	my $texts = exists $zone->{lc $name} ? $zone->{lc $name} : [];
	die "DNS query timeout\n" unless defined $texts;
	return map { Net::DNS::RR->new(owner => 'x', type => 'TXT', txtdata => $_) } @$texts;
};
my $parse = \&Mail::DKIM::Signature::parse;
*Mail::DKIM::Signature::parse = sub {
	my $signature = eval { $parse->(@_) };
	my $why = $@;
	push @read, $signature;
	die $why unless $signature;
	return $signature;
};
while (my $line = <STDIN>) {
	my $case = decode_json($line);
	$zone = $case->{zone}; @read = ();
	my $verifier = Mail::DKIM::Verifier->new(Strict => 1);
	my $done = eval { $verifier->PRINT(decode_base64($case->{message})); $verifier->CLOSE; 1 };
	print encode_json([ map { [ $_ ? $_->result || 'none' : 'invalid',
	    $_ ? $_->result_detail || "$@" : 'cannot be read' ] } @read ]), "\n";
}
'''

NODE = r'''
const { dkimVerify } = require(MAILAUTH + '/lib/dkim/verify');
const lines = require('readline').createInterface({ input: process.stdin });
const fail = code => Object.assign(new Error(code), { code });
let last = Promise.resolve();
async function judge(c) {
	const resolver = async name => {
		const texts = name.toLowerCase() in c.zone ? c.zone[name.toLowerCase()] : [];
		if (texts === null) throw fail('ETIMEOUT');
		if (!texts.length) throw fail('ENOTFOUND');
		return texts;
	};
	const r = await dkimVerify(Buffer.from(c.message, 'base64'), { resolver, strict: true,
		minBitLength: 1024, curTime: new Date(1790000000000) });
	return r.results.map(s => [s.status.result, s.status.comment || '']);
}
lines.on('line', line => {
	last = last.then(() => judge(JSON.parse(line)))
		.then(r => process.stdout.write(JSON.stringify(r) + '\n'))
		.catch(e => process.stdout.write(JSON.stringify([['error', e.message]]) + '\n'));
});
'''


class Piped:
    """A judge that reads a file with a case on each line while others are at work."""

    def __init__(self, command, path):
        with open(path, 'rb') as cases:
            self.process = subprocess.Popen(command, stdin=cases, stdout=subprocess.PIPE,
                                            stderr=subprocess.DEVNULL, text=True)

    def results(self):
        output, _ = self.process.communicate()
        return [json.loads(line) for line in output.splitlines()]


def ours(folder, cases):
    """Our results, for each case a list of (result, reason)."""
    batch = os.environ.get('DKIM_BATCH') or \
        os.path.join(os.environ.get('builddir', '.'), 't/auth/dkim-batch')
    batch = os.path.abspath(batch)
    files = []
    with open(os.path.join(folder, 'zone'), 'w', encoding='ascii') as file:
        for case in cases:
            file.write(zone_text(case['zone']))
    for number, case in enumerate(cases):
        files.append('%d.eml' % number)
        with open(os.path.join(folder, files[-1]), 'wb') as file:
            file.write(case['message'])
    done = subprocess.run([batch, str(NOW), 'zone'] + files, cwd=folder, stdout=subprocess.PIPE,
                          text=True, check=True)
    results = [[] for _ in cases]
    for line in done.stdout.splitlines():
        name, _, result, _, reason = line.split('\t')
        results[int(name.partition('.')[0])].append((result, reason))
    return results


def zone_text(zone):
    quote = lambda text: '"' + text.replace('\\', '\\\\').replace('"', '\\"') + '"'
    lines = []
    for name, texts in zone.items():
        if texts is None:
            lines.append(f';; TIMEOUT {name}')
        else:
            lines += [f'{name} TXT ' + ' '.join(map(quote, strings)) for strings in texts]
    return ''.join(line + '\n' for line in lines)


# ---- the reasons for differences ----------------------------------------------------------

def odd(*names):
    return lambda case, s, mine, theirs: any(name in s.oddities for name in names)


def key(*names):
    return lambda case, s, mine, theirs: s.key in names


def dkimpy_hash(case, s, mine, theirs):
    """Fields in which dkimpy empties another part than the value of b=, or cuts off the end."""
    body = s.field[1]
    return body.startswith(b'b') or re.search(rb'(^|;)\s*b\s*=[^;]*\s;', body) or \
        (s.header == 'simple' and body != body.rstrip())


def second_from(case, s, mine, theirs):
    fields = sum(f[0].lower() == b'from' for f in case['fields'])
    return fields > sum(name.lower() == b'from' for name in s.names)


def no_line_end(how, ending):
    return lambda case, s, mine, theirs: s.body == how and 'body' in theirs[1] and \
        re.search(ending, case['body'])


# Which judge, who says pass where the other does not, why, and whether that is so here:
# asked in this order.  Where we stand, and why, is said for each in docs/deviations.md.
WE, THEY = True, False
REASONS = [
    ('dkimpy', THEY, 'does not read h= of the key', key('h other', 'h unknown')),
    ('dkimpy', THEY, 'does not read the flag s of the key', key('t s', 't y:s')),
    ('dkimpy', THEY, 'takes one of several records', key('two records')),
    ('dkimpy', THEY, 'does not ask that From is signed', odd('h= lacks From')),
    ('dkimpy', THEY, 'accepts SHA-1', odd('made with SHA-1')),
    ('dkimpy', THEY, 'does not hold x= against t=', odd('x= before t=')),
    ('dkimpy', THEY, 'takes an l= of more than there is', odd('l= is more than there is')),
    ('dkimpy', WE, 'knows q= as dns/txt alone', odd('q= has others too')),
    ('dkimpy', WE, 'takes a= and c= for words in small letters',
     odd('a= in capitals', 'c= in capitals')),
    ('dkimpy', WE, 'takes s= of the key for one word', key('s list')),
    ('dkimpy', WE, 'hashes each second From field', second_from),
    ('dkimpy', WE, 'hashes its own field otherwise', dkimpy_hash),
    ('dkimpy', WE, 'keeps blanks before a line end that is missing',
     no_line_end('relaxed', rb'[ \t]$')),
    ('Mail::DKIM', THEY, 'takes what is no list of tags',
     odd('a tag stands twice', 'no tag at all')),
    ('Mail::DKIM', THEY, 'takes what is no list of tags for a key', key('twice a tag')),
    ('Mail::DKIM', THEY, 'reads numbers as Perl does',
     odd('t= or x= is no number', 'l= is no number')),
    ('Mail::DKIM', THEY, 'does not ask that From is signed', odd('h= lacks From')),
    ('Mail::DKIM', THEY, 'takes an l= of more than there is', odd('l= is more than there is')),
    ('Mail::DKIM', THEY, 'takes one of several records', key('two records')),
    ('Mail::DKIM', THEY, 'does not look at t=', odd('in the future', 'x= before t=')),
    ('Mail::DKIM', THEY, 'does without v=, takes others, and does without bh=',
     odd('v= is another', 'a tag is missing')),
    ('Mail::DKIM', WE, 'reads g= (RFC 4871)', key('g empty', 'g other')),
    ('Mail::DKIM', WE, 'knows no blanks beside the colons of a key', key('h list', 's list')),
    ('Mail::DKIM', THEY, 'knows the canonicalization nowsp', odd('c= is unknown')),
    ('Mail::DKIM', WE, 'takes l=0, and any l= of an empty body, for no limit',
     lambda case, s, mine, theirs: s.length == 0 or
     s.length is not None and canonical_body('simple', case['body']) == b'\r\n'),
    ('Mail::DKIM', WE, 'adds no line end that is missing', no_line_end('simple', rb'[^\n]$')),
    ('mailauth', THEY, 'takes an l= of more than there is', odd('l= is more than there is')),
    ('mailauth', THEY, 'does not hold t= against its clock', odd('in the future')),
    ('mailauth', THEY, 'takes one of several records', key('two records')),
    ('mailauth', THEY, 'takes c=simple/ for c=simple', odd('c= is unknown')),
    ('mailauth', WE, 'asks that v= is the first tag of a key', key('v last')),
    ('mailauth', WE, 'ends at c=/simple, for all signatures', lambda case, s, mine, theirs:
     theirs[0] == 'error' and any('c= is unknown' in t.oddities for t in case['signatures'])),
]


def reason(judge, case, signature, mine, theirs):
    if mine == 'temperror' and (untold(signature, case['fields']) or
                                tag(signature, b't') in (b'0', b'1')):
        return 'we cannot tell'
    for who, passes, name, applies in REASONS:
        if who == judge and passes == (mine == 'pass') and \
                applies(case, signature, mine, theirs):
            return name
    return None


def show(case, number, lines):
    s = case['signatures'][number]
    print(f'--- signature {number}: key {s.key!r}, {s.kind}, odd: {s.oddities}')
    for line in lines:
        print('   ', line)
    message = case['message']
    print(message[:3000].decode('latin-1').replace('\r\n', '$\n').replace('\t', '\\t') +
          ('...' if len(message) > 3000 else '^'))
    print(zone_text(case['zone']))


def compare(options, cases, mine, others):
    counts, faults = collections.Counter(), 0
    for number, case in enumerate(cases):
        if len(mine[number]) != len(case['signatures']):
            sys.exit(f'{len(mine[number])} results for {len(case["signatures"])} signatures')
        for i, s in enumerate(case['signatures']):
            result, why = mine[number][i]
            counts['the letter', result] += 1
            if result not in case['expected'][i]:
                counts['the letter', 'DIFFERS'] += 1
                faults += 1
                if faults <= options.most:
                    show(case, i, [f'has to be {case["expected"][i]}', f'ours {result} ({why})'])
            for judge, results in others:
                if judge == 'Mail::DKIM' and s.kind == 'ed25519':
                    continue
                answers = results[number]
                theirs = answers[0] if answers[:1] and answers[0][0] == 'error' else \
                    answers[i] if i < len(answers) else ['no', 'no answer']
                counts[judge, 'judged'] += 1
                if (theirs[0] == 'pass') == (result == 'pass'):
                    continue
                known = reason(judge, case, s, result, theirs)
                counts[judge, known or 'NO REASON'] += 1
                faults += known is None
                shown = known == options.show if options.show else \
                    known is None and faults <= options.most
                if shown:
                    show(case, i, [f'ours {result} ({why})', f'{judge} {theirs}'])
    for (who, what), count in sorted(counts.items()):
        print(f'{count:6} {who}: {what}')
    return faults


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--cases', type=int, default=1500)
    parser.add_argument('--seed', type=int, default=6376)
    parser.add_argument('--show')
    parser.add_argument('--most', type=int, default=5, help='how many differences are printed')
    options = parser.parse_args()
    print(f'seed {options.seed}, {options.cases} messages')
    generator = Generator(random.Random(options.seed))
    cases = [generator.case() for _ in range(options.cases)]
    absent, others, piped = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, 'cases')
        with open(path, 'w', encoding='ascii') as file:
            for case in cases:
                message = base64.b64encode(case['message']).decode()
                file.write(json.dumps({'message': message, 'zone': case['zone']}) + '\n')
        for name, command in (('Mail::DKIM', ['perl', '-e', PERL]
                               if judges.perl_has('Mail::DKIM::Verifier') else None),
                              ('mailauth', judges.mailauth_command(NODE))):
            if command:
                piped.append((name, Piped(command, path)))
            else:
                absent.append(name)
        mine = ours(folder, cases)
        try:
            dkimpy = Dkimpy()
            others.append(('dkimpy', [dkimpy(case) for case in cases]))
        except ImportError:
            absent.append('dkimpy')
        others += [(name, judge.results()) for name, judge in piped]
    faults = compare(options, cases, mine, others)
    faults += judges.missing(absent)
    print(f'{len(cases) - min(faults, len(cases))} passed, {faults} failed')
    return 1 if faults else 0


if __name__ == '__main__':
    sys.exit(main())
