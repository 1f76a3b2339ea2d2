import Platform

/// Why the store could not do what it was asked.
package enum StoreError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The disk is full, apart from the room that is kept for outcomes.
    case outOfSpace
    /// Another process has this spool open.
    case inUse
    /// The spool was written by a newer version; nothing in it was touched.
    case newerFormat(found: UInt32, understood: UInt32)
    /// Nothing of that id is being received or queued.
    case unknownMessage
    /// The envelopes of one message exceed what a record holds.
    case tooLarge
    /// What was stored cannot be read back; the text names it.
    case damaged(String)
    /// What is named is encrypted, and with none of the keys that were given. Nothing in it was touched.
    case unknownKey(String)
    /// What is named is compressed, which this build cannot read. Nothing in it was touched.
    case compressed(String)
    case system(SystemError)

    init(_ failure: WrappingFailure, _ name: String) {
        self =
            switch failure {
            case .noKey: .unknownKey(name)
            case .noCompressor: .compressed(name)
            case .damaged: .damaged("\(name): bad record")
            }
    }

    init(_ error: SystemError) {
        self = error.isOutOfSpace ? .outOfSpace : .system(error)
    }

    package var description: String {
        switch self {
        case .outOfSpace: "no space left in the queue"
        case .inUse: "the queue is in use by another process"
        case .newerFormat(let found, let understood):
            "the queue has format \(found), this version understands up to \(understood)"
        case .unknownMessage: "no such message"
        case .tooLarge: "too many envelopes for one message"
        case .damaged(let what): "damaged: \(what)"
        case .unknownKey(let name):
            "\(name) is encrypted with a key that was not given; queue encryption names the key, and queue encryption "
                + "backup one that was in use before"
        case .compressed(let name): "\(name) is compressed, and this program was built without the trait Compression"
        case .system(let error): error.description
        }
    }
}

/// Something an operator should read in the log, none of which stops the store.
package struct StoreWarning: Hashable, Sendable, CustomStringConvertible {
    /// The file, relative to the store's directory.
    package let name: String
    package let problem: String

    package var description: String { "\(name): \(problem)" }
}
