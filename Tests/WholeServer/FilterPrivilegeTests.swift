import Glibc
import Platform
import ServerTesting
import Testing

extension WholeServer {
    @Suite("Filters of a daemon started by root", .enabled(if: PrivilegedServer.isPossible, "needs root and mount namespaces"))
    struct FilterPrivilegeTests {
        private static let program = """
            #!/bin/sh
            echo 'register|filter|smtp-in|connect'; echo 'register|ready'
            { id; env; grep -E '^(NoNewPrivs|CapEff|Groups|SigIgn)' /proc/self/status; ls /proc/self/fd; ps -o pid=,sid= -p $$; } >&2
            while IFS='|' read -r kind version time in phase session token rest; do
            [ "$kind" = filter ] && echo "filter-result|$session|$token|proceed"
            done

            """

        @Test func `a program has its user and group, an empty environment, and a session of its own`() async throws {
            let server = try PrivilegedServer(
                listener: "filter f",
                statements: "filter f proc-exec \"@DIR@/filter\" user \(PrivilegedServer.ann.name) group \(PrivilegedServer.ben.name)")
            try server.scratch.write("filter", Self.program, mode: 0o755)
            try await server.start()
            try SMTPClient(port: server.port).greet()
            let ann = PrivilegedServer.ann
            let ben = PrivilegedServer.ben
            try await server.eventually("what it is") { server.log.contains("f: CapEff") }
            let lines = server.log.split(separator: "\n").filter { $0.contains(" f: ") || $0.hasPrefix("f: ") }
            let said = lines.map { String($0.drop { $0 != ":" }.dropFirst(2)) }.map { $0.hasPrefix("f: ") ? String($0.dropFirst(3)) : $0 }
            #expect(said.contains { $0.hasPrefix("uid=\(ann.uid)(\(ann.name)) gid=\(ben.uid)(\(ben.name)) groups=\(ben.uid)(\(ben.name))") }, "\(said)")
            #expect(said.contains { $0.contains("CapEff:") && $0.contains("0000000000000000") })
            #expect(said.contains { $0.contains("USER=\(ann.name)") } && !said.contains { $0.contains("MARTLET") })
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `a program at work in a root directory of its own sees nothing else`() async throws {
            let server = try PrivilegedServer(
                preparation: [
                    // A shell with its libraries, and the program.
                    "mkdir -p @DIR@/jail/bin; cp -L /bin/sh @DIR@/jail/bin/sh; cp @DIR@/jailed @DIR@/jail/jailed",
                    "ldd /bin/sh | grep -o '/[^ )]*' | while read -r f; do mkdir -p @DIR@/jail/$(dirname $f); cp -L $f @DIR@/jail/$f; done",
                    "chown -R root:root @DIR@/jail; chmod -R go+rX @DIR@/jail",
                ],
                listener: "filter j",
                statements: "filter j proc-exec \"/jailed with words\" user \(PrivilegedServer.ann.name) chroot \"@DIR@/jail\"")
            try server.scratch.write(
                "jailed",
                """
                #!/bin/sh
                echo 'register|filter|smtp-in|mail-from'; echo 'register|ready'
                echo "words $*; at $(pwd); sees" /* >&2
                while IFS='|' read -r kind version time in phase session token rest; do
                [ "$kind" = filter ] && echo "filter-result|$session|$token|reject|550 5.7.1 from inside"
                done

                """, mode: 0o755)
            try await server.start()
            let client = try SMTPClient(port: server.port)
            try client.greet()
            #expect(try client.command("MAIL FROM:<a@client.example>").text == "550 5.7.1 from inside")
            try await server.eventually("what it sees") { server.log.contains("j: words with words; at /; sees /bin /jailed /lib") }
            #expect(!server.log.contains("/etc"))
            let started = try #require(server.log.split(separator: "\n").first { $0.contains("filter j started, process ") })
            let process = try #require(started.split(separator: " ").last.flatMap { pid_t($0) })
            let ann = PrivilegedServer.ann
            #expect(ProcessTable.status(process, "Uid")?.split(separator: "\t").allSatisfy { $0 == "\(ann.uid)" } == true)
            let root = try Programs.run("/bin/readlink", ["/proc/\(process)/root"], environment: [], identity: nil)
            #expect(root.output.hasPrefix("\(server.scratch.path)/jail"))
            #expect(try await server.stop() == .exited(0))
        }

        @Test func `runs as the daemon's user by default, and sees its root directory alone`() async throws {
            let server = try PrivilegedServer(
                listener: "filter { f, g }",
                statements: "filter f proc-exec \"@DIR@/filter\"\nfilter g proc-exec \"/bin/true\" chroot \"@DIR@/home\" on-failure accept")
            try server.scratch.write("filter", Self.program, mode: 0o755)
            try await server.start()
            try SMTPClient(port: server.port).greet()
            try await server.eventually("who it is") { server.log.contains("f: uid=\(PrivilegedServer.daemon.uid)") }
            // There is no shell in that directory.
            #expect(server.log.contains("filter g cannot be started: execve /bin/sh: No such file or directory"), "\(server.log)")
        }
    }
}
