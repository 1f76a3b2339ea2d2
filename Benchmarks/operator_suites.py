"""What an operator's questions and orders cost: the history of messages, and selections over a queue that is large.

While an order is carried out a probe sends one message after the other and waits for each to be in its maildir: the longest of
these waits, beside what the same probe sees when nothing else happens, is the stall that the order causes.
"""
import os, smtplib, subprocess, threading, time

PROBED = "u9"


class Probe:
    """Messages that come in and are delivered, one after the other, in a thread of its own."""
    def __init__(self, d):
        self.d = d
        self.stopped = threading.Event()
        self.accepted, self.delivered = [], []
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self):
        new = self.d.mail / PROBED / "new"
        client = None
        while not self.stopped.is_set():
            # A session takes a hundred messages.
            if len(self.accepted) % 50 == 0:
                if client: client.quit()
                client = smtplib.SMTP("127.0.0.1", self.d.port, timeout=120)
            t0 = time.monotonic()
            client.sendmail("probe@client.test", [PROBED + "@bench.test"], "Subject: probe\r\n\r\nx\r\n")
            t1 = time.monotonic()
            while not (new.exists() and any(new.iterdir())): time.sleep(0.001)
            t2 = time.monotonic()
            for file in list(new.iterdir()): file.unlink()
            self.accepted.append(t1 - t0); self.delivered.append(t2 - t0)
            time.sleep(0.002)
        if client: client.quit()

    def __enter__(self):
        self.thread.start()
        time.sleep(0.1)
        return self

    def __exit__(self, *_):
        # One at least that began while the order was carried out has to end.
        self.stopped.set(); self.thread.join()

    def figures(self):
        return dict(probes=len(self.delivered), longest_250_ms=1e3 * max(self.accepted), longest_delivery_ms=1e3 * max(self.delivered))


def control(d, *words):
    """Seconds, and the answer."""
    t0 = time.monotonic()
    # To a file, as fast as it comes: no pipe holds the daemon up.
    with open(d.dir / "answer", "w+b") as file:
        subprocess.run(d.run_argv(d.smtpctl(*words)), stdout=file, stderr=subprocess.STDOUT)
        seconds = time.monotonic() - t0
        file.seek(0)
        return seconds, file.read()


def asked(d, say, suite, name, *words):
    with Probe(d) as probe: seconds, answer = control(d, *words)
    lines = answer.count(b"\n")
    text = answer.decode("utf-8", "replace").strip() if lines == 1 and len(answer) < 60 else "%d lines" % lines
    say(suite, order=name, seconds=seconds, answer='"%s"' % text, **probe.figures())
    return answer


def history(d, load, say, exchange):
    """The rate with and without, in turns; the room on disk; and how long answers take over many records."""
    good = True
    for name, size in (("off", "off"), ("on", "256M"), ("off", "off"), ("on", "256M")):
        d.reset(); d.statements = "queue history %s\n" % size
        d.start(); load("smtp", d.port, 50, 5, 1, 4096, "u%d@bench.test"); time.sleep(1)
        good = exchange(d, "history=" + name, 4000, 10, 20, 4096) and good
        time.sleep(1.5)
        files = d.spool / "queue" / "history"
        if name == "on": say("history", messages=4050, bytes_each=sum(f.stat().st_size for f in files.iterdir()) / 4050)
        d.stop()
    records = int(os.environ.get("BENCH_HISTORY", "200000"))
    for options in ("", "queue compression\n"):
        d.reset(); d.statements = options + "queue history 256M\n"
        d.start()
        subprocess.run(d.run_argv(d.smtpctl("pause", "mta")), stdout=subprocess.DEVNULL)
        # Accepted and queued: two events each.
        load("smtp", d.port, records // 2, 50, 50, 256, "r%d@far.test"); time.sleep(1.5)
        files = d.spool / "queue" / "history"
        say("history", records=records, options='"%s"' % options.strip(), mib=sum(f.stat().st_size for f in files.iterdir()) / (1 << 20))
        with Probe(d) as probe: time.sleep(3)
        say("history", order="nothing", **probe.figures())
        t, listing = control(d, "show", "queue", "to=r7@far.test")
        envelope = listing.splitlines()[len(listing.splitlines()) // 2].split(b"|")[0].decode()
        told = control(d, "history", envelope[:8])[1].decode()
        number = [w for w in told.split() if w.startswith("message-id=")]
        number = number[0].split("=", 1)[1].strip('"') if number else "<none@nowhere.test>"
        asked(d, say, "history", "message", "history", envelope[:8])
        asked(d, say, "history", "envelope", "history", envelope)
        asked(d, say, "history", "message-id", "history", "message-id=" + number)
        asked(d, say, "history", "recipient", "history", "to=r7@far.test")
        asked(d, say, "history", "nobody", "history", "to=nobody@nowhere.test")
        asked(d, say, "history", "all", "history")
        d.stop()
    d.statements = ""
    return good


def selection(d, load, say, _):
    """Lists of and orders about a part of the queue, and about all of it."""
    sizes = [int(n) for n in os.environ.get("BENCH_SELECTION", "100000 1000000").split()]
    for envelopes in sizes:
        each = 100 if envelopes > 200_000 else 10
        d.reset(); d.start()
        subprocess.run(d.run_argv(d.smtpctl("pause", "mta")), stdout=subprocess.DEVNULL)
        load("smtp", d.port, envelopes // each, 20, 50, 256, "r@d%d.far.test", each)
        say("selection", envelopes=d.statistics()["queue.envelope"], mib=sum(d.roles().values()) / 1024)
        with Probe(d) as probe: time.sleep(3)
        say("selection", order="nothing", **probe.figures())
        asked(d, say, "selection", "show queue", "show", "queue")
        for word in ("from=bench@client.test", "from=nobody@nowhere.test", "domain=d3.far.test", "older=1h"):
            asked(d, say, "selection", '"show queue %s"' % word, "show", "queue", word)
        for words in ("domain=d3.far.test", "from=bench@client.test", "older=1s", "all"):
            for order in ("pause envelope", "resume envelope", "schedule"):
                asked(d, say, "selection", '"%s %s"' % (order, words), *order.split(), words)
        for words in ("domain=d3.far.test", "all"): asked(d, say, "selection", '"remove %s"' % words, "remove", words)
        say("selection", envelopes_left=d.statistics()["queue.envelope"])
        d.stop()
    return True
