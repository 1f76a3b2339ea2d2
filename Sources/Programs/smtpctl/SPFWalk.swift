import EventLoop
import Glibc
import JSON
import MailSyntax
import Platform
import Resolver
import RoleProcess
import SenderPolicy

/// `spf walk`: the networks that the SPF records of domains let send, one a line, for tables of hosts that are not to be
/// greylisted and the like. Asks the servers of resolv.conf(5) itself; no daemon is needed.
@EventLoopActor
final class SPFWalk {
    /// Records looked at in all: a domain that includes ever more ends here.
    private nonisolated static let maximumQuestions = 1_000
    /// The bytes of standard input that are read.
    private nonisolated static let longestInput = 1 << 20

    private let output: Output
    private let resolver: Resolver
    private var visited: Set<String> = []
    private var printed: Set<String> = []
    private var questions = 0
    private var failed = false

    private init(_ output: Output, _ resolver: Resolver) {
        self.output = output
        self.resolver = resolver
    }

    nonisolated static func run(_ output: Output) -> Never {
        let domains = StandardInput.lines(limit: longestInput)
        let installation = Program.installation
        runLoop(
            making: {
                SPFWalk(output, Resolver(files: ResolverFiles(of: installation), upstream: ServerUpstream()))
            },
            start: { walk in
                for domain in domains { await walk.walk(domain) }
                Diagnostics.leave(walk.failed ? 1 : 0)
            })
        Diagnostics.leave(1)
    }

    private func walk(_ domain: String) async {
        let name = domain.split(separator: " ").joined()
        guard !name.isEmpty, visited.insert(String(decoding: name.utf8.map(asciiLowercased), as: UTF8.self)).inserted else { return }
        guard let record = await record(of: name) else { return }
        for term in record.unlisted { warn("\(name): \(term) cannot be listed") }
        for mechanism in record.mechanisms { await list(mechanism, of: name) }
        if let target = record.redirect { await walk(target) }
    }

    private func record(of domain: String) async -> SPFRecord? {
        guard let answer = await ask(domain, .text) else { return nil }
        let records = answer.compactMap { data -> SPFRecord? in
            guard case .text(let text) = data else { return nil }
            return SPFRecord(parsing: text)
        }
        guard records.count == 1, let record = records.first else {
            warn("\(domain): \(records.isEmpty ? "no SPF record" : "more than one SPF record")")
            return nil
        }
        return record
    }

    private func list(_ mechanism: SPFRecord.Mechanism, of owner: String) async {
        switch mechanism {
        case .network(let address, let length): show(address, length)
        case .include(let domain): await walk(domain)
        case .addresses(let domain, let length4, let length6): await addresses(of: domain ?? owner, length4, length6)
        case .exchangers(let domain, let length4, let length6):
            for data in await ask(domain ?? owner, .mailExchange) ?? [] {
                guard case .mailExchange(_, let host) = data, let name = host.hostName else { continue }
                await addresses(of: String(decoding: name, as: UTF8.self), length4, length6)
            }
        case .all: warn("\(owner): everybody may send")
        }
    }

    private func addresses(of host: String, _ length4: Int?, _ length6: Int?) async {
        guard let name = DNSName(Array(host.utf8)), countQuestion() else { return }
        switch await resolver.inquire(addressesOf: name).value() {
        case .found(let addresses, _):
            for address in addresses.compactMap({ IPAddress(octets: $0) }) {
                switch address {
                case .v4: show(address, length4)
                case .v6: show(address, length6)
                }
            }
        case .missing: break
        case .failed(let failure): warn("\(host): \(failure.text)")
        }
    }

    private func ask(_ domain: String, _ type: DNSType) async -> [DNSData]? {
        guard let name = DNSName(Array(domain.utf8)) else {
            warn("\(domain): no name of a domain")
            return nil
        }
        guard countQuestion() else { return nil }
        switch await resolver.resolve(name, type) {
        case .found(let answer): return answer.data
        case .noSuchName, .noData: return []
        case .failed(let failure):
            warn("\(domain): \(failure.text)")
            return nil
        }
    }

    private func countQuestion() -> Bool {
        questions += 1
        if questions == Self.maximumQuestions + 1 { warn("more than \(Self.maximumQuestions) questions: the rest is left out") }
        return questions <= Self.maximumQuestions
    }

    private func show(_ address: IPAddress, _ length: Int?) {
        let text = length.map { "\(address)/\($0)" } ?? address.description
        guard printed.insert(text).inserted else { return }
        output.say(text, .object(["network": .text(text)]))
    }

    private func warn(_ text: String) {
        failed = true
        Diagnostics.say("smtpctl: \(JSONValue.text(text).line.dropFirst().dropLast())")
    }
}

/// Standard input of commands that read it whole.
enum StandardInput {
    /// Its lines without their ends, empty ones left out.
    static func lines(limit: Int) -> [String] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while bytes.count < limit {
            let count = read(STDIN_FILENO, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes.prefix(limit).split(separator: 0x0A).map { String(decoding: $0.last == 0x0D ? $0.dropLast() : $0, as: UTF8.self) }
    }
}
