import Envelopes

/// The options of forty years of `sendmail` (see sendmail(8) for the table).
extension Invocation {
    /// What an option letter does with the rest of its word and the word behind it.
    private enum Argument {
        /// Takes nothing: the next letter is an option too.
        case nothing
        /// Takes the rest of the word, or the next word when that is empty.
        case required
        /// Takes the rest of the word, even when empty.
        case optional
    }

    private static func argument(of letter: UInt8) -> Argument? {
        switch letter {
        case UInt8(ascii: "t"), UInt8(ascii: "i"), UInt8(ascii: "I"), UInt8(ascii: "G"), UInt8(ascii: "U"),
            UInt8(ascii: "n"), UInt8(ascii: "v"), UInt8(ascii: "m"), UInt8(ascii: "x"):
            .nothing
        case UInt8(ascii: "f"), UInt8(ascii: "r"), UInt8(ascii: "F"), UInt8(ascii: "b"), UInt8(ascii: "B"),
            UInt8(ascii: "N"), UInt8(ascii: "R"), UInt8(ascii: "V"), UInt8(ascii: "h"), UInt8(ascii: "L"),
            UInt8(ascii: "p"), UInt8(ascii: "A"), UInt8(ascii: "C"), UInt8(ascii: "O"), UInt8(ascii: "o"),
            UInt8(ascii: "X"), UInt8(ascii: "e"):
            .required
        // -E and -J: OpenSMTPD's sendmail takes them.
        case UInt8(ascii: "q"), UInt8(ascii: "d"), UInt8(ascii: "E"), UInt8(ascii: "J"):
            .optional
        default:
            nil
        }
    }

    /// Reads a command line.
    ///
    /// - Parameters:
    ///   - name: The name the program was started under, with or without its directory.
    ///   - arguments: What followed the name, byte for byte.
    package init(name: [UInt8], arguments: [[UInt8]]) {
        // Callers give these names options of any other mail system; none changes what they do.
        switch String(decoding: name[((name.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...], as: UTF8.self) {
        case "mailq": self = .listQueue
        case "newaliases": self = .rebuildAliases
        default:
            do throws(UsageError) {
                self = try Self.parse(arguments)
            } catch {
                self = .usage(error)
            }
        }
    }

    private static func parse(_ arguments: [[UInt8]]) throws(UsageError) -> Invocation {
        if arguments == [Array("--replay-offline".utf8)] { return .replayOffline }
        var options = SubmissionOptions()
        var mode = UInt8(ascii: "m")
        var runsQueue = false
        var words = arguments[...]
        while let word = words.first, word.count > 1, word[0] == UInt8(ascii: "-") {
            words = words.dropFirst()
            if word == Array("--".utf8) { break }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                var value: [UInt8] = []
                switch argument(of: letter) {
                case nil: throw .unknownOption(letter)
                case .nothing: break
                case .optional:
                    value = Array(letters)
                    letters = []
                case .required:
                    if letters.isEmpty {
                        guard let next = words.popFirst() else { throw .missingArgument(letter) }
                        value = next
                    } else {
                        value = Array(letters)
                        letters = []
                    }
                }
                switch letter {
                case UInt8(ascii: "b"):
                    guard let known = value.first, Self.modes.contains(known) else { throw .unknownMode(value) }
                    mode = known
                case UInt8(ascii: "I"): mode = UInt8(ascii: "i")
                case UInt8(ascii: "q"): runsQueue = true
                default: options.apply(letter, value)
                }
            }
        }
        options.recipients = Array(words)
        switch mode {
        case UInt8(ascii: "s"): return .smtpOnStandardInput
        case UInt8(ascii: "p"): return .listQueue
        case UInt8(ascii: "i"): return .rebuildAliases
        // With a daemon, -q is the interval of its queue runs.
        case UInt8(ascii: "d"): return .startDaemon(inForeground: false)
        case UInt8(ascii: "D"): return .startDaemon(inForeground: true)
        case UInt8(ascii: "v"):
            guard !options.recipients.isEmpty else { throw .noRecipients }
            return .verify(options)
        default:
            if runsQueue { return .runQueue }
            guard options.collectsRecipients || !options.recipients.isEmpty else { throw .noRecipients }
            return .submit(options)
        }
    }

    private static let modes = Array("mspivdD".utf8)
}

extension SubmissionOptions {
    /// Takes an option that says something of the message; the others are accepted and change nothing.
    fileprivate mutating func apply(_ letter: UInt8, _ value: [UInt8]) {
        switch letter {
        case UInt8(ascii: "t"): collectsRecipients = true
        case UInt8(ascii: "i"): ignoresDots = true
        case UInt8(ascii: "o"):
            // Of the old options only `i` concerns us; its value is a boolean that is true when absent.
            guard value.first == UInt8(ascii: "i") else { return }
            ignoresDots = !(value.dropFirst().first.map { asciiLetter($0, is: "f") } ?? false)
        case UInt8(ascii: "f"), UInt8(ascii: "r"): sender = value
        case UInt8(ascii: "F"): fullName = value
        case UInt8(ascii: "N"): notify = Self.notify(value)
        case UInt8(ascii: "R"):
            switch value.first {
            case .some(let first) where asciiLetter(first, is: "f"): returnContent = .full
            case .some(let first) where asciiLetter(first, is: "h"): returnContent = .headers
            default: returnContent = nil
            }
        case UInt8(ascii: "V"): envelopeIdentifier = value.isEmpty ? nil : value
        case UInt8(ascii: "v"): isVerbose = true
        default: break
        }
    }

    /// `never`, or a list of `success`, `failure`, `delay`; nil for anything else.
    private static func notify(_ value: [UInt8]) -> NotifyOptions? {
        var result: NotifyOptions = []
        for item in value.split(separator: UInt8(ascii: ",")) {
            switch String(decoding: item, as: UTF8.self).lowercased() {
            case "success": result.insert(.success)
            case "failure": result.insert(.failure)
            case "delay": result.insert(.delay)
            case "never": result.insert(.never)
            default: return nil
            }
        }
        // RFC 3461 section 4.1: NEVER stands alone.
        if result.isEmpty || result.contains(.never) && result != .never { return nil }
        return result
    }
}

private func asciiLetter(_ byte: UInt8, is letter: Unicode.Scalar) -> Bool { byte | 0x20 == UInt8(ascii: letter) }
