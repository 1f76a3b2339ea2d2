import Glibc
import Platform
import ServerTesting
import Testing

/// A Dovecot from its Debian package, which is not installed: it sees the machine with its own files over it.
private final class Dovecot {
    let scratch: Scratch
    private var process: pid_t?

    init() throws {
        scratch = try Scratch()
        try scratch.write("users", "ada:{PLAIN}secret\nben:{SSHA256}nonsense\n")
        try scratch.write("dovecot.conf", configuration)
    }

    deinit { end() }

    private var configuration: String {
        let (place, user) = (scratch.path, OrdinaryUser.current.name)
        return """
            base_dir = \(place)/run
            state_dir = \(place)
            log_path = \(place)/log
            protocols =
            ssl = no
            auth_mechanisms = plain login scram-sha-256 cram-md5
            auth_failure_delay = 0
            default_internal_user = \(user)
            default_internal_group = nogroup
            default_login_user = \(user)
            service anvil {
              chroot =
            }
            service stats {
              chroot =
            }
            service auth {
              chroot =
              unix_listener auth-client {
                mode = 0666
              }
            }
            passdb {
              driver = passwd-file
              args = \(place)/users
            }

            """
    }

    /// Where it can run: it has users of its own for its parts, and a mount of its own.
    static let isPossible = geteuid() == 0

    var socket: String { scratch.path + "/run/auth-client" }
    var log: String { scratch.text("log") ?? "" }

    func start() async throws {
        let root = try UnpackedPackage.root(of: "dovecot-core")
        let script = "mount -t overlay -o lowerdir=\(root)/usr:/usr overlay /usr && exec /usr/sbin/dovecot -F -c \(scratch.path)/dovecot.conf"
        let output = try Files.open(scratch.path + "/output", O_WRONLY | O_CREAT | O_APPEND, mode: 0o644)
        let program = ChildProcess(
            path: "/usr/bin/unshare", arguments: ["unshare", "-m", "/bin/sh", "-c", script],
            environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
        process = try program.start(output: output.raw, error: output.raw)
        do {
            try await eventually("Dovecot") { try Files.status(socket) != nil }
        } catch {
            throw ServerFailure("\(error)\n\(scratch.text("output") ?? "")\n\(log)")
        }
    }

    func end() {
        guard let process else { return }
        // Those that authenticate would go on with the connections they have.
        for child in ProcessTable.tree(of: process).dropFirst() { kill(child.id, SIGKILL) }
        kill(process, SIGTERM)
        _ = try? ChildProcess.wait(for: process)
        self.process = nil
        // It leaves them behind.
        try? Files.remove(socket)
    }
}

extension RealProcesses {
    @Suite(
        "Passwords of a Dovecot from its package (auth dovecot PATH)",
        .enabled(if: Dovecot.isPossible, "needs root, for the users that Dovecot's processes run as"))
    struct DovecotTests {
        private func server(_ dovecot: Dovecot) throws -> Server {
            let certificates = try TestCertificates.shared.get()
            return try Server.standard(
                listener: "tls pki mail auth dovecot \"\(dovecot.socket)\"",
                more: """
                    pki mail cert "\(certificates.path("mail.pem"))"
                    pki mail key "\(certificates.path("mail.key"))"

                    """)
        }

        private func msmtp(_ server: Server, _ mechanism: String, password: String = "secret") throws -> Programs.Run {
            try Programs.run(
                "/usr/bin/msmtp",
                [
                    "--file=/dev/null", "--host=127.0.0.1", "--port=\(server.port)", "--from=ada@client.example", "--tls=on",
                    "--tls-starttls=on", "--tls-trust-file=\(try TestCertificates.shared.get().path("authority.pem"))",
                    "--auth=\(mechanism)", "--user=ada", "--passwordeval=echo \(password)", "alice@test.example",
                ], input: "Subject: x\n\nx\n", environment: ["HOME=/nonexistent"], identity: nil)
        }

        @Test(arguments: ["plain", "login", "scram-sha-256", "cram-md5"])
        func `logs in with every mechanism that Dovecot offers`(_ mechanism: String) async throws {
            let dovecot = try Dovecot()
            try await dovecot.start()
            let server = try server(dovecot)
            try await server.start()
            let run = try msmtp(server, mechanism)
            #expect(run.code == 0, "\(run) \(server.log) \(dovecot.log)")
            try await server.eventually("the message") { server.mailCount(of: "alice") == 1 }
            #expect(server.log.contains("smtp authentication result=ok address=127.0.0.1 mechanism=\(uppercase(mechanism)) user=ada"))
            let wrong = try msmtp(server, mechanism, password: "wrong")
            #expect(wrong.code == 77 && wrong.error.contains("535 5.7.8"), "\(wrong)")
            #expect(server.log.contains("smtp authentication result=failed address=127.0.0.1 mechanism=\(uppercase(mechanism))"))
        }

        @Test func `without Dovecot nobody is let in or refused for good, and with it again all is well`() async throws {
            let dovecot = try Dovecot()
            try await dovecot.start()
            let server = try server(dovecot)
            try await server.start()
            #expect(try msmtp(server, "plain").code == 0, "\(server.log)")
            dovecot.end()
            let without = try msmtp(server, "plain")
            // Nothing is offered, or it cannot be said.
            #expect(without.code != 0 && !without.error.contains("535"), "\(without)")
            try await dovecot.start()
            try await server.eventually("a login") { try msmtp(server, "plain").code == 0 }
        }

        private func uppercase(_ text: String) -> String { String(text.map { Character($0.uppercased()) }) }
    }
}
