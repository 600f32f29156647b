"""store_sql.py - the tables and questions that the tests of the three SQL stores share."""

import store_lab as lab

SCHEMA = """
CREATE TABLE mailbox (address VARCHAR(255), local_part VARCHAR(255), domain VARCHAR(255));
INSERT INTO mailbox VALUES ('ann@example.com', 'ann', 'example.com');
INSERT INTO mailbox VALUES ('bob@example.com', 'bob', 'example.com');
INSERT INTO mailbox VALUES ('o''hara@example.com', 'o''hara', 'example.com');
INSERT INTO mailbox VALUES ('per%cent@example.com', 'per%cent', 'example.com');
INSERT INTO mailbox VALUES ('J\u00f6rg@example.com', 'J\u00f6rg', 'example.com');
CREATE TABLE alias (address VARCHAR(255), kind VARCHAR(20), target VARCHAR(255), login VARCHAR(255));
INSERT INTO alias VALUES ('info@example.com', NULL, 'ann@example.com', NULL);
INSERT INTO alias VALUES ('info@example.com', NULL, 'x@other.example', 'ann');
INSERT INTO alias VALUES ('list@example.com', 'list', NULL, NULL);
INSERT INTO alias VALUES ('away@example.com', 'forward-only', 'x@other.example', NULL);
INSERT INTO alias VALUES ('team@example.com', 'mailbox', NULL, 'ann');
INSERT INTO alias VALUES ('team@example.com', 'mailbox', NULL, 'bob');
INSERT INTO alias VALUES ('odd@example.com', 'nonsense', NULL, NULL);
INSERT INTO alias VALUES ('@catch.example', 'catch-all', NULL, NULL);
CREATE TABLE sender (address VARCHAR(255), owners VARCHAR(255));
INSERT INTO sender VALUES ('ann@example.com', 'ann, boss');
INSERT INTO sender VALUES ('nobody@example.com', '');
CREATE TABLE served (domain VARCHAR(255), alias_of VARCHAR(255));
INSERT INTO served VALUES ('example.com', NULL);
INSERT INTO served VALUES ('alias.example', 'example.com');
"""
MAILBOXES = 5

OPTIONS = {
    "query": "SELECT NULL AS type, NULL AS target, NULL AS login FROM mailbox "
             "WHERE local_part = %{local_part} AND domain = %{domain} UNION ALL "
             "SELECT kind, target, login FROM alias WHERE address = %{address}",
    "logins_query": "SELECT owners FROM sender WHERE address = %{address}",
    "domain_query": "SELECT alias_of AS target, '100%%' AS x FROM served WHERE domain = %{domain}",
}

BAD_OPTIONS = [
    (dict(query=None, logins_query=None, domain_query=None), "needs one of query"),
    ({"query": "SELECT 1"}, "no placeholder"),
    ({"query": "SELECT 1 WHERE a = '%{address}'"}, "takes no quotes"),
    ({"query": 'SELECT 1 WHERE a = "%{address}"'}, "takes no quotes"),
    ({"query": "SELECT 1 WHERE a = 'x''%{address}'"}, "takes no quotes"),
    ({"query": "SELECT 1 /* %{address} */"}, "takes no quotes"),
    ({"query": "SELECT 1 -- %{address}"}, "takes no quotes"),
    ({"query": "SELECT 1 WHERE a = '%s'"}, "percent sign"),
    ({"query": "SELECT 1 WHERE a = %u"}, "percent sign"),
    ({"query": "SELECT 1 WHERE a = %{adress}"}, "percent sign"),
    ({"query": "SELECT 'x WHERE a = %{address}"}, "quotes"),
    ({"query": "SELECT 1 WHERE %{address} = 'x"}, "without an end"),
    ({"query": "SELECT 1" + " + %{address}" * 21}, "too many"),
]


def check_answers(ask):
    lab.check_table(ask, [
        ("ann@example.com", "found mailbox /"), ("bob@example.com", "found mailbox /"),
        ("o'hara@example.com", "found mailbox /"), ("per%cent@example.com", "found mailbox /"),
        ("J\u00f6rg@example.com", "found mailbox /"),
        ("info@example.com", "found alias ann@example.com,x@other.example /ann"),
        ("list@example.com", "found list /"), ("team@example.com", "found mailbox /ann,bob"),
        ("away@example.com", "found forward-only x@other.example /"),
        ("@catch.example", "found catch-all /"), ("odd@example.com", "permfail"),
        ("nobody@example.com", "notfound"), ("@example.com", "notfound"), ("ann", "notfound"),
        ("ann@other.example", "notfound")])
    lab.check_table(ask, [("ann@example.com", "found logins /ann,boss"),
                          ("nobody@example.com", "found logins /"),
                          ("bob@example.com", "notfound")], "logins")
    lab.check_table(ask, [("example.com", "found domain"),
                          ("alias.example", "found alias-domain example.com"),
                          ("other.example", "notfound")], "domain")


def check_injections(ask):
    lab.check_injections(ask)
    lab.check_injections(ask, "logins", [k for k in lab.INJECTIONS if k != "nobody@example.com"])
    lab.check_injections(ask, "domain")


def check_queries(kind, place):
    """Queries that cannot be answered, and what a row may look like."""
    rows = [
        ("SELECT 1 FROM nowhere WHERE a = %{address}", "permfail"),
        ("SELECT nothing FROM mailbox WHERE address = %{address}", "permfail"),
        ("SELEKT %{address}", "permfail"),
        ("SELECT address AS target FROM mailbox WHERE %{address} = 'a@b' ORDER BY 1",
         "found alias J\u00f6rg@example.com,ann@example.com,bob@example.com,o'hara@example.com,"
         "per%cent@example.com"),
        ("SELECT 'a@x, b@x' AS TARGETS, 'l1 l2' AS Logins FROM mailbox "
         "WHERE address = 'ann@example.com' AND %{domain} = 'b'", "found alias a@x,b@x /l1,l2"),
        ("SELECT a.address AS target FROM mailbox a, mailbox b, mailbox c, mailbox d, mailbox e "
         "WHERE %{address} = 'a@b'", "tempfail"),
        ("SELECT 'alias' AS type FROM mailbox WHERE address = 'ann@example.com' "
         "AND %{address} = 'a@b'", "found alias"),
        ("SELECT 'domain' AS type FROM mailbox WHERE %{address} = 'a@b'", "permfail"),
        ("SELECT " + ", ".join("%d AS c%d" % (i, i) for i in range(51)) +
         " FROM mailbox WHERE %{address} = 'a@b'", "permfail"),
    ]
    for query, wanted in rows:
        ask = lab.Ask(kind, dict(place, query=query))
        got = ask("a@b")
        if len(got.targets) == MAILBOXES:  # in an order that is the database's own
            lab.check("all rows", sorted(got.targets), sorted(wanted[12:].split(",")))
        else:
            lab.check("%s: %s (%s)" % (kind, query[:90], got.why), got.short(), wanted)
        lab.check("again", ask("a@b").status, wanted.split()[0])
        if wanted == "tempfail":
            lab.check("too many rows: of the key alone", ask("a@b").of_key, True)
        if "nowhere" in query:
            lab.check("no such table: of the store", ask("a@b").of_key, False)
        lab.check_end(ask)
