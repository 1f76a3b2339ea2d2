/// Why an exchange of SASL messages came to nothing.
package enum SASLFailure: Error, Hashable, Sendable {
    /// A message is not what the mechanism says it must be.
    case malformed
    /// The name or the password holds what SASLprep prohibits, or is too long.
    case unacceptableName
    /// The name, the password, the proof or the token was not right.
    case wrongCredentials
    /// The client wants to act for somebody else than the one it proved to be.
    case authorizationRefused
    /// The client insists on channel binding, which is not offered.
    case channelBindingNotOffered
    /// A server asks for too few iterations to be safe, or for too many to be affordable.
    case iterationsOutOfRange(Int)
    /// The server did not prove that it knows the password (RFC 5802 section 3).
    case serverNotProven
    /// A message came that the mechanism has no place for.
    case unexpectedMessage
    /// The server's account of a refused token, cut (RFC 7628 section 3.2.3).
    case tokenRefused(details: String)
}
