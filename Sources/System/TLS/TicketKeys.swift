import CTLS

/// The keys that session tickets are sealed with: in memory alone, new every two hours.
///
/// Shared by the contexts of a server and kept when these are made anew, so that clients can resume their
/// sessions over a reload.
package final class TicketKeys {
    let raw: OpaquePointer

    /// - Throws: ``TLSSetupFailure/outOfMemory``, also without randomness.
    package init() throws(TLSSetupFailure) {
        guard let raw = martlet_ticket_keys_new() else { throw .outOfMemory }
        self.raw = raw
    }

    deinit { martlet_ticket_keys_release(raw) }
}
