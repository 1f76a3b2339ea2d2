/// Why an address was refused.
package enum AddressSyntaxError: Error, Hashable, Sendable {
    case emptyLocalPart
    case localPartTooLong
    /// A control character, or a byte the grammar does not allow, at an offset of the local part.
    case forbiddenOctet(UInt8, at: Int)
    case emptyDomain
    case domainTooLong
    case malformedDomain
    /// A path that is not between `<` and `>`, or with something left over; in an address list, words that
    /// make no address.
    case malformedPath
    /// A quoted string, comment or address literal without its end.
    case unterminatedQuote
}
