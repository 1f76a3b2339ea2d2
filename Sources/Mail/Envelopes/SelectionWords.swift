import MailSyntax

/// What an operator may ask by words such as `from=*@example.org older=2h`: of the queue, of the history.
package protocol SelectionKey: RawRepresentable<String>, Hashable, Sendable, CaseIterable {}

/// Why words select nothing.
package enum SelectionProblem<Key: SelectionKey>: Error, Hashable, Sendable, CustomStringConvertible {
    case unknownKey(String)
    case repeated(Key)
    case badValue(Key, expected: String)

    package var description: String {
        switch self {
        case .unknownKey(let word): "\(word): not one of \(Key.allCases.map { $0.rawValue + "=" }.joined(separator: ", "))"
        case .repeated(let key): "\(key.rawValue)= is there twice"
        case .badValue(let key, let expected): "\(key.rawValue)=: expected \(expected)"
        }
    }
}

/// Words that are read: each key once.
struct SelectionWords<Key: SelectionKey> {
    private var values: [Key: String] = [:]

    /// - Parameter longestValue: In octets.
    init(_ words: [String], longestValue: Int) throws(SelectionProblem<Key>) {
        for word in words {
            guard let equals = word.firstIndex(of: "="), let key = Key(rawValue: String(word[..<equals])) else {
                throw .unknownKey(word)
            }
            guard values[key] == nil else { throw .repeated(key) }
            let value = String(word[word.index(after: equals)...])
            guard value.utf8.count <= longestValue, value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
                throw .badValue(key, expected: "at most \(longestValue) printable characters")
            }
            values[key] = value
        }
    }

    /// In the order of the keys.
    var entries: [(key: Key, value: String)] { Key.allCases.compactMap { key in values[key].map { (key, $0) } } }
    /// The words again.
    var words: [String] { entries.map { "\($0.key.rawValue)=\($0.value)" } }
}

/// Reading the values that several keys have.
extension SelectionKey {
    func pattern(_ value: String) throws(SelectionProblem<Self>) -> AddressPattern {
        guard !value.isEmpty else { throw .badValue(self, expected: "a text, in which * stands for anything") }
        return AddressPattern(value)
    }

    /// In seconds.
    func age(_ value: String) throws(SelectionProblem<Self>) -> Int64 {
        guard let seconds = seconds(ofDuration: value) else { throw .badValue(self, expected: "a time such as 90s, 10m, 2h or 1d12h") }
        return seconds
    }

    func user(_ value: String) throws(SelectionProblem<Self>) -> UInt32 {
        guard let number = UInt32(value) else { throw .badValue(self, expected: "the number of a user") }
        return number
    }

    /// Hexadecimal digits that an id begins with, in lower case.
    func prefix(_ value: String) throws(SelectionProblem<Self>) -> String {
        guard (1...16).contains(value.utf8.count), hexadecimalValue(value) != nil else {
            throw .badValue(self, expected: "1 to 16 hexadecimal digits")
        }
        return String(decoding: value.utf8.map(asciiLowercased), as: UTF8.self)
    }
}
