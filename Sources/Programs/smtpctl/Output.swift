import ControlMessages
import Envelopes
import Glibc
import JSON
import Platform

/// Standard output, for people or, with `--json`, for programs: an object on a line for each thing.
struct Output {
    let asJSON: Bool

    /// Prints bytes as they are; ends the program when nobody reads any more.
    func write(_ bytes: [UInt8]) {
        if (try? Files.writeAll(raw: STDOUT_FILENO, bytes)) == nil { exit(1) }
    }

    func write(_ value: JSONValue) { write(value.bytes + [0x0A]) }

    /// A line of text, or a value of the same meaning.
    func say(_ text: String, _ value: @autoclosure () -> JSONValue) {
        if asJSON { write(value()) } else { write(Array((text + "\n").utf8)) }
    }

    /// Says on standard error why, and ends.
    func fail(_ text: String, code: CInt = 1) -> Never {
        Diagnostics.fail(asJSON ? JSONValue.object(["error": .text(text)]).line : text, code: code)
    }

    /// Whether the daemon's output is to be printed as it comes.
    func passes(_ answer: Answer) -> Bool { !asJSON || answer == .output }

    /// Prints whole output of the daemon as JSON.
    func convert(_ bytes: [UInt8], _ answer: Answer) {
        let lines = bytes.split(separator: 0x0A)
        switch answer {
        case .queue:
            for line in lines {
                if let value = QueueListing.json(ofLine: line) { write(value) }
            }
        case .message: write(.object(["message": .text(String(decoding: bytes, as: UTF8.self))]))
        case .fields: write(.object(lines.compactMap { Self.member($0, separator: ": ") }))
        case .statistics: write(.object(lines.compactMap { Self.member($0, separator: "=") }))
        case .status:
            write(
                .object(
                    lines.compactMap { line in
                        Self.member(line, separator: " ").map { .init(lowercased($0.name), $0.value) }
                    }))
        case .plain, .envelopes, .output: write(bytes)
        }
    }

    /// A line with a name and a value, which is a number when it looks like one and its name is no text's.
    private static func member(_ line: ArraySlice<UInt8>, separator: String) -> JSONValue.Member? {
        let text = String(decoding: line, as: UTF8.self)
        let mark = Array(separator.utf8)
        guard let at = line.indices.first(where: { line[$0...].starts(with: mark) }) else { return nil }
        let name = String(decoding: line[..<at], as: UTF8.self)
        let value = String(decoding: line[(at + mark.count)...], as: UTF8.self)
        guard !text.isEmpty else { return nil }
        if separator == "=", let number = Int64(value) { return .init(name, .integer(number)) }
        return .init(name, .text(value))
    }

    private func lowercased(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 >= 0x41 && $0 <= 0x5A ? $0 + 0x20 : $0 }, as: UTF8.self)
    }
}
