/// The head of a request of HTTP (RFC 9112), of which only the first line matters here.
struct HTTPRequest {
    private static let longest = 8_192

    private var bytes: [UInt8] = []
    /// The head is there, or is too long to be one.
    private(set) var isComplete = false

    mutating func append(_ received: some Sequence<UInt8>) {
        // The end may lie across two pieces.
        let seen = max(0, bytes.count - 3)
        bytes += received
        let tail = bytes[seen...]
        isComplete = bytes.count > Self.longest || Self.contains(tail, [0x0D, 0x0A, 0x0D, 0x0A]) || Self.contains(tail, [0x0A, 0x0A])
    }

    private static func contains(_ bytes: ArraySlice<UInt8>, _ mark: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0...].starts(with: mark) }
    }

    private var words: [ArraySlice<UInt8>] {
        guard bytes.count <= Self.longest else { return [] }
        return bytes.prefix { $0 != 0x0D && $0 != 0x0A }.split(separator: 0x20, omittingEmptySubsequences: false)
    }

    var isHead: Bool { words.first.map { Array($0) == Array("HEAD".utf8) } ?? false }

    /// What is asked for, without a query; nil for anything but a request to read something.
    var path: String? {
        let words = words
        guard words.count == 3, words[0].elementsEqual("GET".utf8) || isHead, words[2].starts(with: "HTTP/1.".utf8) else { return nil }
        return String(decoding: words[1].prefix { $0 != UInt8(ascii: "?") }, as: UTF8.self)
    }
}

/// A whole answer, after which the connection ends.
struct HTTPResponse {
    let status: String
    let type: String
    let body: String

    func bytes(isHead: Bool) -> [UInt8] {
        let head = "HTTP/1.1 \(status)\r\nContent-Type: \(type)\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n"
        return Array((head + (isHead ? "" : body)).utf8)
    }
}
