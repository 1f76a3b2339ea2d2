import Platform
import ServerTesting
import Testing

extension RealProcesses {
    @Suite("Sockets of a service manager (sd_listen_fds(3))") struct SocketActivationTests {
        /// A service manager: opens what it is told, keeps that open as long as the command runs, and becomes the command.
        private static let manager = """
            import fcntl, os, socket, sys

            def listener(family, address, shared=False):
                sock = socket.socket(family, socket.SOCK_STREAM)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if shared: sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6: sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                sock.bind(address)
                sock.listen(100)
                return sock.detach()

            def bound(kind, port):
                sock = socket.socket(socket.AF_INET, kind)
                sock.bind(("127.0.0.1", port))
                return sock.detach()

            def high(descriptor): return fcntl.fcntl(descriptor, fcntl.F_DUPFD, 60)

            split = sys.argv.index("--")
            names, opened, process, count = [], [], None, None
            for word in sys.argv[1:split]:
                kind, _, value = word.partition("=")
                if kind == "pid": process = value; continue
                if kind == "count": count = value; continue
                if kind == "tcp": descriptor = listener(socket.AF_INET, ("127.0.0.1", int(value)))
                elif kind == "twin": descriptor = listener(socket.AF_INET, ("127.0.0.1", int(value)), True)
                elif kind == "both": descriptor = listener(socket.AF_INET6, ("::", int(value)))
                elif kind == "path": descriptor = listener(socket.AF_UNIX, value)
                elif kind == "deaf": descriptor = bound(socket.SOCK_STREAM, int(value))
                elif kind == "udp": descriptor = bound(socket.SOCK_DGRAM, int(value))
                elif kind == "file": descriptor = os.open("/dev/null", os.O_RDWR)
                names.append(kind)
                opened.append(high(descriptor))
                os.close(descriptor)
            end, life = os.pipe()
            if os.fork() == 0:
                os.close(life)
                os.read(end, 1)
                os._exit(0)
            os.set_inheritable(high(life), True)
            for number, descriptor in enumerate(opened): os.dup2(descriptor, 3 + number, inheritable=True)
            environment = dict(os.environ, LISTEN_PID=process or str(os.getpid()),
                LISTEN_FDS=count or str(len(opened)), LISTEN_FDNAMES=":".join(names))
            os.execve(sys.argv[split + 1], sys.argv[split + 1:], environment)
            """

        private func pass(_ words: [String], to server: Server) throws {
            try server.scratch.write("manager.py", Self.manager)
            server.launcher = ["/usr/bin/python3", server.scratch.path + "/manager.py"] + words + ["--"]
        }

        private func metricsAnswer(on port: UInt16) throws -> String {
            try Programs.run("/usr/bin/curl", ["-s", "http://127.0.0.1:\(port)/metrics"], environment: [], identity: nil).output
        }

        @Test func `sockets that were passed serve in place of ours, over reloads too`() async throws {
            let other = try Server.freePort(), metrics = try Server.freePort()
            let server = try Server.standard(more: "listen on 127.0.0.1 port \(other)\nmetrics on 127.0.0.1 port \(metrics)\n")
            try pass(["tcp=\(server.port)", "tcp=\(metrics)"], to: server)
            // The manager listens already: we could not.
            try await server.start()
            #expect(server.log.contains("socket tcp of the service manager taken for 127.0.0.1:\(server.port)"))
            #expect(server.log.contains("socket tcp of the service manager taken for 127.0.0.1:\(metrics)"))
            let client = try server.client()
            try client.greet()
            #expect(try client.deliver(from: "ada@client.example", to: ["alice@test.example"], "Subject: x\r\n\r\nx\r\n").code == 250)
            #expect(try SMTPClient(port: other).greet().code == 250)
            #expect(try metricsAnswer(on: metrics).contains("martlet_"))

            let text = server.standardConfiguration(more: "metrics on 127.0.0.1 port \(metrics)\n")
            #expect(try server.control("reload").code == 0)
            #expect(try server.client().greet().code == 250)
            try server.configure(text.replacing("port \(server.port)", with: "port \(other)"))
            #expect(try server.control("reload").code == 0)
            #expect(try SMTPClient(port: other).greet().code == 250)
            try server.configure(text)
            let back = try server.control("reload")
            #expect(back.code == 0, "\(back)")
            #expect(try server.client().greet().code == 250)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `what nobody asked for, or cannot listen, is named and closed`() async throws {
            let twin = try Server.freePort(), stray = try Server.freePort(), deaf = try Server.freePort(), both = try Server.freePort()
            let server = try Server.standard(more: "listen on 127.0.0.1 port \(twin)\n")
            let path = server.scratch.path + "/socket"
            try pass(
                ["twin=\(twin)", "twin=\(twin)", "tcp=\(stray)", "deaf=\(deaf)", "udp=\(server.port)", "both=\(both)", "path=\(path)", "file"],
                to: server)
            try await server.start()
            for line in [
                "socket twin of the service manager taken for 127.0.0.1:\(twin)",
                "socket twin of the service manager closed: it is the second one for 127.0.0.1:\(twin)",
                "socket tcp of the service manager closed: nothing in the configuration listens on 127.0.0.1:\(stray)",
                "socket deaf of the service manager closed: it does not listen",
                "socket udp of the service manager closed: it is no socket of TCP",
                "socket both of the service manager closed: it takes IPv4 along with IPv6 (BindIPv6Only=ipv6-only parts them)",
                "socket path of the service manager closed: it is no socket of IPv4 or IPv6",
                "socket file of the service manager closed: it is no socket",
            ] { #expect(server.log.contains(line), "\(line)\n\(server.log)") }
            #expect(try server.client().greet().code == 250)
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `what is for another process is left alone, and nonsense ends the start`() async throws {
            let server = try Server.standard()
            for (words, reason) in [
                (["pid=1"], "bind to 127.0.0.1:\(server.port): Address already in use"),
                (["pid=x"], "LISTEN_PID=x: not the number of a process"),
                (["count=many"], "LISTEN_FDS=many: not a number of descriptors up to 1024"),
                (["count=2"], "LISTEN_FDS counts descriptor 4, which is not open"),
            ] {
                try pass(["tcp=\(server.port)"] + words, to: server)
                try server.launch()
                #expect(try await server.ended() == .exited(1))
                #expect(server.log.contains(reason), "\(server.log)")
            }
        }
    }
}
