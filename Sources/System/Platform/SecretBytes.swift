import Glibc

/// Octets that leave no trace in memory once they are no longer needed. Never copied into an array.
package struct SecretBytes: ~Copyable {
    /// The octets themselves, valid as long as the owner keeps them.
    package let bytes: UnsafeRawBufferPointer
    private let memory: UnsafeMutableRawBufferPointer

    /// Made by a function that fills the room and returns how much of it it used.
    package init(room: Int, _ fill: (UnsafeMutableRawBufferPointer) throws(SystemError) -> Int) throws(SystemError) {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: max(1, room), alignment: 16)
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        do throws(SystemError) {
            let count = min(room, try fill(memory))
            bytes = UnsafeRawBufferPointer(rebasing: memory[..<count])
            self.memory = memory
        } catch {
            Self.forget(memory)
            throw error
        }
    }

    /// The content of a file from its beginning, wherever its position is.
    ///
    /// - Throws: EFBIG above `limit` octets.
    package init(contentsOf file: borrowing OwnedDescriptor, limit: Int) throws(SystemError) {
        let raw = file.raw
        try self.init(room: limit + 1) { memory throws(SystemError) in
            var filled = 0
            while filled < memory.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: memory[filled...])
                let offset = off_t(filled)
                let count = try checked("read") { pread(raw, rest.baseAddress, rest.count, offset) }
                if count == 0 { return filled }
                filled += count
            }
            throw SystemError("read", code: EFBIG)
        }
    }

    /// The next line of what is not a file, without its end; octet by octet, so that nothing behind it is taken.
    ///
    /// - Throws: EFBIG above `room` octets.
    package static func line(of raw: CInt, room: Int) throws(SystemError) -> SecretBytes {
        try SecretBytes(room: room + 1) { memory throws(SystemError) in
            for place in memory.indices {
                let octet = UnsafeMutableRawBufferPointer(rebasing: memory[place...place])
                let count = try checked("read") { read(raw, octet.baseAddress, 1) }
                if count == 0 || memory[place] == UInt8(ascii: "\n") { return place }
            }
            throw SystemError("read", code: EFBIG)
        }
    }

    /// Writes them to a file without a copy in between.
    package func write(to file: borrowing OwnedDescriptor) throws(SystemError) {
        let raw = file.raw
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let count = try checked("write") { Glibc.write(raw, piece.baseAddress, piece.count) }
            rest = rest.dropFirst(count)
        }
    }

    deinit {
        Self.forget(memory)
    }

    private static func forget(_ memory: UnsafeMutableRawBufferPointer) {
        explicit_bzero(memory.baseAddress!, memory.count) // Never empty, see the initializer.
        memory.deallocate()
    }
}

// The octets are written by the initializer and by the end alone; in between everybody may read them.
extension SecretBytes: @unchecked Sendable {}
