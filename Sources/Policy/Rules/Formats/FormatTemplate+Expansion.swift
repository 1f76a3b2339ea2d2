// Expanding a template: values from the envelope, cut, modified and made harmless for their use.
import Configuration
import MailSyntax
import Tables

/// What a template can speak of.
package struct FormatValues: Hashable, Sendable {
    package var sender: ReversePath
    package var recipient: MailAddress
    package var destination: MailAddress
    package var userName: String
    package var userDirectory: String
    /// The command inside a wrapper, its own specifiers expanded already; nil when there is none.
    package var command: String?
    package var subaddressDelimiter: UInt8

    package init(
        sender: ReversePath, recipient: MailAddress, destination: MailAddress, userName: String,
        userDirectory: String, command: String? = nil, subaddressDelimiter: UInt8 = UInt8(ascii: "+")
    ) {
        self.sender = sender
        self.recipient = recipient
        self.destination = destination
        self.userName = userName
        self.userDirectory = userDirectory
        self.command = command
        self.subaddressDelimiter = subaddressDelimiter
    }
}

/// Where an expanded template ends up; decides which bytes a value may bring.
package enum FormatUse: UInt8, Hashable, Sendable {
    /// A file's path or a host's name: values pass ``PathSafety/component(_:)``.
    case path
    /// A command for the shell: values pass ``PathSafety/word(_:)``, `raw` or not, because whoever may
    /// choose a sender or recipient must not choose what a shell reads.
    case command
}

extension FormatTemplate {
    /// - Throws: when a value cannot be cut or used as the template wants, or the result is longer than
    ///   ``maximumLength`` bytes. The delivery then fails: no other path or command may take its place.
    package func expand(_ values: FormatValues, for use: FormatUse) throws(FormatError) -> String {
        var result: [UInt8] = []
        for part in parts {
            switch part {
            case .literal(let bytes): result += bytes
            case .specifier(let specifier): result += try value(of: specifier, values, use)
            }
            guard result.count <= Self.maximumLength else { throw .tooLong }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private func value(
        of specifier: Specifier, _ values: FormatValues, _ use: FormatUse
    ) throws(FormatError) -> [UInt8] {
        let token = specifier.token
        var bytes = values.bytes(of: token)
        if let range = specifier.range { bytes = try Self.cut(bytes, range, of: token) }
        for modifier in specifier.modifiers {
            switch modifier {
            case .lowercase: bytes = bytes.map(asciiLowercased)
            case .uppercase: bytes = bytes.map { $0 >= 0x61 && $0 <= 0x7A ? $0 ^ 0x20 : $0 }
            case .strip: bytes = values.stripped(bytes)
            case .raw: break
            }
        }
        if bytes.isEmpty, generation == .accept { throw .emptyValue(token) }
        // Neither is altered: another directory or command would be a wrong one.
        if token == .userDirectory || token == .command {
            let isUsable =
                token == .userDirectory && use == .command
                ? PathSafety.isPlainPath(bytes) : bytes.allSatisfy { $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }
            guard isUsable else { throw .unsafeValue(token) }
            return bytes
        }
        if !specifier.modifiers.contains(.raw) { bytes = replaced(bytes) }
        let safe = use == .path ? PathSafety.component(bytes) : PathSafety.word(bytes)
        // An emptied part would make one path of two: that of the parent directory.
        if safe.isEmpty, !bytes.isEmpty { throw .unsafeValue(token) }
        return safe
    }

    /// Each generation's special characters as colons.
    private func replaced(_ bytes: [UInt8]) -> [UInt8] {
        let special: [UInt8] =
            switch generation {
            case .match: Array("!#$%&'*?`{|}~".utf8)
            case .accept: Array("*?/".utf8)
            }
        return bytes.map { special.contains($0) ? UInt8(ascii: ":") : $0 }
    }

    private static func cut(
        _ bytes: [UInt8], _ range: ByteRange, of token: Token
    ) throws(FormatError) -> [UInt8] {
        if bytes.isEmpty { return [] }
        let begin = range.begin < 0 ? bytes.count + range.begin : range.begin
        guard begin >= 0, begin < bytes.count else { throw .rangeBeyondEnd(token) }
        let last: Int
        switch range.end {
        case .single: last = begin
        case .open: last = bytes.count - 1
        case .last(let end): last = min(bytes.count - 1, end < 0 ? bytes.count + end - 1 : end)
        }
        guard last >= begin else { throw .rangeBeyondEnd(token) }
        return Array(bytes[begin...last])
    }
}

extension FormatValues {
    fileprivate func bytes(of token: FormatTemplate.Token) -> [UInt8] {
        switch token {
        case .sender: sender.address.map(plain) ?? []
        case .senderUser: sender.address?.localPart.bytes ?? []
        case .senderDomain: sender.address?.domain.bytes ?? []
        case .recipient: plain(recipient)
        case .recipientUser: recipient.localPart.bytes
        case .recipientDomain: recipient.domain.bytes
        case .destination: plain(destination)
        case .destinationUser: destination.localPart.bytes
        case .destinationDomain: destination.domain.bytes
        case .userName: Array(userName.utf8)
        case .userDirectory: Array(userDirectory.utf8)
        case .mboxFrom: sender.address.map(plain) ?? Array("MAILER-DAEMON".utf8)
        case .command: Array((command ?? "").utf8)
        }
    }

    /// Without the quotes of SMTP, which mean nothing in a path.
    private func plain(_ address: MailAddress) -> [UInt8] {
        address.localPart.bytes + [UInt8(ascii: "@")] + address.domain.bytes
    }

    /// Without the sub-address before the `@`, or at the end when there is none.
    fileprivate func stripped(_ bytes: [UInt8]) -> [UInt8] {
        let at = bytes.lastIndex(of: UInt8(ascii: "@")) ?? bytes.endIndex
        return Array(splitSubaddress(bytes[..<at], delimiter: subaddressDelimiter).user) + bytes[at...]
    }
}
