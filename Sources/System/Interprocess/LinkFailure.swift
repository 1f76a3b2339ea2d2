import Platform
import WireFormat

/// Why a link has ended.
package enum LinkFailure: Error, Hashable, Sendable {
    /// The peer closed or died; every whole message before that was delivered.
    case peerClosed
    /// A frame did not hold a message, or a descriptor came without one.
    case malformed(WireError)
    /// A frame announced more octets than the link allows.
    case oversized
    /// The socket failed.
    case system(SystemError)
}
