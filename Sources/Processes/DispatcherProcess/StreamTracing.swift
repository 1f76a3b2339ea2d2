import EventLoop

/// What `trace io` says of a read or a write: how much, never what.
extension ReadResult {
    var traced: String {
        switch self {
        case .bytes(let bytes): "read \(bytes.count) octets"
        case .end: "the other side sends nothing more"
        case .timedOut: "nothing to read in time"
        case .failed(let error): "read failed: \(error)"
        }
    }
}

extension WriteResult {
    /// - Parameter count: Octets that were to be written.
    func traced(_ count: Int) -> String {
        switch self {
        case .written: "wrote \(count) octets"
        case .timedOut: "the other side did not take \(count) octets in time"
        case .failed(let error): "write failed: \(error)"
        }
    }
}
