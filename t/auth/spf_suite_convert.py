#!/usr/bin/python3
# Turns the YAML of the RFC 7208 test suite into the plain text that
# t/unit/test_spf.c reads:
#
#	spf_suite_convert.py rfc7208-tests.yml rfc7208-tests.LICENSE >rfc7208.suite
#
# Needed only when the suite changes; wants python3-yaml.
#
# A scenario begins with "== description"; its records follow in the syntax of
# a records file.  A case begins with "-- name"; then "key value" lines: helo,
# ip, from, result (several acceptable ones with blanks between), explanation.
# Octets that are not printable ASCII are written \DDD everywhere.
#
# Records of type SPF are written as TXT where the name has no TXT of its own,
# as the suite asks; "TXT: NONE" is one that stands for none.

import sys
import yaml

HEAD = """\
# The RFC 7208 test suite, turned into plain text by spf_suite_convert.py.
# Everything below is the suite's; its licence:
#
"""


def escape(text, also=""):
    out = ""
    for octet in text.encode("latin-1"):
        char = chr(octet)
        if octet < 0x20 or octet > 0x7E or char == "\\" or char in also:
            out += "\\%03d" % octet
        else:
            out += char
    return out


def name_of(text):
    text = text.rstrip(".")
    return escape(text, ' ;"()') + "." if text else "."


def rdata(rtype, value):
    if rtype == "TXT":
        strings = [value] if isinstance(value, str) else value
        return " ".join('"%s"' % escape(s, '"') for s in strings)
    if rtype == "MX":
        return "%d %s" % (value[0], name_of(value[1]))
    if rtype in ("PTR", "CNAME"):
        return name_of(value)
    return value


def records(owner, entries):
    pairs = [next(iter(e.items())) for e in entries if isinstance(e, dict)]
    has_txt = any(rtype == "TXT" for rtype, _ in pairs)
    lines = [";; TIMEOUT " + name_of(owner)] if "TIMEOUT" in entries else []
    for rtype, value in pairs:
        if rtype == "SPF":
            if has_txt:
                continue
            rtype = "TXT"
        if value == "NONE" or value == []:
            continue
        lines.append("%s IN %s %s" % (name_of(owner), rtype, rdata(rtype, value)))
    return lines


def case(name, data):
    results = data["result"]
    if isinstance(results, str):
        results = [results]
    pairs = [("helo", escape(data["helo"])), ("ip", data["host"]),
             ("from", escape(data["mailfrom"])), ("result", " ".join(results))]
    if "explanation" in data:
        # the suite's word for an exp= that must not be used
        none = data["explanation"] == "DEFAULT"
        pairs.append(("explanation", "" if none else escape(data["explanation"])))
    return ["", "-- " + name] + [" ".join(pair).rstrip() for pair in pairs]


def main():
    print(HEAD, end="")
    for line in open(sys.argv[2]):
        print(("# " + line.rstrip()).rstrip())
    for scenario in yaml.safe_load_all(open(sys.argv[1], "rb")):
        print("\n== " + scenario["description"])
        for owner, entries in scenario["zonedata"].items():
            for line in records(owner, entries):
                print(line)
        for name, data in scenario["tests"].items():
            print("\n".join(case(name, data)))


main()
