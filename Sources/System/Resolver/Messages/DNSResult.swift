/// What became of a question.
package enum DNSResult: Hashable, Sendable {
    case found(DNSAnswer)
    /// The name exists and has no record of the type. It may be remembered for so many seconds (RFC 2308).
    case noData(timeToLive: UInt32)
    /// There is no such name. It may be remembered for so many seconds (RFC 2308).
    case noSuchName(timeToLive: UInt32)
    /// Nobody knows; to be asked again later.
    case failed(DNSFailure)
}

/// Records that answer a question.
package struct DNSAnswer: Hashable, Sendable {
    /// What they say: at least one, at most ``maximumRecords``.
    package var data: [DNSData]
    /// The name that has them: the one asked for, or where its aliases lead.
    package var owner: DNSName
    /// How long it holds, in seconds: the least of all records that led to it.
    package var timeToLive: UInt32
    /// Validated by DNSSEC, by a resolver that the administrator trusts to say so.
    package var isAuthenticated: Bool

    /// Records of one answer that are kept.
    package static let maximumRecords = 256

    package init(_ data: [DNSData], owner: DNSName, timeToLive: UInt32, isAuthenticated: Bool) {
        self.data = data
        self.owner = owner
        self.timeToLive = timeToLive
        self.isAuthenticated = isAuthenticated
    }
}

/// Why a question has no answer.
package enum DNSFailure: Error, Hashable, Sendable {
    /// No server has answered in time.
    case timedOut
    /// No server could be reached: nobody listens there, or there is no way to it.
    case unreachable
    /// The server could not say (SERVFAIL).
    case serverFailure
    /// The server does not want to say (REFUSED).
    case refused
    /// The server answered with another error, such as NOTIMP.
    case errorCode(UInt16)
    /// The server's message makes no sense.
    case malformed(MalformedMessage)
    /// Aliases that lead to one another, or more of them than ``DNSResponse/maximumAliases``.
    case tooManyAliases
    /// The answer was forged or its signatures do not hold, with the validator's words.
    case bogus(String)
    /// More questions are open than there is room for.
    case overloaded

    /// In the words of a log line or of a report: printable, one line.
    package var text: String {
        switch self {
        case .timedOut: "DNS servers do not answer"
        case .unreachable: "DNS servers cannot be reached"
        case .serverFailure: "DNS server failure"
        case .refused: "DNS server refuses to answer"
        case .errorCode(let code): "DNS error \(code)"
        case .malformed(let reason): "DNS answer makes no sense: \(reason.text)"
        case .tooManyAliases: "DNS name has too many aliases"
        case .bogus(let reason): "DNS answer is not authentic: \(reason)"
        case .overloaded: "too many DNS questions at once"
        }
    }
}

/// What is wrong with a message.
package enum MalformedMessage: Error, Hashable, Sendable {
    /// It ends within something.
    case truncated
    /// A compressed name that points at itself or forward (RFC 1035 section 4.1.4).
    case badPointer
    /// A label of a kind that does not exist.
    case badLabel
    case nameTooLong
    /// A record whose length is not that of its content.
    case badLength
    /// It is a question, or of another kind.
    case notAResponse
    /// It answers another question, or under another number.
    case wrongQuestion

    var text: String {
        switch self {
        case .truncated: "truncated"
        case .badPointer: "pointer of a name"
        case .badLabel: "kind of label"
        case .nameTooLong: "name too long"
        case .badLength: "length of a record"
        case .notAResponse: "not a response"
        case .wrongQuestion: "not about the question"
        }
    }
}
