import Envelopes
import MailSyntax

/// An envelope to relay.
package struct RelayOffer: Hashable, Sendable {
    package var id: EnvelopeID
    /// The name of the action.
    package var action: String
    /// The domain of the destination.
    package var domain: Domain
    /// Envelopes of one message share a transaction only when this is equal: SRS and other rewriting can give
    /// them different reverse paths. The driver numbers them as it likes.
    package var variant: UInt32
    /// The number of the operator's order that made it due: larger for later ones, nil when none did.
    package var order: UInt64?

    package init(id: EnvelopeID, action: String, domain: Domain, variant: UInt32 = 0, order: UInt64? = nil) {
        self.id = id
        self.action = action
        self.domain = domain
        self.variant = variant
        self.order = order
    }
}
