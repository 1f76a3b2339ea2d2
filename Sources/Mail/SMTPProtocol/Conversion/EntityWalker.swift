import MailSyntax

/// Follows the structure of a message line by line: which line belongs to a header, to a part's body, or to what
/// stands between the parts (RFC 2046).
///
/// Bodies are found by their delimiters alone, as every reader of the message will do. An entity that must not be
/// changed is one part, whatever it holds.
struct EntityWalker: Sendable {
    /// What a line is.
    enum Place: Sendable {
        /// The header of an entity, all of it, with the empty line behind it or without one.
        case header(Entity, [UInt8])
        /// A line of the body of the part whose header came last.
        case body
        /// A delimiter, or a line that no reader shows.
        case between
    }

    /// What the header of an entity says.
    struct Entity: Sendable {
        var type: ContentType
        var encoding: Encoding
        /// The whole message, rather than a part of it.
        var isMessage: Bool
        /// Its body is one part to be kept or recoded; else it consists of entities.
        var isLeaf: Bool
    }

    enum Encoding: Sendable {
        /// 7bit, 8bit, binary, or nothing said.
        case identity
        /// Quoted-printable or base64.
        case encoded
        /// Something else.
        case unknown
    }

    /// Multiparts within multiparts that are followed; what lies deeper is one part.
    static let maximumDepth = 50
    /// Octets of one header; beyond it what follows is body.
    static let maximumHeader = 1 << 20

    private enum Mode: Sendable {
        case header(collected: [UInt8], type: ContentType, isMessage: Bool)
        case body
        case between
    }

    /// A multipart that is open.
    private struct Multipart: Sendable {
        var boundary: [UInt8]
        var defaultType: ContentType
    }

    private var open: [Multipart] = []
    private var mode = Mode.header(collected: [], type: .text, isMessage: true)

    /// Takes a line with its LF; nil while a header grows.
    mutating func take(_ line: ArraySlice<UInt8>) -> [Place] {
        if let place = delimiter(line) { return place }
        switch mode {
        case .header(var collected, let type, let isMessage):
            // Out of the state while it grows, so that it is not copied.
            mode = .between
            let form = HeaderLine(line.last == 0x0A ? line.dropLast() : line)
            switch form {
            case .field, .continuation:
                guard collected.count + line.count <= Self.maximumHeader else { break }
                collected += line
                mode = .header(collected: collected, type: type, isMessage: isMessage)
                return []
            case .empty:
                collected += line
                return [end(of: collected, type, isMessage)]
            case .other: break
            }
            // No header any more, and nothing between it and the body.
            return [end(of: collected, type, isMessage), bodyPlace]
        case .body, .between:
            return [bodyPlace]
        }
    }

    /// The message has ended.
    mutating func finish() -> Place? {
        guard case .header(let collected, let type, let isMessage) = mode else { return nil }
        return end(of: collected, type, isMessage)
    }

    private var bodyPlace: Place { if case .body = mode { .body } else { .between } }

    /// What a delimiter of an open multipart leads to, nil for any other line.
    private mutating func delimiter(_ line: ArraySlice<UInt8>) -> [Place]? {
        guard !open.isEmpty, line.starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")]) else { return nil }
        for index in open.indices.reversed() {
            let boundary = open[index].boundary
            var rest = line.dropFirst(2)
            guard rest.starts(with: boundary) else { continue }
            rest = rest.dropFirst(boundary.count)
            let isLast = rest.starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")])
            if isLast { rest = rest.dropFirst(2) }
            guard rest.allSatisfy({ $0 == 0x20 || $0 == 0x09 || $0 == 0x0D || $0 == 0x0A }) else { continue }
            let pending = finish()
            let type = open[index].defaultType
            open.removeSubrange((isLast ? index : index + 1)...)
            mode = isLast ? .between : .header(collected: [], type: type, isMessage: false)
            return (pending.map { [$0] } ?? []) + [.between]
        }
        return nil
    }

    private mutating func end(of header: [UInt8], _ defaultType: ContentType, _ isMessage: Bool) -> Place {
        var entity = Entity(type: defaultType, encoding: .identity, isMessage: isMessage, isLeaf: true)
        var scanner = HeaderScanner(header)
        while let field = scanner.next() {
            if field.isNamed("Content-Type") {
                entity.type = ContentType(header[field.value])
            } else if field.isNamed("Content-Transfer-Encoding") {
                let word = header[field.value].filter { $0 > 0x20 }.map(asciiLowercased)
                switch String(decoding: word, as: UTF8.self) {
                case "7bit", "8bit", "binary", "": entity.encoding = .identity
                case "quoted-printable", "base64": entity.encoding = .encoded
                default: entity.encoding = .unknown
                }
            }
        }
        mode = .body
        guard case .identity = entity.encoding, open.count < Self.maximumDepth else { return .header(entity, header) }
        if entity.type.name == "multipart/signed" || entity.type.name == "multipart/encrypted" {
            // What was signed must stay as it is (RFC 1847 section 2.1).
        } else if entity.type.isMultipart, let boundary = entity.type.boundary {
            let isDigest = entity.type.name == "multipart/digest"
            open.append(Multipart(boundary: boundary, defaultType: isDigest ? .message : .text))
            mode = .between
            entity.isLeaf = false
        } else if entity.type.name == "message/rfc822" {
            mode = .header(collected: [], type: .text, isMessage: true)
            entity.isLeaf = false
        }
        return .header(entity, header)
    }
}
