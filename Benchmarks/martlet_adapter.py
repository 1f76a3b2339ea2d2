"""The daemon as a target of the comparison harness.

    BENCH_PEERS=DIR HARNESS/run local Benchmarks/martlet_adapter.py postfix opensmtpd

MARTLET_BIN names the directory of the built programs; the adapter's path with =DIRECTORY names another, so
that two builds can be compared in one run.
"""
import os, pathlib, sys
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from benchlib import BIN, TMP, Target
from daemon import Daemon


class Adapter(Daemon, Target):
    default_limit = "descriptors; 1000 sessions per client"
    modes = ("daemon",)

    def __init__(self, root=None):
        source = pathlib.Path(root or os.environ.get("MARTLET_BIN", ".build/release")).resolve()
        Daemon.__init__(self, source, TMP / ("martlet-" + str(source).strip("/").replace("/", "-")))

    def prepare(self):
        Daemon.prepare(self)
        TMP.chmod(0o755); BIN.chmod(0o755)

    def memory(self):
        r = self.roles()
        return sum(r.values()), Target.memory(self)[1], len(self.pids())

    def mailq(self): return self.smtpctl("show", "queue")
    def flush(self): return self.smtpctl("schedule", "all")
    def queued(self): return self.statistics().get("queue.message", 0)
    def offline(self): return sum(len(f) for _, _, f in os.walk(self.spool / "offline"))
