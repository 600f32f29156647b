"""Directory servers for the lab, which can fail: a socketmap server of our own, and a real PostgreSQL.

Both know the addresses whose local part begins with "u", in whatever domain.  Nothing
here knows what they are asked for.
"""
import os
import pwd
import signal
import socket
import subprocess
import threading
import time

from lab import Failure, find_program, wait_until

# ---- socketmap ---------------------------------------------------------------


class Socketmap:
    """A server of socketmap_table(5) in threads of ours; what it says is up to `answer`."""

    def __init__(self, lab):
        self.port, self.socket, self.open = lab.port(), None, set()
        self.lock, self.answer, self.asked = threading.Lock(), self.truth, 0
        self.start()
        lab.at_end.append(self.stop)

    def start(self):
        self.answer = self.truth
        self.socket = socket.create_server(("127.0.0.1", self.port), backlog=100)
        threading.Thread(target=self.accept, args=(self.socket,), daemon=True).start()

    def stop(self):
        """Nobody listens any more, and all connections end."""
        # shutdown(2) wakes the thread in accept(2), which close(2) would not.
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        with self.lock:
            for connection in self.open:
                connection.shutdown(socket.SHUT_RDWR)

    def accept(self, listening):
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with self.lock:
                self.open.add(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection.makefile("rb") as file:
                for key in iter(lambda: self.read(file), None):
                    self.asked += 1
                    connection.sendall(self.answer(key))
        except OSError:
            pass  # the other side went away, or we were stopped
        with self.lock:
            self.open.discard(connection)
            connection.close()

    @staticmethod
    def read(file):
        """One request, without the name of the table; None at the end."""
        length = b""
        while not length.endswith(b":"):
            octet = file.read(1)
            if not octet:
                return None
            length += octet
        return file.read(int(length[:-1]) + 1)[:-1].partition(b" ")[2]

    # what it may say

    @staticmethod
    def netstring(text):
        return b"%d:%s," % (len(text), text)

    def truth(self, key):
        return self.netstring(b"OK x" if key.startswith(b"u") else b"NOTFOUND ")

    def temporary(self, _):
        return self.netstring(b"TEMP the database is away")

    @staticmethod
    def garbage(_):
        return b"\0\xff NOTFOUND 9:NOTFOUND ,\r\n" * 50

    @staticmethod
    def half(_):
        """As if the connection were lost in the answer, or very slow."""
        return b"9:NOTFO"

    def late(self, seconds):
        """The truth, after so many seconds."""
        def answer(key):
            time.sleep(seconds)
            return self.truth(key)
        return answer


# ---- PostgreSQL --------------------------------------------------------------

POSTGRES = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{folder}'
fsync = off
shared_buffers = 16MB
max_connections = 40
"""

# What a site might have: each address a row.
SCHEMA = """
CREATE ROLE presend LOGIN;
CREATE TABLE mailbox (address text PRIMARY KEY);
INSERT INTO mailbox SELECT 'u' || n || '@load.example' FROM generate_series(0, 9999) n;
GRANT SELECT ON mailbox TO presend;
"""


class Postgres:
    """A PostgreSQL of its own, that can be stopped, started, and held by somebody's lock."""

    @staticmethod
    def program(name):
        versions = sorted(os.listdir("/usr/lib/postgresql")) if os.path.isdir("/usr/lib/postgresql") else []
        return find_program(name, *(f"/usr/lib/postgresql/{version}/bin" for version in reversed(versions)))

    @staticmethod
    def missing():
        if os.getuid() != 0:
            return "PostgreSQL is started as its own user by root only: run this as root"
        if not Postgres.program("postgres"):
            return "PostgreSQL is not installed: ./quickstart packages test"
        return None

    def __init__(self, lab):
        self.port, self.process, self.holder = lab.port(), None, None
        self.user = pwd.getpwnam("postgres")
        self.folder = lab.folder("postgres", owner="postgres")
        self.data, self.log_file = f"{self.folder}/data", f"{self.folder}/log"
        self.run("initdb", "-D", self.data, "-U", "postgres", "-N", "-E", "UTF8", "--locale=C", "-A", "trust")
        with open(f"{self.data}/postgresql.conf", "w", encoding="utf-8") as f:
            f.write(POSTGRES.format(port=self.port, folder=self.folder))
        lab.at_end.append(self.stop)
        self.start()
        self.run(*self.psql(), "-c", SCHEMA)

    def run(self, name, *arguments):
        done = subprocess.run([self.program(name), *arguments], user=self.user.pw_uid, group=self.user.pw_gid,
                              extra_groups=[], cwd="/", capture_output=True, check=False)
        if done.returncode != 0:
            raise Failure(f"{name}: {done.stderr.decode()}")

    def psql(self):
        return "psql", "-h", self.folder, "-p", str(self.port), "-U", "postgres", "-qAt", "-v", "ON_ERROR_STOP=1"

    def start(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([self.program("postgres"), "-D", self.data], user=self.user.pw_uid,
                                            group=self.user.pw_gid, extra_groups=[], cwd="/",
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("PostgreSQL", self.answers)

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"postgres ended with status {self.process.returncode}")
        try:
            self.run(*self.psql(), "-c", "SELECT 1")
        except Failure:
            return False
        return True

    def stop(self):
        """As systemd stops it: sessions are ended at once."""
        self.release()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def hold(self):
        """From now on nobody can read the table: somebody changes it, and takes his time."""
        self.holder = subprocess.Popen([self.program("psql"), *self.psql()[1:]], user=self.user.pw_uid,
                                       group=self.user.pw_gid, extra_groups=[], cwd="/",
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.holder.stdin.write(b"BEGIN; LOCK TABLE mailbox IN ACCESS EXCLUSIVE MODE;\n\\echo held\n")
        self.holder.stdin.flush()
        if self.holder.stdout.readline() != b"held\n":
            raise Failure("psql could not lock the table")

    def release(self):
        if self.holder is not None:
            self.holder.communicate()
            self.holder = None
