import ControlMessages
import Envelopes
import EventLoop
import Glibc
import JSON
import MailSyntax
import Platform
import Resolver
import TLS

/// `doctor`: looks at an installation as somebody would who was called because mail does not arrive.
///
/// Gathers facts; what they mean is said by ``Finding``. Changes nothing; `doctor probe` sends one message.
@EventLoopActor
final class Doctor {
    /// A domain whose exchangers are asked whether port 25 can be reached from here; no mail is sent.
    private nonisolated static let farDomain = "debian.org"
    private nonisolated static let longestFile = 16 << 20
    /// Octets of what smtpd says of its configuration.
    private nonisolated static let longestAnswer = 64 << 10
    /// Milliseconds for a connection.
    private nonisolated static let connectPatience: Int32 = 10_000
    /// Seconds for the daemon's answer.
    private nonisolated static let daemonPatience = 10
    /// Half seconds that the probe may wait in the queue.
    private nonisolated static let probePatience = 60

    private let resolver: Resolver
    private let output: Output
    private var hasProblem = false

    private init(_ output: Output) {
        resolver = Resolver(files: ResolverFiles(settings: "/etc/resolv.conf", hosts: "/etc/hosts"), upstream: ServerUpstream())
        self.output = output
    }

    nonisolated static func run(sendsProbe: Bool, _ output: Output) -> Never {
        let quick = quickFindings() + configurationFindings() + [daemonFinding()]
        runLoop(
            making: { Doctor(output) },
            start: { doctor in
                for finding in quick { doctor.tell(finding) }
                await doctor.lookAround()
                if sendsProbe { doctor.tell(probe()) }
                Diagnostics.leave(doctor.hasProblem ? 1 : 0)
            })
        Diagnostics.leave(1)
    }

    private func tell(_ finding: Finding) {
        if finding.state == .problem { hasProblem = true }
        output.say(finding.line, finding.json)
    }

    // MARK: This machine

    /// What needs neither a daemon nor a network.
    nonisolated static func quickFindings() -> [Finding] {
        // What cannot be read is not there, for a look from outside.
        let mailName = (try? HostNames.firstLine(of: InstallationPaths.mailName)) ?? nil
        var findings = Finding.names(host: hostName, mailName: mailName)
        let aliases = text(of: InstallationPaths.aliases).map(aliasLines) ?? [:]
        findings.append(Finding.root(aliases: aliases) { ((try? Users.named($0)) ?? nil) != nil })
        let glance = ConfigurationGlance(text(of: Setup.configuration) ?? "")
        for path in glance.secrets {
            findings.append(Finding.secret(path, mode: ((try? Files.status(path)) ?? nil).map { UInt32($0.permissions) }))
        }
        for path in glance.certificates {
            let chain = (try? Files.read(path, limit: longestFile)).flatMap { try? CertificateChain(pem: $0) }
            findings.append(Finding.certificate(path, days: chain?.daysLeft))
        }
        if let room = room(of: Program.installation.spool) { findings.append(room) }
        return findings
    }

    private nonisolated static var hostName: String? {
        ((try? HostNames.fullyQualified()) ?? nil) ?? (try? HostNames.current())
    }

    private nonisolated static func text(of path: String) -> String? {
        (try? Files.read(path, limit: longestFile)).map { String(decoding: $0, as: UTF8.self) }
    }

    private nonisolated static func room(of path: String) -> Finding? {
        var status = statvfs()
        guard statvfs(path, &status) == 0 else { return nil }
        let (free, overflows) = UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize))
        return Finding.room(
            path, free: overflows ? .max : free, files: status.f_files == 0 ? nil : UInt64(status.f_favail))
    }

    private nonisolated static func configurationFindings() -> [Finding] {
        do throws(SystemError) {
            let said = try Files.inMemory(named: "said")
            let program = ChildProcess(
                path: InstalledPrograms().daemon, arguments: ["smtpd", "-n"], environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            let status = try ChildProcess.wait(for: try program.start(error: said.raw))
            let text = try Files.readSome(said, at: 0, count: longestAnswer)
            return Finding.configuration(
                isAccepted: status.isSuccess, said: text.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) })
        } catch {
            return [Finding("configuration", .problem, "smtpd cannot be started to look at the configuration: \(error).")]
        }
    }

    private nonisolated static func daemonFinding() -> Finding {
        do throws(ControlClientError) {
            var client = try ControlClient(path: Program.installation.controlSocket, timeout: daemonPatience)
            _ = try client.request(.showStatus) { _ in }
            return Finding("daemon", .fine, "The daemon runs and answers.")
        } catch {
            if case .notRunning = error { return Finding("daemon", .problem, "The daemon does not run: mail is kept until it does.") }
            return Finding("daemon", .problem, "The daemon does not answer as it should: \(error).")
        }
    }

    // MARK: The network

    private func lookAround() async {
        let glance = ConfigurationGlance(Self.text(of: Setup.configuration) ?? "")
        guard let far = DNSName(Array(Self.farDomain.utf8)) else { preconditionFailure("the name is a constant") }
        var hosts: [DNSName] = []
        switch await resolver.resolve(far, .mailExchange) {
        case .found(let answer):
            tell(Finding("dns", .fine, "The DNS answers."))
            hosts = answer.data.compactMap { if case .mailExchange(_, let host) = $0 { host } else { nil } }
        case .noSuchName, .noData:
            tell(Finding("dns", .warning, "The DNS answers, but not as it should: it knows no servers of \(Self.farDomain)."))
        case .failed(let failure):
            let needed = glance.relaysDirectly || glance.hasSmarthost
            tell(Finding("dns", needed ? .problem : .warning, "The DNS does not answer (\(failure.text)): nothing can be sent to other hosts."))
            return
        }
        guard glance.relaysDirectly else { return }
        await tryOutbound(hosts)
        await lookUpOwnAddresses()
    }

    private func tryOutbound(_ hosts: [DNSName]) async {
        var addresses: [SocketAddress] = []
        for host in hosts.prefix(2) {
            if case .found(let found, _) = await resolver.inquire(addressesOf: host).value() {
                addresses += found.compactMap { SocketAddress(octets: $0, port: 25) }
            }
        }
        // One of each family is enough, and IPv4 is what a provider blocks.
        addresses = Array(addresses.filter { $0.octets.count == 4 }.prefix(2) + addresses.filter { $0.octets.count == 16 }.prefix(1))
        for address in addresses where (try? ConnectingSocket.wait(to: address, timeout: Self.connectPatience)) != nil {
            return tell(Finding("port25", .fine, "Port 25 of other servers can be reached."))
        }
        tell(
            Finding(
                "port25", .problem,
                "Port 25 of other servers cannot be reached from here: the network may block it, and a smarthost is needed then."))
    }

    private func lookUpOwnAddresses() async {
        guard let host = Self.hostName else { return }
        // A machine that cannot tell its interfaces has none that could be looked up.
        let own = ((try? NetworkInterfaces.addresses()) ?? []).filter { $0.isUp && !$0.isLoopback }
        let outer = own.compactMap { IPAddress(octets: $0.address.octets) }.filter(Finding.isPublic)
        guard !outer.isEmpty else {
            return tell(Finding("ptr", .warning, "This machine has no public address of its own: what others see it as is not known here."))
        }
        for address in outer.prefix(8) {
            switch await resolver.names(of: address.octets) {
            case .found(let answer):
                let names = answer.data.compactMap { data -> String? in
                    guard case .pointer(let name) = data, let bytes = name.hostName else { return nil }
                    return String(decoding: bytes, as: UTF8.self)
                }
                tell(Finding.reverse(of: address.description, names: names, host: host))
            case .noSuchName, .noData: tell(Finding.reverse(of: address.description, names: [], host: host))
            case .failed: tell(Finding.reverse(of: address.description, names: nil, host: host))
            }
        }
    }

    // MARK: A probe

    /// Sends a message to root and watches whether it leaves the queue.
    private nonisolated static func probe() -> Finding {
        let subject = "probe"
        let identity = "doctor.\(String(UInt64.random(in: .min ... .max), radix: 36))@\(hostName ?? "localhost")"
        do throws(SystemError) {
            let message = try Files.inMemory(named: subject)
            let header = "To: root\nSubject: Probe of smtpctl doctor\nAuto-Submitted: auto-generated\nMessage-ID: <\(identity)>\n"
            try Files.writeAll(message, Array((header + "\nMail arrives here.\n").utf8))
            let raw = message.raw
            _ = try checked("lseek") { lseek(raw, 0, SEEK_SET) == 0 ? 0 : -1 }
            let program = ChildProcess(
                path: InstalledPrograms().sendmail, arguments: ["sendmail", "-i", "-f", "<>", "root"],
                environment: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"])
            let process = try program.start(input: raw, error: STDERR_FILENO)
            let status = try ChildProcess.wait(for: process)
            guard status.isSuccess else { return Finding(subject, .problem, "The probe to root was not taken: sendmail ended with \(status).") }
        } catch {
            return Finding(subject, .problem, "The probe to root could not be sent: \(error).")
        }
        for _ in 0..<probePatience {
            guard let waiting = waitingProbes() else { return Finding(subject, .problem, "The queue cannot be looked at.") }
            if waiting == 0 { return Finding.probe(history: history(of: identity)) }
            usleep(500_000)
        }
        return Finding(subject, .problem, "The probe to root still waits in the queue: smtpctl show queue says why.")
    }

    /// Lines of the history; none where none is kept, or where it cannot be asked for.
    private nonisolated static func history(of identity: String) -> [String] {
        guard let filter = try? HistoryFilter(words: ["message-id=\(identity)"]) else { return [] }
        do throws(ControlClientError) {
            var client = try ControlClient(path: Program.installation.controlSocket, timeout: daemonPatience)
            var listing: [UInt8] = []
            _ = try client.request(.history(filter, asJSON: false)) { listing += $0 }
            return listing.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        } catch {
            return []
        }
    }

    /// Envelopes of the null sender that are younger than the probe can be old.
    private nonisolated static func waitingProbes() -> Int? {
        do throws(ControlClientError) {
            var client = try ControlClient(path: Program.installation.controlSocket, timeout: daemonPatience)
            var listing: [UInt8] = []
            _ = try client.request(.showQueue(.all)) { listing += $0 }
            let earliest = Int64(time(nil)) - Int64(probePatience)
            return listing.split(separator: 0x0A).count { line in
                let fields = line.split(separator: 0x7C, omittingEmptySubsequences: false)
                guard fields.count > 7, fields[4].elementsEqual("@".utf8), let made = Int64(String(decoding: fields[7], as: UTF8.self)) else { return false }
                return made >= earliest
            }
        } catch {
            return nil
        }
    }
}
