/// What a table program answers to one ``ProgramRequest``, and the line that says so.
package enum ProgramAnswer: Equatable, Sendable {
    /// An update was done.
    case updated
    /// The key is there; its value, or the next element, when that was asked.
    case found([UInt8]?)
    /// The table has nothing of that key, or no element at all.
    case notFound
    /// It cannot be said now, and why: a temporary failure for whoever asked the server.
    case failed(String)

    /// The longest reason that is sent, in octets; the rest is cut.
    package static let maximumReason = 400

    /// The line, with its line feed.
    ///
    /// - Precondition: A value has passed ``RowValue``: it is not empty and holds no line break.
    package func line(for request: ProgramRequest) -> [UInt8] {
        var line = Array("\(request.kind.rawValue)-result|".utf8) + request.identifier + [UInt8(ascii: "|")]
        switch self {
        case .updated: line += Array("ok".utf8)
        case .found(let value):
            line += Array("found".utf8)
            if let value {
                precondition(!value.isEmpty && !value.contains(where: RowValue.breaksLine), "a value that is none")
                line += [UInt8(ascii: "|")] + value
            }
        case .notFound: line += Array("not-found".utf8)
        case .failed(let reason): line += Array("error|\(Self.harmless(reason))".utf8)
        }
        return line + [UInt8(ascii: "\n")]
    }

    /// What came from a database and goes into one line, or into a log: without control characters, and cut.
    package static func harmless(_ text: String) -> String {
        String(decoding: text.utf8.prefix(maximumReason).map { $0 < 0x20 || $0 == 0x7F ? UInt8(ascii: " ") : $0 }, as: UTF8.self)
    }
}
