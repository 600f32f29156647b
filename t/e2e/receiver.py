"""An independent receiver's view of mail: python3-dkim, asking the lab's name server."""
import re

import dkim
import dns.exception
import dns.resolver


def verified(data, names):
    """The domains whose signatures of this message verify."""
    def ask(name, timeout=5):
        return txt(names, name.decode().rstrip("."))

    domains = set()
    for index in range(signature_count(data)):
        verifier = dkim.DKIM(data, minkey=1024)
        try:
            # RFC 8301 3.1 forbids to accept rsa-sha1, which python3-dkim still does.
            if verifier.verify(index, ask) and verifier.signature_fields[b"a"] != b"rsa-sha1":
                domains.add(verifier.domain.decode())
        except dkim.DKIMException:
            pass  # no key, a malformed one, one too short, or none could be asked for
    return sorted(domains)


def txt(names, name):
    """The first TXT record at a name, its strings joined; None where there is none."""
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], names.port
    try:
        return b"".join(resolver.resolve(name, "TXT", lifetime=5)[0].strings)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return None
    except dns.exception.DNSException as why:
        raise dkim.DnsTimeoutError(str(why)) from why


def field_count(data, name):
    """How many header fields have that name (in lower case)."""
    return len(re.findall(rb"^" + name + rb"[ \t]*:", data.partition(b"\r\n\r\n")[0].lower(), re.MULTILINE))


def signature_count(data):
    return field_count(data, b"dkim-signature")


# OpenDKIM writes Authentication-Results over a From that it cannot parse.
ADDED_ON_THE_WAY = (b"received", b"dkim-signature", b"authentication-results")


def without_added(data, sent):
    """The octets without the trace and the signatures that the way has put on top of what was sent."""
    added = {name: field_count(data, name) - field_count(sent, name) for name in ADDED_ON_THE_WAY}
    lines = data.split(b"\r\n")
    while added.get(name := lines[0].partition(b":")[0].lower()):
        added[name] -= 1
        del lines[0]
        while lines[0][:1] in (b" ", b"\t"):
            del lines[0]
    return b"\r\n".join(lines)


def sign(message, key, domain, selector, algorithm="rsa-sha256"):
    """The message with a signature that it carries before it is submitted."""
    line = dkim.sign(message, selector.encode(), domain.encode(), key.private(), canonicalize=(b"relaxed", b"simple"),
                     signature_algorithm=algorithm.encode())
    return line + message
