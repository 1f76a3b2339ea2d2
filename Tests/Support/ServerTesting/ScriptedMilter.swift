import Glibc
import Platform
import Synchronization

/// A milter for tests, on threads of its own: it notes what it is told, and answers as it was told to.
///
/// Written from the protocol's description, apart from what is tested, so that both cannot be wrong in the same way
/// unnoticed. It serves as long as somebody holds it.
package final class ScriptedMilter: Sendable {
    /// What happens when a command comes.
    package enum Reaction: Hashable, Sendable {
        /// Packets, each a letter and its content.
        case say([Packet])
        /// Octets that need not be packets.
        case sayOctets([UInt8])
        /// Says something after some milliseconds.
        case sayLater(UInt32, [Packet])
        /// Says so many times, some milliseconds apart, that it is at work, and then something.
        case work(Int, UInt32, [Packet])
        /// Nothing at all.
        case beSilent
        case close
    }

    package struct Packet: Hashable, Sendable {
        package var letter: Character
        package var content: [UInt8]

        package init(_ letter: Character, _ content: [UInt8] = []) {
            self.letter = letter
            self.content = content
        }

        /// With texts that end with NUL, behind a number where there is one.
        package init(_ letter: Character, number: UInt32? = nil, _ first: String, _ more: String...) {
            self.letter = letter
            content = (number.map(ScriptedMilter.octets) ?? []) + ([first] + more).flatMap { Array($0.utf8) + [0] }
        }

        var bytes: [UInt8] {
            ScriptedMilter.octets(of: UInt32(content.count + 1)) + [letter.asciiValue ?? 0x3F] + content
        }
    }

    private struct State {
        var reactions: [Character: Reaction]
        var events: [String] = []
        var macros: [Character: [String: String]] = [:]
        var body: [UInt8] = []
        var connections = 0
    }

    private final class Shared: Sendable {
        let state: Mutex<State>
        let offer: [UInt8]
        /// The commands that are not answered.
        let unanswered: Set<Character>
        init(_ state: consuming sending State, offer: [UInt8], unanswered: Set<Character>) {
            self.state = Mutex(state)
            self.offer = offer
            self.unanswered = unanswered
        }
    }

    private let shared: Shared
    private let listener: ThreadedListener
    package var port: UInt16 { listener.port }

    /// - Parameters:
    ///   - port: 0 for any.
    ///   - steps: The bits of the protocol's steps that it asks for.
    ///   - reactions: By the letter of the command; "continue" for those that are not there.
    package init(
        port: UInt16 = 0, version: UInt32 = 6, actions: UInt32 = 0x1FF, steps: UInt32 = 0,
        _ reactions: [Character: Reaction] = [:]
    ) throws {
        let offer = Packet("O", [version, actions, steps].flatMap(Self.octets)).bytes
        let silences: [Character: UInt32] = [
            "L": 0x80, "C": 0x1000, "H": 0x2000, "M": 0x4000, "R": 0x8000, "T": 0x10000, "U": 0x20000, "N": 0x40000, "B": 0x80000,
        ]
        let unanswered = Set(silences.filter { steps & $0.value != 0 }.keys)
        shared = Shared(State(reactions: reactions), offer: offer, unanswered: unanswered)
        let shared = shared
        listener = try ThreadedListener(port: port) { Self.serve($0, shared) }
    }

    /// `inet:127.0.0.1:PORT`.
    package var address: String { "inet:127.0.0.1:\(port)" }

    /// What it was told, in order: the letter of each command and its texts, `|` between them; bodies as their length.
    package var events: [String] { shared.state.withLock { $0.events } }
    /// The macros that came before the last command of a letter.
    package func macros(_ letter: Character) -> [String: String] { shared.state.withLock { $0.macros[letter] ?? [:] } }
    /// All pieces of bodies, one after the other.
    package var body: String { shared.state.withLock { String(decoding: $0.body, as: UTF8.self) } }
    package var connections: Int { shared.state.withLock { $0.connections } }

    package func react(to letter: Character, _ reaction: Reaction?) {
        shared.state.withLock { $0.reactions[letter] = reaction }
    }

    package func forget() {
        shared.state.withLock { state in
            state.events = []
            state.body = []
        }
    }

    fileprivate static func octets(of number: UInt32) -> [UInt8] {
        [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> UInt32($0)) }
    }

    // MARK: Connections

    private static func serve(_ raw: CInt, _ shared: Shared) {
        shared.state.withLock { $0.connections += 1 }
        var input: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            while input.count >= 4 {
                let length = input.prefix(4).reduce(0) { $0 << 8 | Int($1) }
                guard input.count >= 4 + length, length > 0 else { break }
                let packet = Array(input[4..<(4 + length)])
                input.removeFirst(4 + length)
                guard take(packet, raw, shared) else { return }
            }
            let count = read(raw, &buffer, buffer.count)
            guard count > 0 else { return }
            input += buffer[..<count]
        }
    }

    /// Notes a command and answers it; false when the connection is over.
    private static func take(_ packet: [UInt8], _ raw: CInt, _ shared: Shared) -> Bool {
        let letter = Character(UnicodeScalar(packet[0]))
        let content = packet.dropFirst()
        func texts(_ bytes: ArraySlice<UInt8>) -> [String] {
            bytes.split(separator: 0, omittingEmptySubsequences: false).dropLast().map { String(decoding: $0, as: UTF8.self) }
        }
        if letter == "D" {
            let stage = Character(UnicodeScalar(packet[1]))
            let words = texts(content.dropFirst())
            shared.state.withLock { state in
                state.macros[stage] = [:]
                for index in stride(from: 0, to: words.count - 1, by: 2) { state.macros[stage]?[words[index]] = words[index + 1] }
            }
            return true
        }
        let reaction = shared.state.withLock { state -> Reaction? in
            switch letter {
            case "O": break
            case "B":
                state.body += content
                state.events.append("B \(content.count)")
            case "C":
                // The host, then family and port in octets, then the address.
                let end = content.firstIndex(of: 0) ?? content.endIndex
                let rest = content[end...].dropFirst()
                let port = rest.dropFirst().prefix(2).reduce(0) { $0 << 8 | Int($1) }
                let family = rest.first.map { String(UnicodeScalar($0)) } ?? ""
                let host = String(decoding: content[..<end], as: UTF8.self)
                state.events.append("C \(host)|\(family)|\(port > 0 ? "port" : "0")|\(texts(rest.dropFirst(3)).first ?? "")")
            default: state.events.append(([String(letter)] + [texts(content).joined(separator: "|")]).filter { !$0.isEmpty }.joined(separator: " "))
            }
            return state.reactions[letter]
        }
        switch letter {
        case "O" where reaction == nil:
            return send(raw, shared.offer)
        case "A", "K": return true
        case "Q": return false
        default: break
        }
        switch reaction {
        case nil: return shared.unanswered.contains(letter) || send(raw, Packet("c").bytes)
        case .say(let packets): return send(raw, packets.flatMap(\.bytes))
        case .sayOctets(let bytes): return send(raw, bytes)
        case .sayLater(let milliseconds, let packets):
            usleep(milliseconds * 1_000)
            return send(raw, packets.flatMap(\.bytes))
        case .work(let times, let milliseconds, let packets):
            for _ in 0..<times {
                usleep(milliseconds * 1_000)
                guard send(raw, Packet("p").bytes) else { return false }
            }
            return send(raw, packets.flatMap(\.bytes))
        case .beSilent: return true
        case .close: return false
        }
    }

    private static func send(_ raw: CInt, _ bytes: [UInt8]) -> Bool {
        do { try Sockets.sendAll(raw, bytes) } catch { return false }
        return true
    }
}
