import Authentication
import Envelopes
import Glibc
import MailSyntax
import Testing

@testable import SMTPProtocol

/// Runs the conversations in the folder Dialogues/Client.
///
/// `S: ` is a line of the server; all lines up to something else come at once. `C: ` is a line that the client
/// must have sent by then, in order and without others. `R: ` are results, as `index ok|temp|perm|unsent|toomany
/// status`. `! ` tells the driver something: `starttls offered|required`, `protected`, `login user secret`, `token
/// user secret`, `lmtp`, `8bit`, `body TEXT`, `dsn`, `send recipient...`, `secured`, `lost`, `timeout`, `quit`.
/// `E: ` is how the session has ended. `# ` begins a remark. Settings stand before the first line of the server.
@Suite("Dialogues of the client (RFC 5321, 3207, 4954, 2920, 3030, 2033)") struct ClientDialogueTests {
    @Test(arguments: [
        "starttls", "starttls-required", "starttls-refused", "starttls-injection", "helo-only", "auth-plain", "auth-login",
        "auth-next", "auth-in-clear", "auth-refused", "auth-token", "auth-none", "chunking", "chunking-refused", "chunking-large",
        "chunking-nobody", "too-many", "too-many-quota", "seven-bit", "dies-at-the-dot", "dies-in-the-data",
        "dies-with-a-word", "refused-in-the-data", "goodbye", "reuse", "lmtp-chunking", "long-reply",
    ])
    func `goes as written`(_ name: String) throws {
        var run = DialogueRun(name: name)
        for line in try Self.lines(of: name) { try run.take(line) }
        run.settle()
        #expect(run.sent.isEmpty, "\(name): sent beyond the end \(run.sent)")
        #expect(run.results.isEmpty, "\(name): results beyond the end \(run.results)")
    }

    private static func lines(of name: String) throws -> [Substring] {
        let folder = #filePath.prefix(upTo: try #require(#filePath.lastIndex(of: "/")))
        let file = try #require(fopen("\(folder)/Dialogues/Client/\(name).txt", "r"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(truncatingIfNeeded: byte)) }
        return String(decoding: bytes, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: true)
    }
}

/// A session under a driver that a file directs.
private struct DialogueRun {
    let name: String
    var session: ClientSession?
    var settings: ClientSettings
    var message: OutgoingMessage?
    var body = "Subject: x\n\n.y\n"
    var size: Int64 = 100
    var isEightBit = false
    var asksForReports = false
    /// The message is not going to be ended.
    var isHalfway = false
    var heard = ""
    var sent: [String] = []
    var results: [String] = []
    var ended: ClientEnd?

    init(name: String) {
        self.name = name
        // A constant that is a host name.
        settings = ClientSettings(kind: .smtp, helo: try! Domain(validating: octets("me.example")))
    }

    mutating func take(_ line: Substring) throws {
        let rest = String(line.dropFirst(3))
        switch line.prefix(3) {
        case "S: ": heard += rest + "\r\n"
        case "C: ":
            settle()
            #expect(sent.first == rest, "\(name): the client says")
            if !sent.isEmpty { sent.removeFirst() }
        case "R: ":
            settle()
            #expect(results.first == rest, "\(name): a result")
            if !results.isEmpty { results.removeFirst() }
        case "E: ":
            settle()
            #expect("\(ended.map(Self.word) ?? "open")" == rest, "\(name): the end")
        default:
            if line.hasPrefix("! ") {
                settle()
                try tell(line.dropFirst(2).split(separator: " ").map(String.init))
            } else {
                #expect(line.hasPrefix("#"), "\(name): \(line)")
            }
        }
    }

    private mutating func tell(_ words: [String]) throws {
        switch words[0] {
        case "starttls": settings.startTLS = words[1] == "required" ? .required : .whenOffered
        case "protected": settings.isProtected = true
        case "lmtp": settings.kind = .lmtp
        case "login", "token":
            let secret = octets(words[2])
            settings.login = ClientLogin(
                identity: SASLIdentity(user: words[1], secret: words[0] == "token" ? .bearerToken(secret) : .password(secret)),
                nonce: octets("nonce"),
                functions: HashFunctions(
                    hash: { _, message in message }, authenticate: { _, key, _ in key }, derive: { _, password, _, _ in password },
                    areEqual: { $0 == $1 }))
        case "8bit": isEightBit = true
        case "dsn": asksForReports = true
        case "body": body = words.dropFirst().joined(separator: " ") + "\n"
        case "large":
            body = String(repeating: String(repeating: "x", count: 99) + "\n", count: 4_000)
            size = Int64(body.utf8.count)
        case "send":
            message = OutgoingMessage(
                sender: .mailbox(try MailAddress(parsing: octets("ada@x.example"))),
                recipients: try words.dropFirst().map {
                    OutgoingMessage.Recipient(
                        path: .address(try MailAddress(parsing: octets($0))), notify: asksForReports ? [.success] : nil)
                }, size: size, body: isEightBit ? .eightBitMIME : .sevenBit)
            settle()
        case "secured":
            #expect(session?.next() == .startTLS)
            session?.secured()
            settle()
        case "lost":
            session?.connectionLost()
            settle()
        case "timeout":
            session?.timedOut()
            settle()
        case "quit":
            session?.quit()
            settle()
        default: Issue.record("\(name): \(words)")
        }
    }

    /// Hands in what was heard, and runs until the driver has to wait for something.
    mutating func settle() {
        guard session != nil || !heard.isEmpty else { return }
        if session == nil { session = ClientSession(settings: settings) }
        session?.receive(octets(heard).span)
        heard = ""
        for _ in 0..<10_000 {
            switch session?.next() {
            case .needsInput, .startTLS, nil: return
            case .send(let bytes): record(bytes)
            case .ready:
                guard let message else { return }
                self.message = nil
                session?.send(message)
            case .needsContent:
                if isHalfway { return }
                // In pieces, as from a file.
                let content = octets(body)
                for start in stride(from: 0, to: content.count, by: 65_536) {
                    session?.content(Array(content[start..<min(start + 65_536, content.count)]))
                }
                isHalfway = name.contains("in-the-data")
                if !isHalfway { session?.endOfContent() }
            case .result(let index, let result): results.append("\(index) \(Self.word(result))")
            case .close(let end):
                ended = end
                return
            }
        }
        Issue.record("\(name) runs in circles")
    }

    /// Lines as they are, a run of equal ones once with their number: big bodies stay readable.
    private mutating func record(_ bytes: [UInt8]) {
        var previous = ""
        var count = 1
        func numbered() -> String { count > 1 ? "\(previous.prefix(8)) x\(count)" : previous }
        var lines: [String] = []
        for line in text(bytes).split(separator: "\r\n", omittingEmptySubsequences: true).map(String.init) {
            if line == previous {
                count += 1
                continue
            }
            if !previous.isEmpty { lines.append(numbered()) }
            previous = line
            count = 1
        }
        lines.append(numbered())
        sent += lines
    }

    private static func word(_ result: ClientResult) -> String {
        switch result {
        case .outcome(.delivered(let text)): "ok \(text)"
        case .outcome(.temporary(let failure)): "temp \(failure.status)"
        case .outcome(.permanent(let failure)): "perm \(failure.status)"
        case .outcome(.loop): "loop"
        case .tooManyRecipients: "toomany"
        case .unsent(let failure): "unsent \(failure.status)"
        }
    }

    private static func word(_ end: ClientEnd) -> String {
        switch end {
        case .quit: "quit"
        case .failed(let failure): "\(failure.deliveryFailure.status) \(failure.deliveryFailure.text)"
        }
    }
}

@Suite("The client with servers that say anything") struct ClientFuzzTests {
    @Test func `Mutated dialogues end, and give each recipient one result`() throws {
        var generator = SeededGenerator(seed: 11)
        let script = [
            "220 mx", "250-mx\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-STARTTLS\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 100000",
            "220 go", "250-mx\r\n250-PIPELINING\r\n250-AUTH PLAIN LOGIN\r\n250-8BITMIME\r\n250 CHUNKING", "334 UGFzc3dvcmQ6",
            "235 in", "250 ok", "250 ok", "452 4.5.3 enough", "354 go", "250 done", "421 bye", "550 5.1.1 no",
        ]
        for round in 0..<4_000 {
            var settings = ClientSettings(kind: round % 5 == 0 ? .lmtp : .smtp, helo: try Domain(validating: octets("me.example")))
            settings.startTLS = round % 3 == 0 ? .required : .whenOffered
            if round % 2 == 0 {
                settings.isProtected = true
                settings.login = ClientLogin(
                    identity: SASLIdentity(user: "u", secret: .password(octets("p"))), nonce: octets("n"),
                    functions: HashFunctions(
                        hash: { _, message in message }, authenticate: { _, key, _ in key },
                        derive: { _, password, _, _ in password }, areEqual: { $0 == $1 }))
            }
            var session = ClientSession(settings: settings)
            var results: [Int: Int] = [:]
            var wasSent = false
            var isOver = false
            var steps = 0
            while !isOver {
                steps += 1
                guard steps < 2_000 else {
                    Issue.record("round \(round) does not end")
                    break
                }
                switch session.next() {
                case .needsInput:
                    guard steps < 300, var line = script.randomElement(using: &generator).map(octets) else {
                        session.timedOut()
                        continue
                    }
                    line += octets("\r\n")
                    if Int.random(in: 0..<6, using: &generator) == 0 {
                        line[Int.random(in: 0..<line.count, using: &generator)] = UInt8.random(in: 0...255, using: &generator)
                    }
                    session.receive(line.span)
                case .send: break
                case .startTLS: session.secured()
                case .ready:
                    guard !wasSent else {
                        session.quit()
                        continue
                    }
                    wasSent = true
                    let path = OutgoingMessage.Path.address(try MailAddress(parsing: octets("a@y.example")))
                    session.send(
                        OutgoingMessage(
                            sender: .null, recipients: [.init(path: path), .init(path: path), .init(path: path)], size: 20,
                            body: round % 7 == 0 ? .eightBitMIME : .sevenBit))
                case .needsContent:
                    session.content(octets("Subject: x\n\n.\n"))
                    session.endOfContent()
                case .result(let index, _): results[index, default: 0] += 1
                case .close: isOver = true
                }
            }
            #expect(results == (wasSent ? [0: 1, 1: 1, 2: 1] : [:]), "round \(round)")
        }
    }
}
