"""A real name server for the lab: NSD on loopback, with zones given as text.

It can be stopped, held so that it keeps silent, and started again at the same
address.  Nothing here knows what the records are for.
"""
import os
import signal
import socket
import subprocess

from lab import Failure, find_program, wait_until

# What each zone begins with; its negative answers may be kept for a second.
APEX = """$ORIGIN {origin}
$TTL 300
@ SOA ns hostmaster 1 3600 600 86400 1
@ NS ns
ns A 127.0.0.1
"""

# Whatever is asked for has an address, and nothing but that.
EVERYTHING = {".": "* A 192.0.2.1\n"}


def txt(owner, text):
    """A TXT record as a master file has it, in strings of at most 255 octets."""
    pieces = [text[i:i + 255] for i in range(0, len(text), 255)] or [""]
    return f"{owner} TXT " + " ".join(f'"{piece}"' for piece in pieces) + "\n"


class NameServer:
    """
    NSD with zones: a dictionary of name to records (owner names relative to the zone).
    A zone whose records are None is one that the server knows and cannot load: it answers
    SERVFAIL for each name in it.
    """

    @staticmethod
    def missing():
        return None if find_program("nsd") else "NSD is not installed: ./quickstart packages test"

    def __init__(self, lab, zones):
        self.lab, self.process, self.port = lab, None, lab.port()
        self.address = f"127.0.0.1@{self.port}"
        self.folder = lab.folder("nsd")
        self.log_file = lab.path("nsd", "log")
        lines = ["server:", f"  ip-address: {self.address}", '  username: ""', f'  zonesdir: "{self.folder}"',
                 f'  pidfile: "{self.folder}/pid"', '  database: ""', f'  zonelistfile: "{self.folder}/zone.list"',
                 f'  xfrdfile: "{self.folder}/xfrd"', f'  xfrdir: "{self.folder}"', f'  logfile: "{self.log_file}"',
                 # Its limit would drop the load of a test.
                 "  rrl-ratelimit: 0", "  server-count: 1", "remote-control:", "  control-enable: no"]
        for name, records in zones.items():
            file, origin = f"{name.strip('.') or 'root'}.zone", f"{name.rstrip('.')}."
            lines += ["zone:", f'  name: "{name}"', f'  zonefile: "{file}"']
            if records is not None:
                lab.write(f"nsd/{file}", APEX.format(origin=origin) + records)
        self.config = lab.write("nsd/nsd.conf", "\n".join(lines) + "\n")
        lab.at_end.append(self.stop)

    def start(self):
        # NSD is several processes: they get a group of their own, to be signalled together.
        self.process = subprocess.Popen([find_program("nsd"), "-d", "-c", self.config], start_new_session=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until("NSD's port", self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            raise Failure(f"nsd ended with status {self.process.returncode}: {self.log()[-1000:]}")
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0

    def log(self):
        try:
            with open(self.log_file, encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def pause(self):
        """From now on it keeps silent; what is asked meanwhile waits in its socket."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)

    def stop(self):
        if self.process is None or self.process.poll() is not None:
            return
        self.resume()
        os.killpg(self.process.pid, signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def everything_exists(lab):
    """For tests about something else: the lines of a configuration by which all names exist, and nobody signs."""
    names = NameServer(lab, EVERYTHING).start()
    return f'resolver = {{ "{names.address}" }}\ncheck "dkim.signed" {{ action = log }}\n'


class SilentServer:
    """An address of loopback at which all that is asked is swallowed."""

    def __init__(self, lab):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1@{self.socket.getsockname()[1]}"
        lab.at_end.append(self.socket.close)
