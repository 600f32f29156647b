#!/usr/bin/python3
"""The store sqlite: a database of one's own, its writer beside it, another file in its place."""

import os
import sqlite3
import threading

import store_lab as lab
import store_sql as sql


def make(path, wal=False):
    db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    if wal:
        db.execute("PRAGMA journal_mode = WAL")
    db.executescript(sql.SCHEMA)
    return db


def test_file(where):
    path = where.path + "/b.db"
    options = dict(sql.OPTIONS, path=path)
    ask = lab.Ask("sqlite", options)
    lab.check("no file", ask("ann@example.com").status, "tempfail")
    make(path).close()
    lab.check("there it is", ask("ann@example.com").status, "found")
    other = make(where.path + "/c.db")
    other.execute("DELETE FROM mailbox")
    other.close()
    os.rename(where.path + "/c.db", path)
    lab.check("another file in its place", ask("ann@example.com").short(), "notfound")
    os.unlink(path)
    lab.check("gone", ask("ann@example.com").status, "tempfail")
    where.file("b.db", "this is no database\n" * 100)
    lab.check("no database", ask("ann@example.com").status, "permfail")
    where.file("b.db", "")
    lab.check("an empty one has no table", ask("ann@example.com").status, "permfail")
    lab.check_end(ask, 'store "t": %s cannot be read\n' % path)


def test_writer(where):
    """A writer's lock is waited for, until the deadline; a reader of a WAL waits for nobody."""
    path = where.path + "/w.db"
    writer = make(path)
    ask = lab.Ask("sqlite", dict(sql.OPTIONS, path=path))
    lab.check("before", ask("ann@example.com").status, "found")
    before = ask.files()
    writer.execute("BEGIN EXCLUSIVE")
    writer.execute("INSERT INTO mailbox VALUES ('new@example.com', 'new', 'example.com')")
    lab.check_late("locked", ask, "ann@example.com")
    timer = threading.Timer(0.3, lambda: writer.execute("COMMIT"))
    timer.start()
    got = ask("new@example.com")
    lab.check("waits for a writer", got.line, lambda _: got.status == "found" and got.ms >= 100)
    timer.join()
    lab.check("descriptors", ask.files(), before)
    lab.check_end(ask)
    writer.close()
    writer = make(where.path + "/wal.db", wal=True)
    ask = lab.Ask("sqlite", dict(sql.OPTIONS, path=where.path + "/wal.db"))
    writer.execute("BEGIN IMMEDIATE")
    writer.execute("INSERT INTO mailbox VALUES ('new@example.com', 'new', 'example.com')")
    lab.check("WAL", ask("ann@example.com").line,
              lambda line: line.startswith("found") and lab.Answer(line).ms < 100)
    lab.check("not committed", ask("new@example.com").status, "notfound")
    writer.execute("COMMIT")
    lab.check("committed", ask("new@example.com").status, "found")
    lab.check_end(ask)
    writer.close()


def test_endless(path):
    ask = lab.Ask("sqlite", {"path": path, "query":
                             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                             "SELECT 1 FROM n WHERE %{address} = i"})
    lab.check_late("a query without an end", ask, "a@b")
    lab.check_end(ask)


def main():
    with lab.Lab() as where:
        path = where.path + "/a.db"
        db = make(path)
        ask = lab.Ask("sqlite", dict(sql.OPTIONS, path=path))
        sql.check_answers(ask)
        sql.check_injections(ask)
        lab.check("the table is there", db.execute("SELECT count(*) FROM mailbox").fetchone()[0],
                  sql.MAILBOXES)
        before = ask.files()
        lab.check("many", ask.line("many 8 200 address ann@example.com").split("\t")[0],
                  "found=1600 notfound=0 tempfail=0 permfail=0")
        lab.check("descriptors and threads", ask.files(), before)
        lab.check_end(ask)
        sql.check_queries("sqlite", {"path": path})
        for query in ("DELETE FROM mailbox WHERE address = %{address}",
                      "SELECT 1 WHERE %{address} = 'x'; DELETE FROM mailbox",
                      "ATTACH DATABASE %{address} AS x", "SELECT load_extension(%{address})",
                      "SELECT :x WHERE %{address} = 'a@b'", "SELECT 1 WHERE %{address} = ?1",
                      "PRAGMA journal_mode = %{address}"):
            ask = lab.Ask("sqlite", {"path": path, "query": query})
            if ask.notes:
                lab.check("refused at the start: " + query, "question mark" in ask.notes, True)
                ask.end()
                continue
            lab.check("not a query that reads: " + query, ask("a@b").status, "permfail")
            lab.check_end(ask)
        lab.check("nothing was written", db.execute("SELECT count(*) FROM mailbox").fetchone()[0],
                  sql.MAILBOXES)
        large = lab.Ask("sqlite", {"path": path, "query":
                                   "SELECT zeroblob(100000000) AS target WHERE %{address} <> ''"})
        lab.check("a value of 100 MB", large("a@b").status, "tempfail")
        lab.check_end(large)
        test_endless(path)
        db.close()
        test_file(where)
        test_writer(where)
    lab.check_options("sqlite", dict(sql.OPTIONS, path="/x"), [
        ({"path": None}, "needs path"), ({"path": "x"}, "absolute")] + sql.BAD_OPTIONS)
    lab.finish()


main()
