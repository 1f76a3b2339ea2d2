/// Appending many octets at once, of which only a view is at hand.

extension OutputSpan<UInt8> {
    /// Appends a copy of octets.
    ///
    /// - Precondition: There is room for them.
    @inlinable @inline(__always) package mutating func append(octets: Span<UInt8>) {
        precondition(octets.count <= freeCapacity, "more octets than there is room for")
        unsafe withUnsafeMutableBufferPointer { room, count in
            unsafe octets.withUnsafeBufferPointer { source in
                guard let from = source.baseAddress, let to = room.baseAddress else { return }
                // The room behind `count` is free, for so many as was checked; the two cannot overlap, since the room
                // is exclusively ours.
                unsafe to.advanced(by: count).initialize(from: from, count: source.count)
            }
            count += octets.count
        }
    }
}

extension [UInt8] {
    /// Appends a copy of octets; a slice of an array would be retained and released for each line.
    @inlinable @inline(__always) package mutating func append(octets: Span<UInt8>) {
        // The pointer does not leave the call, and the array's storage is not the view's: a view of it could not live
        // while it is changed.
        unsafe octets.withUnsafeBufferPointer { unsafe append(contentsOf: $0) }
    }
}
