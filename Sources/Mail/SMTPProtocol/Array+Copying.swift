/// Appending what is only lent.

extension [UInt8] {
    /// Appends octets of which only a view is at hand; a slice of an array would be retained and released for each line.
    mutating func append(copying bytes: Span<UInt8>) {
        // The pointer does not leave the call, and the array's storage is not the view's: a view of it could not live
        // while it is changed.
        unsafe bytes.withUnsafeBufferPointer { unsafe self.append(contentsOf: $0) }
    }
}
