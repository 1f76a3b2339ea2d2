/// Clients that send messages with identifiers, and finding those again.
package enum Load {
    /// Sends messages to `alice@test.example`, several in a session, until told to stop or the server goes.
    ///
    /// - Parameter acknowledged: Gets the identifier of every message that was answered with 250.
    /// - Returns: False when the server did something else than take the messages.
    @discardableResult
    package static func run(
        port: UInt16, until stop: Flag, size: Int = 200, acknowledged: (String) -> Void
    ) -> Bool {
        let filler = String(repeating: String(repeating: "x", count: 70) + "\r\n", count: size / 72 + 1)
        while !stop.isSet {
            guard let client = try? SMTPClient(port: port, timeout: 20), (try? client.greet())?.code == 250 else { return false }
            for _ in 0..<10 where !stop.isSet {
                let id = String(UInt64.random(in: .min ... .max), radix: 36)
                let text = "Subject: load\r\nX-Load: \(id)\r\n\r\n\(filler)"
                guard let reply = try? client.deliver(from: "load@client.example", to: ["alice@test.example"], text),
                    reply.code == 250
                else { return false }
                acknowledged(id)
            }
            client.close()
        }
        return true
    }

    /// The identifiers of messages, in order.
    package static func identifiers(in messages: [String]) -> [String] {
        messages.compactMap { message in
            message.split(separator: "\n").first { $0.hasPrefix("X-Load: ") }.map { String($0.dropFirst("X-Load: ".count)) }
        }
    }
}
