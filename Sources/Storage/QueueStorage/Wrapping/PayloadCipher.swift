/// Keeps payloads secret and unchanged under one key. The null form is that there is none.
package protocol PayloadCipher: Sendable {
    /// Tells keys apart and says nothing about them; never zero.
    var identifier: UInt64 { get }

    /// The payload encrypted and authenticated. Two calls with the same payload give different bytes.
    ///
    /// - Parameter context: Authenticated along with it: only with the same context does it open again.
    func seal(_ payload: [UInt8], context: [UInt8]) -> [UInt8]

    /// The payload; nil for another key, another context, or bytes that were changed.
    func open(_ bytes: ArraySlice<UInt8>, context: [UInt8]) -> [UInt8]?
}
