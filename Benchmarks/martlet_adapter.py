"""The daemon as a target of the comparison harness: a rootless process tree of an ordinary user.

    BENCH_PEERS=DIR HARNESS/run local Benchmarks/martlet_adapter.py postfix opensmtpd

MARTLET_BIN names the directory of the built programs. Started by root, the programs are copied to where
the user of the daemon (MARTLET_USER, default the user with uid 2000, else nobody) can read them: the daemon
never delivers as root. Durability is at its default. Relaying and TLS are left out of the configuration.
"""
import os, pathlib, pwd, re, shutil, signal, subprocess, time
from benchlib import Target, TMP, NUSERS, BIN, die_with_parent, now

PROGRAMS = ("smtpd", "smtpctl", "sendmail", "mail.agent", "sendmail-offline")


def daemon_user():
    """Who runs the daemon: whoever started the benchmark, or an ordinary user instead of root."""
    if os.getuid() != 0: return pwd.getpwuid(os.getuid())
    name = os.environ.get("MARTLET_USER")
    if name: return pwd.getpwnam(name)
    try: return pwd.getpwuid(2000)
    except KeyError: return pwd.getpwnam("nobody")


class Adapter(Target):
    name = "martlet"
    default_limit = "descriptors; 1000 sessions per client"
    port = int(os.environ.get("MARTLET_PORT", "2500"))
    modes = ("daemon",)

    def __init__(self, root=None):
        self.source = pathlib.Path(root or os.environ.get("MARTLET_BIN", ".build/release"))
        self.user = daemon_user()
        # Two builds can be compared in one run: MARTLET_BIN, and the adapter's path with =DIRECTORY.
        self.dir = TMP / ("martlet-" + str(self.source.resolve()).strip("/").replace("/", "-"))
        self.bin = self.dir / "bin"; self.spool = self.dir / "spool"; self.mail = self.dir / "mail"
        self.conf = self.dir / "smtpd.conf"; self.p = None
        self.env = dict(os.environ, MARTLET_SPOOL=str(self.spool), HOME=str(self.dir))

    def prepare(self):
        shutil.rmtree(self.dir, ignore_errors=True)
        self.bin.mkdir(parents=True)
        for program in PROGRAMS: shutil.copy2(self.source / program, self.bin / program)
        TMP.chmod(0o755); BIN.chmod(0o755)
        self.own(self.dir)
        cg = pathlib.Path("/sys/fs/cgroup/cpuacct/bench-%d-martlet" % os.getpid())
        try:
            cg.mkdir(exist_ok=True); self.cgroup = cg
        except OSError: self.cgroup = None

    def own(self, path):
        if os.getuid() == 0: os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def configuration(self):
        return '''
table catchall {{ "@bench.test" = "{u}", "@elsewhere.test" = "{u}" }}
listen on 127.0.0.1 port {p} hostname "mx.bench.test"
action "local" maildir "{m}/%{{rcpt.user}}" virtual <catchall> user "{u}"
action "other" maildir "{d}/other/%{{rcpt.user}}" virtual <catchall> user "{u}"
match from any for domain "bench.test" action "local"
match from any for domain "elsewhere.test" action "other"
'''.format(d=self.dir, m=self.mail, u=self.user.pw_name, p=self.port)

    def start(self, max_conn=None):
        for d in (self.spool, self.mail):
            d.mkdir(exist_ok=True); self.own(d)
        self.conf.write_text(self.configuration()); self.conf.chmod(0o644)
        t0 = now()
        err = open(TMP / "martlet.err", "ab")
        self.p = subprocess.Popen(self.run_argv([str(self.bin / "smtpd"), *self.flags, "-f", str(self.conf)]),
                                  env=self.env, start_new_session=True, stdin=subprocess.DEVNULL,
                                  stdout=subprocess.DEVNULL, stderr=err, preexec_fn=die_with_parent)
        return self.wait_port(t0)

    # Logs to standard error, as a service under a supervisor does.
    flags = ("-d",)

    def stop(self):
        if not self.p: return
        # The command that changes the user becomes the daemon, so this is its process.
        self.p.terminate()
        try: self.p.wait(15)
        except subprocess.TimeoutExpired: os.killpg(self.p.pid, signal.SIGKILL); self.p.wait()
        self.p = None

    def close(self):
        self.stop()
        try: self.cgroup and self.cgroup.rmdir()
        except OSError: pass

    def reset(self):
        for d in (self.spool, self.mail, self.dir / "other"): shutil.rmtree(d, ignore_errors=True)

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
        """PSS in KiB by title of the process."""
        r = {}
        for p in self.pids():
            try:
                title = open("/proc/%d/cmdline" % p, "rb").read().split(b"\0")[0].decode()
                pss = [int(l.split()[1]) for l in open("/proc/%d/smaps_rollup" % p) if l.startswith("Pss:")][0]
            except OSError: continue
            title = title.rsplit("/", 1)[-1]
            r[title] = r.get(title, 0) + pss
        return r

    def maildirs(self): return [str(self.mail / ("u%d" % i)) for i in range(NUSERS)]

    def run_argv(self, argv, user=None):
        if os.getuid() != 0: return ["env", "MARTLET_SPOOL=" + str(self.spool), *argv]
        cg = "echo $$ >%s/tasks; " % self.cgroup if self.cgroup else ""
        return ["sh", "-c", cg + 'MARTLET_SPOOL="$1" HOME="$2"; export MARTLET_SPOOL HOME; shift 2; exec "$@"', "sh",
                str(self.spool), str(self.dir), "setpriv", "--pdeathsig", "KILL", "--reuid", str(self.user.pw_uid),
                "--regid", str(self.user.pw_gid), "--clear-groups", "--", *argv]

    def mailq(self): return [str(self.bin / "smtpctl"), "show", "queue"]
    def flush(self): return [str(self.bin / "smtpctl"), "schedule", "all"]
    def sendmail(self): return [str(self.bin / "sendmail"), "-t"]

    def statistics(self):
        p = subprocess.run(self.run_argv([str(self.bin / "smtpctl"), "show", "stats"]), stdout=subprocess.PIPE, text=True)
        return {k: int(v) for k, v in re.findall(r"^(\S+?)=(-?\d+)$", p.stdout, re.M)}

    def queued(self): return self.statistics().get("queue.message", 0)
    def offline(self): return sum(len(f) for _, _, f in os.walk(self.spool / "offline"))
