import SeededTesting
import WireFormat

/// What is wrong with the codec of one message; empty when nothing is.
///
/// The message must survive a round trip, every truncation of it must be refused, and so must an octet more.
package func codecProblems<Message: WireMessage & Equatable>(of message: Message) -> [String] {
    var problems: [String] = []
    let bytes = message.encoded
    do throws(WireError) {
        let decoded = try Message(decoding: bytes[...])
        if decoded != message { problems.append("\(message) came back as \(decoded)") }
    } catch {
        problems.append("\(message) came back as \(error)")
    }
    for count in 0..<bytes.count {
        do throws(WireError) {
            let decoded = try Message(decoding: bytes[..<count])
            problems.append("the first \(count) octets of \(message) were taken for \(decoded)")
        } catch {}
    }
    do throws(WireError) {
        let decoded = try Message(decoding: (bytes + [0])[...])
        problems.append("\(message) and an octet more were taken for \(decoded)")
    } catch {
        if error != .trailingBytes(1) { problems.append("an octet behind \(message) was refused as \(error)") }
    }
    return problems
}

/// Decodes altered forms of some messages: nothing may trap, and what is taken must encode to what came.
///
/// - Returns: What was not symmetrical.
package func mutationProblems<Message: WireMessage & Equatable>(
    of messages: [Message], rounds: Int, seed: UInt64
) -> [String] {
    guard !messages.isEmpty else { return [] }
    var problems: [String] = []
    var random = SplitMix64(seed: seed)
    for _ in 0..<rounds {
        var bytes = messages[Int(random.next() % UInt64(messages.count))].encoded
        for _ in 0...(random.next() % 4) where !bytes.isEmpty {
            let position = Int(random.next() % UInt64(bytes.count))
            switch random.next() % 5 {
            case 0: bytes[position] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes[position] ^= 1 << UInt8(random.next() % 8)
            case 2: bytes.remove(at: position)
            case 3: bytes.insert(UInt8(truncatingIfNeeded: random.next()), at: position)
            default: bytes.removeLast(bytes.count - position)
            }
        }
        do throws(WireError) {
            let decoded = try Message(decoding: bytes[...])
            if decoded.encoded != bytes { problems.append("\(bytes) were taken for \(decoded)") }
        } catch {}
    }
    return problems
}
