"""The daemon under measurement: a rootless process tree of an ordinary user on a port of its own.

Durability is at its default. Started by root, the programs are copied to where the user of the daemon
(MARTLET_USER, default the user with uid 2000, else nobody) can read them, since the daemon never delivers as
root. Other domains than those of the benchmark go to a smarthost on 127.0.0.1 that whoever measures may start. On the
port there is STARTTLS, on the next one TLS from the first octet, and on the one after that a listener behind a proxy,
which lends clients their addresses.
"""
import os, pathlib, pwd, re, shutil, signal, socket, subprocess, time

PROGRAMS = ("smtpd", "smtpctl", "sendmail", "mail.agent", "sendmail-offline")
USERS = 10


def daemon_user():
    """Who runs the daemon: whoever started the benchmark, or an ordinary user instead of root."""
    if os.getuid() != 0: return pwd.getpwuid(os.getuid())
    name = os.environ.get("MARTLET_USER")
    if name: return pwd.getpwnam(name)
    try: return pwd.getpwuid(2000)
    except KeyError: return pwd.getpwnam("nobody")


class Daemon:
    name = "martlet"
    port = int(os.environ.get("MARTLET_PORT", "2500"))
    relay_port = 2600
    cgroup = None
    p = None
    # Which of the two keys the listeners have.
    key = "rsa2048"
    load = None
    # Statements before the rest of the configuration, and options of the listeners in clear.
    statements = ""
    options = ""

    def __init__(self, source, directory):
        """source: where the built programs are; directory: for everything of this run."""
        self.source = pathlib.Path(source)
        self.dir = pathlib.Path(directory)
        self.user = daemon_user()
        self.bin = self.dir / "bin"; self.spool = self.dir / "spool"; self.mail = self.dir / "mail"
        self.conf = self.dir / "smtpd.conf"; self.log = self.dir / "log"
        self.blocked = self.dir / "blocked"

    def prepare(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        self.bin.mkdir(parents=True)
        for program in PROGRAMS: shutil.copy2(self.source / program, self.bin / program)
        # A file where a maildir's parent would be: mail for it is deferred.
        self.blocked.touch()
        for name, kind in (("rsa2048", ["rsa:2048"]), ("ecdsap256", ["ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])):
            subprocess.run(["openssl", "req", "-x509", "-newkey", *kind, "-nodes", "-days", "3650", "-subj", "/CN=mx.bench.test", "-keyout",
                            str(self.dir / name) + ".key", "-out", str(self.dir / name) + ".pem"], check=True, stderr=subprocess.DEVNULL)
            for ending, mode in ((".key", 0o600), (".pem", 0o644)):
                file = pathlib.Path(str(self.dir / name) + ending); file.chmod(mode); self.own(file)
        self.own(self.dir); self.own(self.blocked)
        cgroup = pathlib.Path("/sys/fs/cgroup/cpuacct/bench-%d-martlet" % os.getpid())
        try:
            cgroup.mkdir(exist_ok=True); self.cgroup = cgroup
        except OSError: self.cgroup = None

    def own(self, path):
        if os.getuid() == 0: os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def configuration(self):
        return self.statements + '''
table catchall {{ "@" = "{u}" }}
pki "mx.bench.test" cert "{d}/{k}.pem"
pki "mx.bench.test" key "{d}/{k}.key"
listen on 127.0.0.1 port {p} tls pki "mx.bench.test" hostname "mx.bench.test" {o}
listen on 127.0.0.1 port {p1} smtps pki "mx.bench.test" hostname "mx.bench.test"
listen on 127.0.0.1 port {p2} proxy-v2 hostname "mx.bench.test"
action "local" maildir "{m}/%{{rcpt.user}}" virtual <catchall> user "{u}"
action "relay" relay host "smtp://127.0.0.1:{r}"
action "deferred" maildir "{b}/%{{rcpt.user}}" virtual <catchall> user "{u}"
match from any for domain "bench.test" action "local"
match from any for domain "deferred.test" action "deferred"
match from any for any action "relay"
'''.format(d=self.dir, r=self.relay_port, m=self.mail, b=self.blocked, u=self.user.pw_name, p=self.port, p1=self.port + 1,
           p2=self.port + 2, k=self.key, o=self.options)

    def start(self, max_conn=None):
        """Seconds until the first 220."""
        for d in (self.spool, self.mail):
            d.mkdir(exist_ok=True); self.own(d)
        self.conf.write_text(self.configuration()); self.conf.chmod(0o644)
        t0 = time.monotonic()
        # Logs to standard error, as a service under a supervisor does.
        with open(self.log, "ab") as log:
            self.p = subprocess.Popen(self.run_argv([str(self.bin / "smtpd"), "-d", "-f", str(self.conf)]), cwd="/",
                                      start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=log)
        while time.monotonic() - t0 < 60:
            try:
                s = socket.create_connection(("127.0.0.1", self.port), 30)
                if s.recv(3) == b"220":
                    t = time.monotonic() - t0
                    s.sendall(b"QUIT\r\n"); s.close()
                    return t
            except OSError: pass
            if self.p.poll() is not None: break
            time.sleep(0.001)
        raise RuntimeError("the daemon did not start: see " + str(self.log))

    def stop(self):
        if not self.p: return
        # The command that changes the user becomes the daemon, so this is its process.
        self.p.terminate()
        try: self.p.wait(15)
        except subprocess.TimeoutExpired: os.killpg(self.p.pid, signal.SIGKILL); self.p.wait()
        self.p = None

    def close(self):
        self.stop()
        for d in self.dir.glob("old-*"): shutil.rmtree(d, ignore_errors=True)
        try: self.cgroup and self.cgroup.rmdir()
        except OSError: pass

    def reset(self):
        """Begins with an empty spool and empty mailboxes. What was there goes at the end: a file system looks for a free inode
        among those just freed, and does not take them, so that every new file would cost more than it does."""
        for d in (self.spool, self.mail):
            if d.exists(): d.rename(self.dir / ("old-%d" % len(list(self.dir.glob("old-*")))))

    def pids(self):
        """The daemon and everything below it."""
        if not self.p: return []
        children = {}
        for d in os.listdir("/proc"):
            if d.isdigit():
                try: f = open("/proc/%s/stat" % d).read().rsplit(")", 1)[1].split()
                except OSError: continue
                children.setdefault(int(f[1]), []).append(int(d))
        found, todo = [], [self.p.pid]
        while todo:
            p = todo.pop(); found.append(p); todo += children.get(p, [])
        return found

    def roles(self):
        """PSS in KiB by title of the process; their sum is what the daemon takes."""
        r = {}
        for p in self.pids():
            try:
                title = open("/proc/%d/cmdline" % p, "rb").read().split(b"\0")[0].decode().rsplit("/", 1)[-1]
                pss = [int(l.split()[1]) for l in open("/proc/%d/smaps_rollup" % p) if l.startswith("Pss:")][0]
            except (OSError, IndexError): continue
            r[title] = r.get(title, 0) + pss
        return r

    def cpu(self):
        """CPU seconds so far, of ended children too where a cgroup counts them."""
        if self.cgroup: return int((self.cgroup / "cpuacct.usage").read_text()) / 1e9
        t = 0.0
        for p in self.pids():
            try: f = open("/proc/%d/stat" % p).read().rsplit(")", 1)[1].split()
            except OSError: continue
            t += sum(map(int, f[11:15])) / os.sysconf("SC_CLK_TCK")
        return t

    def delivered(self):
        n = 0
        for d in self.maildirs():
            try: n += len(os.listdir(os.path.join(d, "new")))
            except FileNotFoundError: pass
        return n

    def log_bytes(self):
        """What the queue has written: its segments without the zeros behind their ends, and the files of big bodies."""
        queue = self.spool / "queue"
        return (sum(len(f.read_bytes().rstrip(b"\0")) for f in (queue / "segments").iterdir() if not f.name.startswith("spare"))
                + sum(f.stat().st_size for f in (queue / "large").iterdir()))

    def maildirs(self): return [str(self.mail / ("u%d" % i)) for i in range(USERS)]

    def run_argv(self, argv, user=None):
        """The command as the daemon's user, in its installation and its cgroup."""
        if os.getuid() != 0: return ["env", "MARTLET_SPOOL=" + str(self.spool), *argv]
        join = "echo $$ >%s/tasks; " % self.cgroup if self.cgroup else ""
        return ["sh", "-c", join + 'MARTLET_SPOOL="$1" HOME="$2"; export MARTLET_SPOOL HOME; shift 2; exec "$@"', "sh",
                str(self.spool), str(self.dir), "setpriv", "--pdeathsig", "KILL", "--reuid", str(self.user.pw_uid),
                "--regid", str(self.user.pw_gid), "--clear-groups", "--", *argv]

    def smtpctl(self, *words): return [str(self.bin / "smtpctl"), *words]
    def sendmail(self): return [str(self.bin / "sendmail"), "-t"]

    def statistics(self):
        p = subprocess.run(self.run_argv(self.smtpctl("show", "stats")), stdout=subprocess.PIPE, text=True)
        return {k: int(v) for k, v in re.findall(r"^(\S+?)=(-?\d+)$", p.stdout, re.M)}
