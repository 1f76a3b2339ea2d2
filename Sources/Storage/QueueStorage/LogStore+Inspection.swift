import Envelopes
import Platform

/// Looking at the queue of a daemon that does not run: what a start would find, and nothing of what it would do.
extension LogStore {
    /// Reads the queue and changes nothing; what a start would repair, set aside or remove is only passed over.
    ///
    /// The store is not locked, so that a daemon can start meanwhile; a record that it moves away is then missing
    /// or damaged here. Of the result only lookups and listings may be used.
    ///
    /// - Parameter wrapping: What reads payloads that are wrapped.
    /// - Returns: The store, empty where none was ever made.
    /// - Throws: ``StoreError/newerFormat(found:understood:)``, ``StoreError/unknownKey(_:)``,
    ///   ``StoreError/compressed(_:)``, and ``StoreError/system(_:)`` for what cannot be read.
    package static func inspect(
        device: any StorageDevice, options: Options = Options(), wrapping: PayloadWrapping = PayloadWrapping()
    ) throws(StoreError) -> LogStore {
        // No id and no salt is ever made here.
        let store = LogStore(device: device, options: options, wrapping: wrapping, lock: nil, random: { 0 })
        try store.look()
        return store
    }

    private func look() throws(StoreError) {
        _ = try checkFormat()
        var replay = SummaryReplay()
        let valid = withoutVoidOnes(try findSegments())
        for (place, (segment, end)) in valid.enumerated() {
            _ = try recover(segment, end: end, isLast: place == valid.count - 1, &replay)
        }
        replay.finish(in: &index)
        try checkReadable()
    }

    /// Whether this process may change what is on disk: the store is its own.
    var mayWrite: Bool { lock != nil }
}
