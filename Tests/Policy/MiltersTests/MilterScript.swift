import Milters

/// What a milter sends, by hand: one packet.
func packet(_ letter: Character, _ content: [UInt8] = []) -> [UInt8] {
    let length = UInt32(content.count + 1)
    return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: length >> UInt32($0)) } + [letter.asciiValue ?? 0] + content
}

/// Texts as the protocol has them, each ended by NUL.
func texts(_ texts: String...) -> [UInt8] { texts.flatMap { Array($0.utf8) + [0] } }

func number(_ value: UInt32) -> [UInt8] { [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: value >> UInt32($0)) } }

/// Its answer to the offer.
func options(version: UInt32 = 6, actions: MilterActions = .all, steps: MilterSteps = []) -> [UInt8] {
    packet("O", number(version) + number(actions.rawValue) + number(steps.rawValue))
}

extension MilterSession {
    /// A session whose milter has answered the offer.
    static func met(
        version: UInt32 = 6, actions: MilterActions = .all, steps: MilterSteps = [], macros: [UInt8] = []
    ) throws -> MilterSession {
        var session = MilterSession(maximumBody: 1_000)
        _ = session.offer()
        session.receive(packet("O", number(version) + number(actions.rawValue) + number(steps.rawValue) + macros))
        guard try session.next() == .met else { throw Unexpected() }
        return session
    }

    /// Tells of an event and takes the answer.
    mutating func hear(_ event: MilterEvent, _ answer: [UInt8]) throws -> MilterNews? {
        guard case .ask = tell(event, MilterMacros()) else { throw Unexpected() }
        receive(answer)
        return try next()
    }

    /// Goes as far as the end of a message, all of it answered with "continue".
    mutating func reachEndOfMessage() throws {
        for event: MilterEvent in [.mail(Array("<a@b.example>".utf8), arguments: []), .data, .endOfHeader] {
            guard try hear(event, packet("c")) == .verdict(.proceed) else { throw Unexpected() }
        }
        guard case .ask = tell(.endOfMessage, MilterMacros()) else { throw Unexpected() }
    }
}

struct Unexpected: Error {}
