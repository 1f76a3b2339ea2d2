import Glibc
import Platform

/// Table programs for servers under test: installed beside the daemon, where it looks for them.
package enum TablePrograms {
    /// Installs a program of a type.
    ///
    /// - Parameter text: A script, with its `#!` line.
    package static func install(_ type: String, _ text: String) throws {
        let path = "\(Programs.directory)/table-\(type)"
        let file = try Files.open(path, O_WRONLY | O_CREAT | O_TRUNC, mode: 0o755)
        try Files.writeAll(file, Array(text.utf8))
        _ = try checked("chmod") { chmod(path, 0o755) }
    }

    /// A program that speaks in lines. Its configuration has lines `SERVICE KEY VALUE`; the keys `!SERVICE` register a
    /// service without an entry. Some keys make it misbehave: `die`, `nonsense`, `flood`, `fail`, `noise`,
    /// and `leave`, which hangs up a while before the end. What it is asked it tells on standard error.
    package static let lines = #"""
        #!/usr/bin/python3 -u
        import os, signal, sys, time

        def read():
            table, services = {}, []
            for line in open(sys.argv[1]):
                service, key, value = (line.rstrip("\n").split(" ", 2) + ["", ""])[:3]
                if service not in services:
                    services.append(service)
                table.setdefault(service, {})[key] = value
            return table, services

        table, services = read()
        for line in sys.stdin:
            if line == "config|ready\n":
                break
        for service in services:
            print("register|" + service)
        print("register|ready")
        rounds = {}
        for line in sys.stdin:
            fields = line.rstrip("\n").split("|", 4)
            operation, rest = fields[4].split("|", 1)
            if operation == "update":
                table, services = read()
                print("update-result|" + rest + "|ok")
                continue
            service, number, key = (rest.split("|", 2) + [""])[:3]
            sys.stderr.write("asked for %s of %s\n" % (operation, "secret" if service == "auth" else key))
            entries = table.get(service, {})
            if key == "die":
                os._exit(3)
            if key == "leave":
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                os.close(0)
                os.close(1)
                time.sleep(0.3)
                os._exit(4)
            if key == "nonsense":
                print("what?")
                continue
            if key == "flood":
                while True:
                    sys.stdout.write("x" * 65536)
            if key == "noise":
                for i in range(100000):
                    sys.stderr.write("noise %d\n" % i)
            if key == "fail":
                print("%s-result|%s|error|the database is asleep" % (operation, number))
            elif operation == "fetch":
                keys = sorted(k for k in entries if not k.startswith("!"))
                turn = rounds[service] = rounds.get(service, -1) + 1
                print("fetch-result|%s|%s" % (number, "found|" + keys[turn % len(keys)] if keys else "not-found"))
            elif key not in entries:
                print("%s-result|%s|not-found" % (operation, number))
            elif operation == "check":
                print("check-result|%s|found" % number)
            else:
                print("lookup-result|%s|found|%s" % (number, entries[key]))

        """#

    /// The same in the frames of OpenSMTPD before 7.6, over standard input alone.
    package static let frames = #"""
        #!/usr/bin/python3
        import os, socket, struct, sys

        table = {}
        codes = {"alias": 1, "credentials": 4, "userinfo": 16, "source": 32}
        for line in open(sys.argv[1]):
            service, key, value = line.rstrip("\n").split(" ", 2)
            table[(codes[service], key)] = value
        wire = socket.socket(fileno=0)

        def take(count):
            data = b""
            while len(data) < count:
                more = wire.recv(count - len(data))
                if not more:
                    os._exit(0)
                data += more
            return data

        def answer(content):
            wire.sendall(struct.pack("=IHHII", 0, 16 + len(content), 0, 0, os.getpid()) + content)

        while True:
            kind, length, flags, peer, process = struct.unpack("=IHHII", take(16))
            if length < 16 or length > 16384:
                os._exit(0)
            content = take(length - 16)
            if kind == 2:
                version, = struct.unpack("=I", content[:4])
                assert version == 2 and len(content) == 2052
                answer(b"")
            elif kind == 4:
                answer(struct.pack("=i", 1))
            else:
                service, parameters = struct.unpack("=IQ", content[:12])
                assert parameters == 0
                key = content[12:-1].decode()
                found = (service, key) in table
                if kind == 5:
                    answer(struct.pack("=i", 1 if found else 0))
                elif found:
                    answer(struct.pack("=i", 1) + table[(service, key)].encode() + b"\0")
                else:
                    answer(struct.pack("=i", 0))

        """#
}
