#!/usr/bin/python3
"""The store ldap against a slapd of our own: ldap, ldaps, StartTLS and a unix socket."""

import os
import socket
import subprocess
import urllib.parse

import store_lab as lab

CONFIG = """\
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
include /etc/ldap/schema/misc.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {path}/pid
TLSCertificateFile {path}/server.pem
TLSCertificateKeyFile {path}/server.key
sizelimit unlimited
database mdb
directory {path}/data
suffix "dc=example,dc=com"
rootdn "cn=admin,dc=example,dc=com"
rootpw sec'ret
index mail,uid eq
access to dn.subtree="ou=closed,dc=example,dc=com" by * none
access to * by dn.exact="cn=admin,dc=example,dc=com" read by users read by anonymous auth
"""

LDIF = """\
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: example.com

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: ou=closed,dc=example,dc=com
objectClass: organizationalUnit
ou: closed

dn: uid=ann,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: ann
cn: Ann
sn: A
mail: ann@example.com
userPassword: annspassword

dn: uid=bob,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: bob
cn: Bob
sn: B
mail: bob@example.com
mail: robert@example.com

dn: uid=star,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: star
cn: Star
sn: S
mail: s*(t)a\\r@example.com

dn: uid=joerg,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
uid: joerg
cn: J
sn: J
mail: strasse+x@example.com

dn: cn=info,ou=people,dc=example,dc=com
objectClass: organizationalRole
objectClass: inetLocalMailRecipient
cn: info
mailLocalAddress: info@example.com
mailRoutingAddress: ann@example.com

dn: cn=team,ou=people,dc=example,dc=com
objectClass: organizationalRole
objectClass: inetLocalMailRecipient
objectClass: extensibleObject
cn: team
mailLocalAddress: team@example.com
uid: ann
uid: bob

dn: cn=list,ou=people,dc=example,dc=com
objectClass: groupOfNames
objectClass: inetLocalMailRecipient
cn: list
member: uid=ann,ou=people,dc=example,dc=com
mailLocalAddress: list@example.com

dn: cn=all,ou=people,dc=example,dc=com
objectClass: organizationalRole
objectClass: inetLocalMailRecipient
cn: all
mailLocalAddress: @catch.example

"""

FILTERS = {
    "filter": "(|(mail=%{address})(mailLocalAddress=%{address}))",
    "logins_filter": "(|(mail=%{address})(mailLocalAddress=%{address}))",
    "domain_filter": "(&(objectClass=dcObject)(o=%{domain}))",
    "targets": "mailRoutingAddress", "logins": "uid", "list_classes": "groupOfNames",
}

# RFC 4511: a bind response, and pieces of a search's
BOUND = bytes.fromhex("300c02010161070a010004000400")
HALF_ENTRY = bytes.fromhex("3084000001000201026482")


class Slapd(lab.Server):
    def __init__(self, where):
        self.where, self.port, self.tls = where, lab.free_port(), lab.free_port()
        where.folder("data", 0o700)
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext",
                        # libldap over GnuTLS takes localhost for a name of this host
                        "subjectAltName=DNS:localhost,DNS:" + socket.gethostname(),
                        "-keyout", where.path + "/server.key", "-out", where.path + "/server.pem"],
                       stderr=subprocess.DEVNULL, check=True)
        os.chmod(where.path + "/server.key", 0o644)
        config = where.file("slapd.conf", CONFIG.format(path=where.path))
        slapadd = [lab.program("slapadd", "slapd"), "-q", "-f", config]
        ids = {}
        if where.user:
            os.chown(where.path, where.user.pw_uid, where.user.pw_gid)
            ids = dict(user=where.user.pw_uid, group=where.user.pw_gid, extra_groups=[])
        many = "".join("dn: uid=u%d,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\n"
                       "uid: u%d\ncn: u\nsn: u\nmail: many@example.com\n\n" % (i, i)
                       for i in range(1100))
        large = ("dn: uid=large,ou=people,dc=example,dc=com\nobjectClass: inetOrgPerson\n"
                 "uid: large\nuid: %s\ncn: l\nsn: l\nmail: large@example.com\n\n" % ("x" * 70000))
        subprocess.run(slapadd, input=LDIF + many + large, encoding="utf-8", check=True,
                       stderr=subprocess.DEVNULL, **ids)
        self.ipc = where.path + "/ldapi"
        uris = "ldap://127.0.0.1:%d/ ldaps://127.0.0.1:%d/ ldapi://%s" % (
            self.port, self.tls, urllib.parse.quote(self.ipc, safe=""))
        user = ["-u", where.user.pw_name, "-g", str(where.user.pw_gid)] if where.user else []
        super().__init__([lab.program("slapd", "slapd"), "-d", "0", "-f", config, "-h", uris] + user,
                         ("127.0.0.1", self.port), log=where.path + "/log")


def test_uris(where, server, good):
    secret = where.file("password", "sec'ret\n")
    ca = where.path + "/server.pem"
    ldap, ldaps = "ldap://localhost:%d" % server.port, "ldaps://localhost:%d" % server.tls
    rows = [
        ({}, "found"), ({"uri": ldap}, "found"),
        ({"uri": "ldapi://" + urllib.parse.quote(server.ipc, safe="")}, "found"),
        ({"uri": ldap, "tls": "verify", "tls_ca": ca}, "found"),
        ({"uri": ldap, "tls": "yes"}, "found"),
        ({"uri": ldap, "tls": "verify"}, "tempfail"),
        ({"tls": "verify", "tls_ca": ca}, "tempfail"),
        ({"uri": ldaps, "tls_ca": ca}, "found"), ({"uri": ldaps, "tls": "yes"}, "found"),
        ({"uri": ldaps}, "tempfail"),
        ({"uri": "ldaps://127.0.0.1:%d" % server.tls, "tls_ca": ca}, "tempfail"),
        ({"uri": ldaps, "tls_ca": ca + ".none"}, "permfail"),
        ({"password": "wrong"}, "permfail"), ({"bind_dn": "cn=nobody,dc=example,dc=com"}, "permfail"),
        ({"bind_dn": "no name at all"}, "permfail"),
        ({"bind_dn": None, "password": None}, "permfail"),
        ({"password": None, "password_file": secret}, "found"),
        ({"password": None, "password_file": secret + ".none"}, "permfail"),
        ({"password": None, "password_file": "/dev/null"}, "permfail"),
        ({"base": "dc=nowhere"}, "permfail"), ({"base": "ou=none,dc=example,dc=com"}, "permfail"),
        ({"base": "ou=people,dc=example,dc=com", "scope": "one"}, "found"),
        ({"scope": "one"}, "notfound"), ({"scope": "base"}, "notfound"),
        ({"uri": "ldap://no-such-host.invalid"}, "tempfail"),
        ({"uri": "ldap://127.0.0.1:%d" % lab.free_port()}, "tempfail"),
    ]
    for changes, wanted in rows:
        ask = lab.Ask("ldap", {k: v for k, v in dict(good, **changes).items() if v is not None})
        got = ask("ann@example.com")
        lab.check("uri %r: %s" % (changes, got.why), got.status, wanted)
        lab.check("no password in a reason", "sec'ret" in got.line, False)
        lab.check("descriptors", ask.files().split()[1], "threads=1")
        lab.check_end(ask)


def test_options(good):
    lab.check_options("ldap", good, [
        ({"uri": "http://x"}, "uri is no"), ({"uri": "ldap://"}, "with a host"),
        ({"uri": "ldap://x:99999"}, ""), ({"uri": "ldapi://x"}, "no host or path"),
        ({"tls": "maybe"}, "none of"), ({"uri": "ldaps://x", "tls": "no"}, "does not go"),
        ({"bind_dn": None}, "need each other"), ({"password": None}, "need each other"),
        ({"password_file": "/x"}, "both"), ({"base": None}, "needs base"), ({"scope": "x"}, "none of"),
        ({"filter": "(mail=%{address}"}, "no filter"), ({"filter": "mail=%{address}))"}, "no filter"),
        ({"filter": "(mail=%s)"}, "no filter"), ({"filter": "(%{address}=x)"}, "no filter"),
        ({"filter": "(mail=x)(%{address})"}, "no filter"), ({"filter": "(mail=x)"}, "no placeholder"),
        ({"filter": "(mail=%{address})(a=b)"}, "no filter"), ({"filter": "mail=%{address}"}, "no filter"),
        ({"filter": "(&)"}, "no filter"), ({"filter": "(!(a=%{domain})(b=c))"}, "no filter"),
        ({"filter": "(a=\\2%{domain})"}, "no filter"), ({"filter": "(=%{domain})"}, "no filter"),
        ({"filter": "(&" * 30 + "(a=%{domain})" + ")" * 30}, "no filter"),
        ({"logins": None}, "needs logins"), ({"logins": ["u%d" % i for i in range(21)]}, "more than"),
        ({"filter": None, "logins_filter": None, "domain_filter": None}, "needs one of")])


def main():
    user = lab.unprivileged("openldap")
    with lab.Lab(user) as where:
        server = Slapd(where)
        server.start()
        try:
            good = dict(FILTERS, uri="ldap://127.0.0.1:%d" % server.port, base="dc=example,dc=com",
                        bind_dn="cn=admin,dc=example,dc=com", password="sec'ret")
            ask = lab.Ask("ldap", good)
            lab.check_table(ask, [
                ("ann@example.com", "found mailbox /ann"), ("robert@example.com", "found mailbox /bob"),
                ("s*(t)a\\r@example.com", "found mailbox /star"),
                ("strasse+x@example.com", "found mailbox /joerg"),
                ("info@example.com", "found alias ann@example.com /"),
                ("team@example.com", "found mailbox /ann,bob"),
                ("list@example.com", "found list /"), ("@catch.example", "found mailbox /"),
                ("nobody@example.com", "notfound"), ("@example.com", "notfound"),
                ("many@example.com", "tempfail"), ("large@example.com", "tempfail"),
                ("ann@example.com", "found mailbox /ann")])
            lab.check_of_key(ask, ("many@example.com", True), ("large@example.com", True))
            lab.check_table(ask, [("team@example.com", "found logins /ann,bob"),
                                  ("info@example.com", "found logins /"),
                                  ("nobody@example.com", "notfound")], "logins")
            lab.check_table(ask, [("example.com", "found domain"), ("other.example", "notfound")],
                            "domain")
            for service in ("address", "logins", "domain"):
                lab.check_injections(ask, service)
            lab.check_life(ask, server, "ann@example.com")
            lab.check_end(ask)
            ask = lab.Ask("ldap", dict(good, filter="(&(uid=%{local_part})(mail=*@%{domain}))"))
            lab.check("no local part, no question", ask("@example.com").status, "notfound")
            lab.check("two placeholders", ask("ann@example.com").status, "found")
            lab.check("a star is a star", ask("an*@example.com").status, "notfound")
            lab.check_end(ask)
            ask = lab.Ask("ldap", dict(good, uri="ldap://localhost:%d" % server.port, tls="verify",
                                       tls_ca=where.path + "/server.pem"))
            lab.check_life(ask, server, "ann@example.com")
            lab.check_end(ask)
            test_uris(where, server, good)
            test_options(good)
        finally:
            server.stop()

    def hears(octets, then=lab.silent):
        def handler(connection):
            connection.recv(4096)
            connection.sendall(BOUND)
            connection.recv(4096)
            connection.sendall(octets)
            then(connection)
        return handler

    extra = [("half an entry", hears(HALF_ENTRY)), ("half, closed", hears(HALF_ENTRY, lab.closes)),
             ("an entry that drips", hears(HALF_ENTRY, lab.drips(b"\x04"))),
             ("a length beyond all", hears(bytes.fromhex("3084ffffffff0201026482"))),
             ("an answer to nobody", hears(bytes.fromhex("300c0201636507" + "0a010004000400"))),
             ("bound, then silence", hears(b""))]
    for tls in ("no", "yes"):
        lab.check_rude("ldap", lambda s, t=tls: dict(good, uri="ldap://127.0.0.1:%d" % s.port(),
                                                     tls=t), "ann@example.com", extra)
    lab.check_rude("ldap", lambda s: dict(good, uri="ldaps://127.0.0.1:%d" % s.port(), tls="yes"),
                   "ann@example.com")
    lab.finish()


main()
