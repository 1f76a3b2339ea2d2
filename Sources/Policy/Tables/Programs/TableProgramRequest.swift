/// What a table program is asked, whatever it speaks.
package enum TableProgramRequest: Hashable, Sendable {
    case check(TableService, key: String)
    case lookup(TableService, key: String)
    case fetch(TableService)
    /// To read its own configuration and data again.
    case update
    /// What it serves; known once it has introduced itself, and not asked over the wire.
    case services

    /// - Returns: The request for a question; keys are lowered, but for that of `auth`, which holds a password.
    package init(_ query: TableQuery) {
        let key = query.service == .auth ? query.key : lowered(query.key)
        switch query.operation {
        case .match: self = .check(query.service, key: key)
        case .lookup: self = .lookup(query.service, key: key)
        case .fetch: self = .fetch(query.service)
        }
    }

    /// Nil for those that are about no service.
    var service: TableService? {
        switch self {
        case .check(let service, _), .lookup(let service, _), .fetch(let service): service
        case .update, .services: nil
        }
    }

    /// Empty for those without.
    var key: String {
        switch self {
        case .check(_, let key), .lookup(_, let key): key
        case .fetch, .update, .services: ""
        }
    }
}

/// What became of a request.
package enum TableProgramOutcome: Hashable, Sendable {
    /// Of a check, look-up or fetch.
    case answer(TableAnswer)
    /// Of an update.
    case updated
    /// Nil: the program does not say, and may be asked for anything.
    case services(Set<TableService>?)
    /// The program could not do it, or is not there to do it; the reason is for the log.
    case failed(String)
}

/// What a program may speak.
package enum TableProgramDialect: UInt8, Hashable, Sendable {
    /// Lines, since OpenSMTPD 7.6 (protocol 0.1, smtpd-tables(7)).
    case lines
    /// Framed messages, before that (version 2 of its API).
    case frames
}

/// What a conversation makes of the bytes that came.
enum TableProgramEvent: Hashable, Sendable {
    /// It has introduced itself.
    case ready(Set<TableService>?)
    /// The number is that of the request.
    case outcome(UInt32, TableProgramOutcome)
    /// It said what makes no sense: the conversation is over.
    case nonsense(String)
}

private func lowered(_ key: String) -> String { String(decoding: TableKey(key).bytes, as: UTF8.self) }

extension TableService {
    /// By the word of the protocol; nil for a word that is none.
    init?(name: ArraySlice<UInt8>) {
        guard let service = Self.allCases.first(where: { name.elementsEqual($0.name.utf8) }) else { return nil }
        self = service
    }
}

/// The text of a value that a program gave.
///
/// Values become parts of lines and messages elsewhere: a line end or NUL in one is refused here.
func valueText(_ bytes: some Collection<UInt8>) -> String? {
    guard !bytes.isEmpty, bytes.allSatisfy({ $0 != 0 && $0 != 0x0A && $0 != 0x0D }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
}
