import Glibc
import Platform

/// A message on its way into a mailbox: the fields delivery adds, then the stored bytes, read once and in
/// order without holding more than the header and one chunk.
package final class MessageSource {
    package enum Content {
        case bytes([UInt8])
        /// `size` bytes of a file from `offset`; its position is neither used nor changed.
        case extent(SharedDescriptor, offset: Int64, size: Int64)
        /// Everything up to the end of a pipe or file.
        case stream(SharedDescriptor)
    }

    /// Bytes of the next read.
    private static let chunkSize = 65_536
    /// How far the end of the header is looked for, in bytes.
    package static let maximumHeader = 1 << 20

    private let prefix: [UInt8]
    /// Read from the content and not yet handed out.
    private var ahead: [UInt8]
    private var rest: Rest
    private var hasStarted = false

    private enum Rest {
        case nothing
        case extent(SharedDescriptor, offset: Int64, remaining: Int64)
        case stream(SharedDescriptor)
    }

    package init(prefix: [UInt8] = [], _ content: Content) {
        self.prefix = prefix
        switch content {
        case .bytes(let bytes):
            ahead = bytes
            rest = .nothing
        case .extent(let file, let offset, let size):
            ahead = []
            rest = .extent(file, offset: offset, remaining: size)
        case .stream(let file):
            ahead = []
            rest = .stream(file)
        }
    }

    /// The message's own header, without the prefix: what stands before the first empty line, at most
    /// ``maximumHeader`` bytes. To be asked before ``next()``.
    package func header() throws(SystemError) -> MessageHeader {
        precondition(!hasStarted, "the header is asked for before the message is read")
        var searched = 0
        while true {
            if let end = MessageHeader.end(in: ahead, from: searched) { return MessageHeader(ahead[..<end]) }
            searched = max(0, ahead.count - 1)
            guard ahead.count < Self.maximumHeader, let chunk = try read() else { return MessageHeader(ahead[...]) }
            ahead += chunk
        }
    }

    /// The next bytes, nil at the end.
    ///
    /// - Throws: EIO when the file is shorter than its announced size.
    package func next() throws(SystemError) -> [UInt8]? {
        if !hasStarted {
            hasStarted = true
            if !prefix.isEmpty || !ahead.isEmpty {
                let first = prefix + ahead
                ahead = []
                return first
            }
        }
        return try read()
    }

    private func read() throws(SystemError) -> [UInt8]? {
        switch rest {
        case .nothing:
            return nil
        case .extent(_, _, remaining: 0):
            return nil
        case .extent(let file, let offset, let remaining):
            let chunk = try file.read(at: offset, count: Int(min(Int64(Self.chunkSize), remaining)))
            guard !chunk.isEmpty else { throw SystemError("read of a message shorter than announced", code: EIO) }
            let count = Int64(chunk.count)
            rest = .extent(file, offset: offset + count, remaining: remaining - count)
            return chunk
        case .stream(let file):
            let chunk = try file.read(count: Self.chunkSize)
            if chunk.isEmpty {
                rest = .nothing
                return nil
            }
            return chunk
        }
    }
}

/// A descriptor that several messages read from; closed with the last of them.
package final class SharedDescriptor: Sendable {
    package let descriptor: OwnedDescriptor

    package init(_ descriptor: consuming OwnedDescriptor) { self.descriptor = descriptor }

    /// At most `count` bytes at `offset`; empty at the end.
    func read(at offset: Int64, count: Int) throws(SystemError) -> [UInt8] {
        let raw = descriptor.raw
        return try readSome(count) { pread(raw, $0.baseAddress, $0.count, off_t(offset)) }
    }

    /// At most `count` bytes from the current position; empty at the end.
    func read(count: Int) throws(SystemError) -> [UInt8] {
        let raw = descriptor.raw
        return try readSome(count) { Glibc.read(raw, $0.baseAddress, $0.count) }
    }
}

/// One read call's worth of bytes, at most `count`; empty at the end.
func readSome(_ count: Int, _ call: (UnsafeMutableRawBufferPointer) -> Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, initialized in
        do throws(SystemError) {
            initialized = try checked("read") { call(UnsafeMutableRawBufferPointer(room)) }
        } catch {
            failure = error
        }
    }
    if let failure { throw failure }
    return bytes
}
