import Envelopes
import MailSyntax

/// Why the parameters of MAIL or RCPT were refused.
package enum ParameterError: Error, Hashable, Sendable {
    /// A keyword not offered; cut to a length fit for a reply.
    case unsupported(String)
    /// A value its keyword does not allow, or none where one is needed.
    case badValue(keyword: String)
    case duplicate(keyword: String)
    /// Not `keyword[=value]` with single spaces before (RFC 5321 section 4.1.2).
    case malformed
    /// NEVER together with other NOTIFY words (RFC 3461 section 4.1).
    case neverWithOthers
}

/// One `keyword[=value]` behind a path (RFC 5321 section 4.1.2).
private struct Parameter {
    /// In capitals.
    let keyword: String
    let value: ArraySlice<UInt8>?

    /// Reads all of them; none may come twice.
    static func parse(_ bytes: ArraySlice<UInt8>) throws(ParameterError) -> [Parameter] {
        guard bytes.isEmpty || bytes.first == 0x20 else { throw .malformed }
        var result: [Parameter] = []
        for word in bytes.split(separator: 0x20) {
            let nameEnd = word.firstIndex(of: UInt8(ascii: "=")) ?? word.endIndex
            let name = word[..<nameEnd]
            guard let first = name.first, isASCIIAlphanumeric(first),
                name.allSatisfy({ isASCIIAlphanumeric($0) || $0 == UInt8(ascii: "-") })
            else { throw .malformed }
            let keyword = String(decoding: name.map(uppercased), as: UTF8.self)
            guard !result.contains(where: { $0.keyword == keyword }) else { throw .duplicate(keyword: keyword) }
            // More than any set of extensions has: bounds the search for doubles.
            guard result.count < 16 else { throw .malformed }
            let value = nameEnd < word.endIndex ? word[(nameEnd + 1)...] : nil
            guard value?.isEmpty != true, value?.contains(where: { $0 == UInt8(ascii: "=") }) != true || keyword == "AUTH"
            else { throw .badValue(keyword: keyword) }
            result.append(Parameter(keyword: keyword, value: value))
        }
        return result
    }

    func requiredValue() throws(ParameterError) -> ArraySlice<UInt8> {
        guard let value else { throw .badValue(keyword: keyword) }
        return value
    }

    /// The value as a word in capitals.
    func word() throws(ParameterError) -> String {
        String(decoding: try requiredValue().map(uppercased), as: UTF8.self)
    }

    var unsupported: ParameterError { .unsupported(String(keyword.prefix(32))) }
}

/// The parameters of MAIL.
package struct MailParameters: Hashable, Sendable {
    /// The declared size in octets (RFC 1870 section 3); a number that does not fit counts as the largest.
    package var size: Int64?
    package var body = BodyType.sevenBit
    package var needsUTF8 = false
    package var returnContent: ReturnContent?
    /// Decoded (RFC 3461 section 4.4).
    package var envelopeIdentifier: [UInt8]?

    /// Reads what stands behind the path.
    package init(parsing bytes: ArraySlice<UInt8>, settings: ServerSettings) throws(ParameterError) {
        for parameter in try Parameter.parse(bytes) {
            switch parameter.keyword {
            case "SIZE":
                let digits = try parameter.requiredValue()
                guard digits.count <= 20, digits.allSatisfy(isASCIIDigit) else { throw .badValue(keyword: "SIZE") }
                size = decimalValue(digits) ?? .max
            case "BODY":
                switch try parameter.word() {
                case "7BIT": body = .sevenBit
                case "8BITMIME": body = .eightBitMIME
                default: throw .badValue(keyword: "BODY")
                }
            case "SMTPUTF8":
                guard parameter.value == nil else { throw .badValue(keyword: "SMTPUTF8") }
                needsUTF8 = true
            case "AUTH":
                // RFC 4954 section 5: a server that does not trust the client must accept and ignore it.
                _ = try parameter.requiredValue()
            case "RET" where settings.offersDSN:
                switch try parameter.word() {
                case "FULL": returnContent = .full
                case "HDRS": returnContent = .headers
                default: throw .badValue(keyword: "RET")
                }
            case "ENVID" where settings.offersDSN:
                let text = try parameter.requiredValue()
                // What is decoded goes into reports: printable ASCII only, as the RFC says.
                guard text.count <= settings.limits.envelopeIdentifier, let decoded = Xtext.decoded(text),
                    decoded.allSatisfy({ $0 >= 0x20 && $0 < 0x7F })
                else { throw .badValue(keyword: "ENVID") }
                envelopeIdentifier = decoded
            default:
                throw parameter.unsupported
            }
        }
    }
}

/// The parameters of RCPT.
package struct RecipientParameters: Hashable, Sendable {
    package var notify: NotifyOptions?
    /// `type;xtext`, checked.
    package var originalRecipient: [UInt8]?

    /// Reads what stands behind the path.
    package init(parsing bytes: ArraySlice<UInt8>, settings: ServerSettings) throws(ParameterError) {
        for parameter in try Parameter.parse(bytes) {
            switch parameter.keyword {
            case "NOTIFY" where settings.offersDSN:
                notify = try Self.notify(try parameter.word())
            case "ORCPT" where settings.offersDSN:
                let value = try parameter.requiredValue()
                guard value.count <= settings.limits.originalRecipient, Self.isOriginalRecipient(value) else {
                    throw .badValue(keyword: "ORCPT")
                }
                originalRecipient = Array(value)
            default:
                throw parameter.unsupported
            }
        }
    }

    private static func notify(_ value: String) throws(ParameterError) -> NotifyOptions {
        var options: NotifyOptions = []
        for word in value.split(separator: ",", omittingEmptySubsequences: false) {
            switch word {
            case "SUCCESS": options.insert(.success)
            case "FAILURE": options.insert(.failure)
            case "DELAY": options.insert(.delay)
            case "NEVER": options.insert(.never)
            default: throw .badValue(keyword: "NOTIFY")
            }
        }
        guard !options.contains(.never) || options == .never else { throw .neverWithOthers }
        return options
    }

    /// True for `addr-type ";" xtext` whose decoded form holds no control character (RFC 3461 section 4.2).
    package static func isOriginalRecipient(_ value: ArraySlice<UInt8>) -> Bool {
        guard let separator = value.firstIndex(of: UInt8(ascii: ";")), separator > value.startIndex,
            value[..<separator].allSatisfy({ isASCIIAlphanumeric($0) || $0 == UInt8(ascii: "-") }),
            let address = Xtext.decoded(value[separator...].dropFirst()), !address.isEmpty
        else { return false }
        return address.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
    }
}
