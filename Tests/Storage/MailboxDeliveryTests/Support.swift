/// What the tests of mailbox delivery share: a scratch directory, calls that fail, messages.
import Envelopes
import Glibc
import MailSyntax
import Platform
import Testing

@testable import MailboxDelivery

/// A directory that goes away with the test.
final class Scratch {
    let path: String

    init() throws {
        // In memory where there is such a place: the tests sync thousands of times.
        let place = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(place)/martlet-delivery-XXXXXX".utf8CString)
        let made = template.withUnsafeMutableBufferPointer { mkdtemp($0.baseAddress!) }  // Never empty.
        path = try String(cString: #require(made))
    }

    deinit { Self.remove(path) }

    private static func remove(_ path: String) {
        if (try? Files.status(path))??.isDirectory == true {
            for name in (try? Files.list(path)) ?? [] { remove(path + "/" + name) }
            rmdir(path)
        } else {
            unlink(path)
        }
    }

    func content(_ name: String) throws -> String { String(decoding: try Files.read(path + "/" + name), as: UTF8.self) }
    func names(_ name: String) throws -> [String] { try Files.list(path + "/" + name) }
    func has(_ name: String) throws -> Bool { try Files.status(path + "/" + name) != nil }

    func write(_ name: String, _ text: String, mode: mode_t = 0o600) throws {
        let file = try Files.open(path + "/" + name, O_WRONLY | O_CREAT | O_TRUNC, mode: mode)
        try Files.writeAll(file, Array(text.utf8))
    }
}

/// The kernel's calls, of which one fails or from one on all do.
final class FailingFiles: MailboxFiles, @unchecked Sendable {  // Used by one thread of one test.
    enum Trouble {
        /// The call fails with the code, a write after half of its bytes.
        case failure(CInt)
        /// The process is gone: neither this call nor any later one happens, a write half does.
        case crash
    }

    private let kernel = KernelFiles()
    private let trouble: Trouble
    private var left: Int
    private(set) var log: [String] = []

    /// - Parameter at: The number of the call, from 1.
    init(_ trouble: Trouble, at: Int) {
        self.trouble = trouble
        left = at
    }

    var isReached: Bool { left <= 0 }

    private func step(_ call: String) throws(SystemError) {
        log.append(call)
        left -= 1
        switch trouble {
        case .failure(let code): if left == 0 { throw SystemError(call, code: code) }
        case .crash: if left <= 0 { throw SystemError(call, code: EIO) }
        }
    }

    func open(_ name: String, in directory: CInt, _ flags: CInt, mode: mode_t) throws(SystemError) -> OwnedDescriptor {
        try step("open \(name)")
        return try kernel.open(name, in: directory, flags, mode: mode)
    }
    func makeDirectory(_ name: String, in directory: CInt, mode: mode_t) throws(SystemError) {
        try step("mkdir \(name)")
        try kernel.makeDirectory(name, in: directory, mode: mode)
    }
    func write(_ bytes: [UInt8], to file: borrowing OwnedDescriptor) throws(SystemError) {
        let wasReached = isReached
        do throws(SystemError) {
            try step("write")
        } catch {
            if !wasReached { try kernel.write(Array(bytes.prefix(bytes.count / 2)), to: file) }
            throw error
        }
        try kernel.write(bytes, to: file)
    }
    func startWriteback(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        try step("writeback")
        try kernel.startWriteback(file)
    }
    func sync(_ file: borrowing OwnedDescriptor) throws(SystemError) {
        try step("sync")
        try kernel.sync(file)
    }
    func rename(_ name: String, in directory: CInt, to newName: String, in newDirectory: CInt) throws(SystemError) {
        try step("rename")
        try kernel.rename(name, in: directory, to: newName, in: newDirectory)
    }
    func link(_ name: String, in directory: CInt, to newName: String) throws(SystemError) {
        try step("link")
        try kernel.link(name, in: directory, to: newName)
    }
    func remove(_ name: String, in directory: CInt) throws(SystemError) {
        try step("remove")
        try kernel.remove(name, in: directory)
    }
    func truncate(_ file: borrowing OwnedDescriptor, to length: Int64) throws(SystemError) {
        try step("truncate")
        try kernel.truncate(file, to: length)
    }
    func share(_ file: borrowing OwnedDescriptor, with group: gid_t, mode: mode_t) throws(SystemError) {
        try step("share")
        try kernel.share(file, with: group, mode: mode)
    }
}

func message(_ text: String, prefix: String = "") -> MessageSource {
    MessageSource(prefix: Array(prefix.utf8), .bytes(Array(text.utf8)))
}

func mailAddress(_ local: String, _ domain: String = "example.org") throws -> MailAddress {
    MailAddress(try LocalPart(validating: Array(local.utf8)), at: try Domain(validating: Array(domain.utf8)))
}

extension DeliveryOutcome {
    var isDelivered: Bool { if case .delivered = self { true } else { false } }
    /// The status of a temporary failure.
    var temporaryStatus: String? { if case .temporary(let failure) = self { failure.status } else { nil } }
    var permanentStatus: String? { if case .permanent(let failure) = self { failure.status } else { nil } }
    var text: String {
        switch self {
        case .delivered(let text): text
        case .temporary(let failure), .permanent(let failure): failure.text
        case .loop: "loop"
        }
    }
}

extension [DeliveryOutcome] {
    var areDelivered: Bool { allSatisfy { $0.isDelivered } }
}
