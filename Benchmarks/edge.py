"""Suites tls and attack of Benchmarks/run: what TLS costs, and how a listener in the open fares.

tls: handshakes a second, and the processor time that each process of the daemon spends on one, beside two roofs.
`sign_per_s` is the signature alone, as `openssl speed` times it, and `of_sign` how much of that the slowest process
would do with a core of its own. But a handshake with forward secrecy also makes an ephemeral key and derives a secret:
`roof_per_s` is the sum of the three (X25519, which is what clients offer first; `tlsload speed`, for openssl speed times
no keys), and `of_roof` the slowest process against it; `crypto_of_sign` is the process that signs against what it is for.
With an RSA key the signature is most of a handshake, with one on P-256 a tenth: what is left is the library's own
work, which no server on top of it can leave out. Therefore `own_ms`, measured in the same run: what the library takes
for the same handshake, greeting and goodbye in a server that does nothing else and has the key in its own process
(`tlsload serve`). `of_own` is that against the slowest process, `own_times_full` what resuming a session gains there.
Resuming by TLS 1.2 saves the signature, the key and the secret. By TLS 1.3 it saves the signature alone, for the secret
is new each time (psk_dhe_ke, RFC 8446 section 4.2.9) and so are all keys that hang on it: three times is out of reach of
any server on OpenSSL 3.0 with keys of the usual sizes, as `own_times_full` shows.

attack: memory of thousands of idle sessions, and how long the visit of an honest client takes (connection, greeting,
message; median and 99th percentile in milliseconds) while others attack.
"""
import json, os, pathlib, re, socket, ssl, struct, subprocess, sys, threading, time

HERE = pathlib.Path(__file__).resolve().parent


def build(scratch):
    tool = scratch + "/tlsload"
    subprocess.run([os.environ.get("CC", "cc"), "-O2", "-o", tool, str(HERE / "tlsload.c"), "-lssl", "-lcrypto"], check=True)
    return tool


def signatures(kind):
    """Signatures a second of one core, as openssl says."""
    out = subprocess.run(["openssl", "speed", "-mr", "-seconds", "2", kind], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    # +F2:NUMBER:BITS:SIGN:VERIFY, and +F4 for curves, in operations a second.
    return float(re.search(r"^\+F[24]:\d+:\d+:([\d.e-]+):", out, re.M).group(1))


def cpu_by_role(d):
    used = {}
    for p in d.pids():
        try:
            title = open("/proc/%d/cmdline" % p, "rb").read().split(b"\0")[0].decode().rsplit("/", 1)[-1]
            # Nanoseconds on a processor, which clock ticks are too coarse for.
            spent = int(open("/proc/%d/schedstat" % p).read().split()[0]) / 1e9
        except (OSError, IndexError): continue
        used[title] = used.get(title, 0) + spent
    return used


def ephemeral(tool):
    """Seconds of one core for a key on X25519 and a secret derived with it."""
    r = json.loads(subprocess.run([tool, "speed"], stdout=subprocess.PIPE, text=True).stdout)
    return 1 / r["keygen"] + 1 / r["derive"]


def handshakes(tool, port, kind, version, cpu, count=2000):
    """Visits of eight clients; what they saw, and the milliseconds that each cost by the function `cpu`."""
    before = cpu()
    r = json.loads(subprocess.run([tool, "handshakes", str(port), str(count), "8", kind] + [version] * (version == "tls1.2"),
                                  stdout=subprocess.PIPE, text=True).stdout)
    after = cpu()
    return r, {t: 1e3 * (after[t] - before.get(t, 0)) / max(1, r["good"]) for t in after}


def tls(d, tool, say):
    good = True
    for key in ("rsa2048", "ecdsap256"):
        d.key = key
        d.start(); time.sleep(0.5)
        own = subprocess.Popen([tool, "serve", str(d.port + 3), *(str(d.dir / (key + ending)) for ending in (".pem", ".key"))],
                               stdout=subprocess.PIPE, text=True)
        own.stdout.readline()
        def own_cpu(): return {"own": int(open("/proc/%d/schedstat" % own.pid).read().split()[0]) / 1e9}
        for port in (d.port + 1, d.port + 3):
            subprocess.run([tool, "handshakes", str(port), "40", "4", "full"], stdout=subprocess.DEVNULL)
        for version in ("tls1.3", "tls1.2"):
            full_ms = own_full_ms = None
            for kind in ("full", "resumed"):
                # Half before and half after, since the machine may have other work.
                sign, rest = signatures(key), ephemeral(tool)
                r, ms = handshakes(tool, d.port + 1, kind, version, lambda: cpu_by_role(d))
                own_r, own_ms = handshakes(tool, d.port + 3, kind, version, own_cpu)
                sign, rest = (sign + signatures(key)) / 2, (rest + ephemeral(tool)) / 2
                roof = 1 / (1 / sign + rest)
                crypto, dispatcher = ms.get("smtpd: crypto", 0), ms.get("smtpd: dispatcher", 0)
                total, own_ms = sum(ms.values()), own_ms["own"]
                if kind == "full": full_ms, own_full_ms = total, own_ms
                slowest = 1e3 / max(crypto, dispatcher)
                say("tls", key=key, version=version, kind=kind, good=r["good"], bad=r["bad"], resumed=r["resumed"], per_s=r["rate"],
                    crypto_ms=crypto, dispatcher_ms=dispatcher, daemon_ms=total, client_ms=1e3 * r["client_cpu"] / max(1, r["good"]),
                    own_ms=own_ms, own_per_s=own_r["rate"],
                    **(dict(sign_per_s=sign, roof_per_s=roof, crypto_of_sign=1e3 / crypto / sign, of_sign=slowest / sign,
                            of_roof=slowest / roof, of_own=own_ms / max(crypto, dispatcher)) if kind == "full" else
                       dict(times_full=full_ms / total, own_times_full=own_full_ms / own_ms)))
                good = good and r["bad"] == 0 and (kind == "full" or r["resumed"] > 0.9 * r["good"])
        own.kill(); own.wait()
        d.stop()
    return good


def proxied(client): return b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(client) + bytes((127, 0, 0, 1)) + struct.pack(">HH", 12345, 25)


def visit(d, first=None):
    """One honest client; the seconds it took."""
    t0 = time.monotonic()
    s = socket.create_connection(("127.0.0.1", d.port + 2 if first else d.port), 60); s.settimeout(60)
    f = s.makefile("rb")
    def expect(code):
        while True:
            line = f.readline()
            if line[3:4] != b"-": break
        if line[:3] != code: raise OSError("%r instead of %r" % (line, code))
    if first: s.sendall(first)
    expect(b"220")
    for line, code in ((b"EHLO honest.test", b"250"), (b"MAIL FROM:<a@honest.test>", b"250"), (b"RCPT TO:<u1@bench.test>", b"250"),
                       (b"DATA", b"354"), (b"Subject: x\r\n\r\nx\r\n.", b"250")):
        s.sendall(line + b"\r\n"); expect(code)
    s.close()
    return time.monotonic() - t0


class Flood:
    """An attack by processes of their own, as long as the block lasts."""
    def __init__(self, body, at_once=4):
        self.body, self.at_once = body, at_once
    def __enter__(self):
        self.children = []
        for number in range(self.at_once):
            pid = os.fork()
            if pid == 0:
                try:
                    while True:
                        try: self.body(number)
                        except OSError: pass
                finally: os._exit(0)
            self.children.append(pid)
        time.sleep(1)
    def __exit__(self, *_):
        for pid in self.children: os.kill(pid, 9); os.waitpid(pid, 0)


def attack(d, tool, say):
    d.key = "rsa2048"
    d.start()
    def connect(port=0): s = socket.create_connection(("127.0.0.1", d.port + port), 5); s.settimeout(5); return s
    def measured(what, count=40, **more):
        took, lost = [], 0
        for number in range(count):
            # From a network that does not flood.
            try: took.append(visit(d, proxied((198, 51, 100, number))))
            except OSError: lost += 1
        took.sort()
        say("attack", under=what, visits=len(took), lost=lost, p50_ms=1e3 * took[len(took) // 2] if took else -1.0,
            p99_ms=1e3 * took[-1] if took else -1.0, **more)
        return lost == 0

    for _ in range(20): visit(d)
    good = measured("nothing")
    # Idle sessions.
    for word, wanted, argv in (("tls", 2000, [tool, "hold", str(d.port + 1), "2000"]), ("clear", 10000, [d.load, "idle", str(d.port), "10000"])):
        before = sum(d.roles().values()); dispatcher = d.roles().get("smtpd: dispatcher", 0)
        p = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        r = json.loads(p.stdout.readline()); time.sleep(1)
        roles = d.roles()
        good = measured("%d idle sessions (%s)" % (wanted, word), held=r.get("held", r.get("idle")), lost_sessions=r["lost"],
                        kib_each=(sum(roles.values()) - before) / wanted, dispatcher_mib=roles.get("smtpd: dispatcher", 0) / 1024) and good
        p.stdin.close(); p.wait(); time.sleep(2)
    heard = {}
    def connections(number):
        s = connect(2); s.sendall(proxied((192, 0, 2, number))); s.recv(99); s.close()
    def handshakes(number):
        context = ssl._create_unverified_context(); context.wrap_socket(connect(1)).close()
    def commands(number):
        s = connect(2); s.sendall(proxied((192, 0, 3, number)) + b"NOOP\r\n" * 5000)
        while s.recv(65536): pass
    def recipients(number):
        s = connect(2); s.sendall(proxied((192, 0, 4, number))); s.recv(99)
        s.sendall(b"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\n" + b"RCPT TO:<u1@bench.test>\r\n" * 20000 + b"QUIT\r\n")
        while s.recv(65536): pass
    def giants(number):
        s = connect(2); s.sendall(proxied((192, 0, 5, number))); s.recv(99)
        for _ in range(1000): s.sendall(b"x" * 65536)
    def deaf(number):
        held = []
        for client in range(90):
            s = connect(2); s.sendall(proxied((192, 0, 6, number))); s.recv(99)
            s.setblocking(False)
            try:
                s.sendall(b"EHLO x.test\r\nMAIL FROM:<a@x.test>\r\n")
                while True: s.send(b"RCPT TO:<u1@bench.test>\r\n" * 1000)
            except OSError: held.append(s)
        time.sleep(60)
    def dripping(number):
        held = []
        for client in range(90):
            s = connect(2); s.sendall(proxied((192, 0, 7, number))); held.append(s)
        while True:
            for s in held: s.sendall(b"N")
            time.sleep(0.05)
    for what, body in (("connections", connections), ("handshakes", handshakes), ("commands", commands), ("recipients", recipients),
                       ("giant lines", giants), ("clients that do not read", deaf), ("clients that drip", dripping)):
        before = d.roles().get("smtpd: dispatcher", 0)
        with Flood(body):
            good = measured("flood: " + what) and good
            peak = d.roles().get("smtpd: dispatcher", 0)
        say("attack", after=what, dispatcher_grown_kib=peak - before)
        time.sleep(1)
    good = measured("nothing, afterwards") and good
    d.stop()
    return good
