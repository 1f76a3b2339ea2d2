import SMTPProtocol

/// The texts that filters give for replies: `4yz` or `5yz`, a blank, and something to say.
package enum FilterReply {
    /// In place of a text that is none.
    package static let internalError = Reply(421, nil, "Internal server error")
    /// Longer texts are cut: a line of a reply has 512 octets (RFC 5321 section 4.5.3.1.5).
    static let maximumLength = 500

    /// The reply of a text; nil for one that is not of that form.
    package static func reply(_ text: some Collection<UInt8>) -> Reply? {
        let code = text.prefix(3)
        guard code.count == 3, code.first == UInt8(ascii: "4") || code.first == UInt8(ascii: "5"),
            code.allSatisfy({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") })
        else { return nil }
        let rest = text.dropFirst(3)
        guard rest.first == UInt8(ascii: " "), rest.count > 1 else { return nil }
        let value = code.reduce(UInt16(0)) { $0 * 10 + UInt16($1 - 0x30) }
        return Reply(value, nil, String(decoding: rest.dropFirst().prefix(maximumLength), as: UTF8.self))
    }

    /// What a filter that rejects decides: code 421, and a text that is none, end the session.
    package static func rejection(_ text: some Collection<UInt8>) -> FilterDecision {
        let reply = reply(text) ?? internalError
        return reply.code == 421 ? .disconnect(reply) : .reject(reply)
    }

    /// What a filter that disconnects decides.
    package static func disconnection(_ text: some Collection<UInt8>) -> FilterDecision {
        .disconnect(reply(text) ?? internalError)
    }
}
