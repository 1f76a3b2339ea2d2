/// Whether the name that reverse lookup gives for a client's address leads back to that address (FCrDNS): the
/// owner of an address may name it anything, but only the owner of a name can make it point there.
package enum ForwardConfirmation: Hashable, Sendable, CaseIterable {
    /// The name has the address among its own.
    case confirmed
    /// There is no name, or it leads elsewhere.
    case unconfirmed
    /// The resolver could not say.
    case undecided
}
