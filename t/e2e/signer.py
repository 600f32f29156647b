"""A real signer for the lab: OpenDKIM on loopback, and the keys it signs with."""
import base64
import os
import pwd
import subprocess

from lab import Failure, find_program, wait_until
from servers import accepts, daemon_user


class Key:
    """A key pair: its private file, and the record that publishes the other half."""

    def __init__(self, lab, name, kind="rsa", bits=2048):
        self.algorithm = f"{kind}-sha256"
        self.path = os.path.join(lab.folder("keys"), name)
        options = ["-pkeyopt", f"rsa_keygen_bits:{bits}"] if kind == "rsa" else []
        openssl("genpkey", "-quiet", "-algorithm", kind, *options, "-out", self.path)
        os.chmod(self.path, 0o600)
        os.chown(self.path, pwd.getpwnam(daemon_user()).pw_uid, -1)
        public = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        if kind == "ed25519":
            public = public[-32:]  # RFC 8463 4: the bare key, without what tells its kind
        self.record = f"v=DKIM1; k={kind}; p={base64.b64encode(public).decode()}"

    def private(self):
        with open(self.path, "rb") as f:
            return f.read()


def openssl(*arguments):
    done = subprocess.run(["openssl", *arguments], capture_output=True, check=False)
    if done.returncode != 0:
        raise Failure(f"openssl {arguments[0]}: {done.stderr.decode()}")
    return done.stdout


class Signature:
    """A row of a signing table: mail from this domain and its subdomains is signed so."""

    def __init__(self, author, domain, selector, key):
        self.author, self.domain, self.selector, self.key = author, domain, selector, key


class Signer:
    """An OpenDKIM that signs with one algorithm, by a signing table."""

    @staticmethod
    def missing():
        for program in ("opendkim", "openssl"):
            if not find_program(program):
                return f"{program} is not installed: ./quickstart packages test"
        return None

    def __init__(self, lab, name, algorithm, signatures):
        self.process, self.name, self.port = None, name, lab.port()
        self.log_file = lab.path(f"{name}.log")
        keys = "".join(f"{s.author} {s.domain}:{s.selector}:{s.key.path}\n" for s in signatures)
        table = "".join(f"{s.author} {s.author}\n.{s.author} {s.author}\n" for s in signatures)
        self.config = lab.write(f"{name}.conf", "\n".join([
            "Mode s", f"Socket {self.socket()}", f"UserID {daemon_user()}", "Syslog no",
            # Everybody may write to /tmp, above the keys.
            "RequireSafeKeys no",
            f"SignatureAlgorithm {algorithm}", "Canonicalization relaxed/simple", "MinimumKeyBits 512",
            f"KeyTable file:{lab.write(f'{name}.keys', keys)}",
            f"SigningTable file:{lab.write(f'{name}.signing', table)}",
            f"TemporaryDirectory {lab.folder(name, mode=0o700, owner=daemon_user())}",
            ]) + "\n")
        lab.at_end.append(self.stop)

    def stop(self):
        # It has nothing to finish, and takes up to five seconds to notice SIGTERM.
        if self.process:
            self.process.kill()
            self.process.wait()

    def socket(self):
        return f"inet:{self.port}@127.0.0.1"

    def milter(self):
        """As Postfix writes it."""
        return f"inet:127.0.0.1:{self.port}"

    def filter(self):
        """As Sendmail writes it."""
        return f"INPUT_MAIL_FILTER(`{self.name}', `S={self.socket()}, F=T, T=C:10s;S:10s;R:20s;E:1m')dnl\n"

    def start(self):
        with open(self.log_file, "ab") as log:
            self.process = subprocess.Popen([find_program("opendkim"), "-f", "-x", self.config],
                                            stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("OpenDKIM's port", self.answers)
        return self

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log_file, encoding="utf-8", errors="replace") as f:
                raise Failure(f"opendkim ended with status {self.process.returncode}: {f.read()[-1000:]}")
        return accepts(self.port)
