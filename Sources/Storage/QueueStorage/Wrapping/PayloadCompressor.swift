/// Makes payloads shorter before they go to the disk: a library that a build may lack.
package protocol PayloadCompressor: Sendable {
    /// False for ``NoCompressor``: what is compressed cannot be read.
    var isAvailable: Bool { get }

    /// The payload in compressed form, nil when that is no shorter.
    func compress(_ payload: [UInt8]) -> [UInt8]?

    /// The payload that was compressed.
    ///
    /// - Parameter size: Of the payload; the caller has bounded it, and no more is ever made.
    /// - Returns: Nil when the bytes are not those of a payload of this size.
    func expand(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]?
}

/// The null form: nothing is compressed, and what is cannot be read.
package struct NoCompressor: PayloadCompressor {
    package init() {}
    package var isAvailable: Bool { false }
    package func compress(_ payload: [UInt8]) -> [UInt8]? { nil }
    package func expand(_ bytes: ArraySlice<UInt8>, size: Int) -> [UInt8]? { nil }
}
