import MailSyntax

/// Our side of a connection to Dovecot's authentication service, without the connection.
///
/// The driver sends what ``opening(process:)``, ``start(_:)``, ``respond(_:_:)`` and ``cancel(_:)`` give, hands in
/// what comes with ``receive(_:)``, and takes events from ``next()``. After ``Event/failed(_:)`` the connection is of
/// no more use.
package struct DovecotClient: Sendable {
    package enum Event: Hashable, Sendable {
        /// The service has introduced itself; mechanisms that do not need what SMTP lacks, as it names them.
        case ready([String])
        case challenge(UInt32, [UInt8])
        case accepted(UInt32, user: String)
        /// A failure is temporary when the service could not say.
        case refused(UInt32, user: String?, reason: String, isTemporary: Bool)
        case failed(Failure)
    }

    package enum Failure: Error, Hashable, Sendable {
        case lineTooLong
        /// Another protocol, or a version that does not fit.
        case incompatible
        case malformed
        /// The service says it does not know us, or speaks out of turn.
        case outOfStep
    }

    /// A request as the service takes it.
    package struct Request: Hashable, Sendable {
        package var mechanism: String
        package var initialResponse: [UInt8]?
        /// Addresses in text.
        package var client: String?
        package var server: String?

        package init(mechanism: String, initialResponse: [UInt8]?, client: String?, server: String?) {
            self.mechanism = mechanism
            self.initialResponse = initialResponse
            self.client = client
            self.server = server
        }
    }

    /// Octets of a line that the service takes (AUTH_CLIENT_MAX_LINE_LENGTH), our words around a response counted off.
    package static let maximumResponse = 5_600
    /// Octets of a line that we take.
    private static let maximumLine = 16_384

    private var input: [UInt8] = []
    private var position = 0
    private var sawVersion = false
    private var isReady = false
    private var mechanisms: [String] = []
    private var failure: Failure?
    private var last: UInt32 = 0

    package init() {}

    /// What a client says first.
    ///
    /// - Parameter process: A number that no other client of the service has.
    package func opening(process: Int32) -> [UInt8] {
        DovecotLine("VERSION", "1", "2").bytes + DovecotLine("CPID", "\(process)").bytes
    }

    /// Asks; only once ready. The number names the exchange from then on.
    package mutating func start(_ request: Request) -> (exchange: UInt32, bytes: [UInt8]) {
        last = last == .max ? 1 : last + 1
        var line = DovecotLine("AUTH", "\(last)", request.mechanism, "service=smtp", "secured=tls")
        if let client = request.client { line.words.append(Array("rip=\(client)".utf8)) }
        if let server = request.server { line.words.append(Array("lip=\(server)".utf8)) }
        // Must come last.
        if let response = request.initialResponse { line.words.append(Array("resp=".utf8) + Base64.encoded(response)) }
        return (last, line.bytes)
    }

    package func respond(_ exchange: UInt32, _ response: [UInt8]) -> [UInt8] {
        DovecotLine([Array("CONT".utf8), Array("\(exchange)".utf8), Base64.encoded(response)]).bytes
    }

    package func cancel(_ exchange: UInt32) -> [UInt8] { DovecotLine("CANCEL", "\(exchange)").bytes }

    /// Takes what the service sent.
    package mutating func receive(_ bytes: [UInt8]) {
        if position > 0 {
            input.removeSubrange(..<position)
            position = 0
        }
        input += bytes
    }

    /// What has happened; nil when more has to come.
    package mutating func next() -> Event? {
        while failure == nil {
            guard let end = input[position...].firstIndex(of: 0x0A) else {
                return input.count - position > Self.maximumLine ? fail(.lineTooLong) : nil
            }
            guard end - position <= Self.maximumLine else { return fail(.lineTooLong) }
            let line = DovecotLine(parsing: input[position..<end])
            position = end + 1
            do throws(Failure) {
                if let event = try take(line) { return event }
            } catch {
                return fail(error)
            }
        }
        return nil
    }

    private mutating func fail(_ failure: Failure) -> Event {
        self.failure = failure
        input = []
        position = 0
        return .failed(failure)
    }

    private mutating func take(_ line: DovecotLine) throws(Failure) -> Event? {
        switch line.command {
        case "VERSION":
            // Minor versions are compatible.
            guard line.words.count >= 3, line.words[1].elementsEqual("1".utf8) else { throw .incompatible }
            sawVersion = true
            return nil
        case "MECH":
            guard sawVersion, !isReady, line.words.count >= 2 else { throw .outOfStep }
            guard mechanisms.count < 32 else { return nil }
            let name = String(decoding: line.words[1], as: UTF8.self)
            // Anonymous access is none, and private mechanisms are for Dovecot's own processes.
            if isMechanism(line.words[1]), !line.has("anonymous"), !line.has("private") { mechanisms.append(name) }
            return nil
        case "DONE":
            guard sawVersion, !isReady else { throw .outOfStep }
            isReady = true
            return .ready(mechanisms)
        case "CONT":
            guard isReady, let exchange = line.identifier, line.words.count >= 3,
                let challenge = Base64.decoded(line.words[2])
            else { throw .malformed }
            return .challenge(exchange, challenge)
        case "OK":
            guard isReady, let exchange = line.identifier else { throw .malformed }
            guard let user = line.value("user").flatMap(SASLName.text) else {
                return .refused(exchange, user: nil, reason: "no user in Dovecot's answer", isTemporary: true)
            }
            return .accepted(exchange, user: user)
        case "FAIL":
            guard isReady, let exchange = line.identifier else { throw .malformed }
            let isTemporary = line.has("temp") || line.value("code").map { $0.elementsEqual("temp_fail".utf8) } == true
            let reason = line.value("reason").map(Self.printable) ?? (isTemporary ? "temporary failure" : "refused by Dovecot")
            return .refused(
                exchange, user: line.value("user").flatMap(SASLName.text), reason: reason, isTemporary: isTemporary)
        case "REJECT":
            throw .outOfStep
        default:
            // SPID, CUID, COOKIE, and what later versions add.
            return nil
        }
    }

    private func isMechanism(_ name: [UInt8]) -> Bool {
        (1...20).contains(name.count)
            && name.allSatisfy {
                $0 >= 0x41 && $0 <= 0x5A || $0 >= 0x30 && $0 <= 0x39 || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_")
            }
    }

    private static func printable(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.prefix(200).map { $0 >= 0x20 && $0 < 0x7F ? $0 : UInt8(ascii: "?") }, as: UTF8.self)
    }
}
