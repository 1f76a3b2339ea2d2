import Glibc
import LoopTesting
import Testing

@testable import Platform

@Suite("Addresses of sockets") struct SocketAddressTests {
    @Test(arguments: [
        ("192.0.2.1", "192.0.2.1:25", 4), ("::1", "[::1]:25", 16), ("2001:db8::1", "[2001:db8::1]:25", 16),
        ("::ffff:192.0.2.1", "[::ffff:192.0.2.1]:25", 16),
    ])
    func `text becomes octets and text again`(_ text: String, _ description: String, _ count: Int) throws {
        let address = try #require(SocketAddress(numeric: text, port: 25))
        #expect(address.host == text)
        #expect(address.description == description)
        #expect(address.octets.count == count)
        #expect(SocketAddress(octets: address.octets, port: 25) == address)
    }

    @Test(arguments: ["", "localhost", "192.0.2", "192.0.2.256", "[::1]", "::1%lo", "1.2.3.4 ", "1.2.3.4\0"])
    func `anything else is no address`(_ text: String) {
        #expect(SocketAddress(numeric: text, port: 0) == nil)
    }

    @Test func `a wrong number of octets is refused and not read past`() throws {
        #expect(SocketAddress(octets: [1, 2, 3], port: 0) == nil)
        let wrong = SocketAddress.ipv4([1], port: 1)
        #expect(wrong.host == "invalid")
        #expect(throws: SystemError("address", code: EINVAL)) { try wrong.withKernelForm { _, _ in } }
    }

    @Test func `a path fits up to its limit`() throws {
        let longest = String(repeating: "p", count: SocketAddress.maximumPath)
        let length = try SocketAddress.local(path: longest).withKernelForm { _, length in length }
        #expect(length == 110)
        #expect(throws: SystemError("address \(longest)p", code: ENAMETOOLONG)) {
            try SocketAddress.local(path: longest + "p").withKernelForm { _, _ in }
        }
        #expect(throws: SystemError("address", code: EINVAL)) {
            try SocketAddress.local(path: "a\0b").withKernelForm { _, _ in }
        }
    }
}

@Suite("Sockets") struct SocketTests {
    @Test func `both families listen on one port`() throws {
        let first = try ListeningSocket.internet(try #require(SocketAddress(numeric: "::", port: 0)))
        let port = try Sockets.localAddress(first.raw).port
        #expect(port != 0)
        let second = try ListeningSocket.internet(try #require(SocketAddress(numeric: "0.0.0.0", port: port)))
        #expect(try Sockets.localAddress(second.raw) == .ipv4([0, 0, 0, 0], port: port))
        #expect(throws: SystemError("bind to 0.0.0.0:\(port)", code: EADDRINUSE)) {
            _ = try ListeningSocket.internet(.ipv4([0, 0, 0, 0], port: port))
        }
    }

    @Test func `a local socket has its mode, replaces an old one, and tells who connects`() throws {
        try withDirectory { directory in
            let path = "\(directory)/socket"
            try ListeningSocket.local(path: path, mode: 0o600).close()
            let listener = try ListeningSocket.local(path: path, mode: 0o660)
            #expect(try Files.status(path)?.permissions == 0o660)
            let client = try ConnectingSocket.wait(to: .local(path: path), timeout: 1000)
            let credentials = try Sockets.peerCredentials(client.raw)
            #expect(credentials == PeerCredentials(process: getpid(), user: geteuid(), group: getegid()))
            #expect(try Sockets.peerAddress(client.raw) == .local(path: path))
            try listener.close()
            #expect(throws: SystemError("connect to \(path)", code: ECONNREFUSED)) {
                _ = try ConnectingSocket.wait(to: .local(path: path), timeout: 1000)
            }
        }
    }

    @Test func `a file of the socket's name is not removed`() throws {
        try withDirectory { directory in
            let path = "\(directory)/file"
            try Files.open(path, O_WRONLY | O_CREAT).close()
            #expect(throws: SystemError("bind \(path)", code: EEXIST)) {
                _ = try ListeningSocket.local(path: path, mode: 0o600)
            }
            #expect(try Files.status(path)?.isRegular == true)
        }
    }

    @Test func `a connection to an internet address blocks afterwards`() throws {
        let listener = try ListeningSocket.internet(.ipv4([127, 0, 0, 1], port: 0))
        let address = try Sockets.localAddress(listener.raw)
        let client = try ConnectingSocket.wait(to: address, timeout: 1000)
        try Sockets.setNoDelay(client.raw)
        let flags = fcntl(client.raw, F_GETFL, 0)
        #expect(flags & O_NONBLOCK == 0)
    }
}

@Suite("Users and names") struct UsersTests {
    @Test func `root is found by name and number, with its groups`() throws {
        let root = try #require(try Users.named("root"))
        #expect(root.uid == 0 && root.home == "/root")
        #expect(try Users.withID(0) == root)
        #expect(try Users.groups(of: "root", primary: 0).contains(0))
        #expect(try Groups.named("root") == GroupRecord(name: "root", gid: 0))
    }

    @Test(arguments: ["", "no-such-user", "root\0x", "ro ot", String(repeating: "u", count: 100_000)])
    func `an unknown name is nobody`(_ name: String) throws {
        #expect(try Users.named(name) == nil)
        #expect(try Groups.named(name) == nil)
    }

    @Test func `an unknown number is nobody`() throws {
        #expect(try Users.withID(3_999_999_999) == nil)
    }

    @Test(arguments: [
        ("mail.example.org\n", "mail.example.org"), ("  mail.example.org \r\nsecond\n", "mail.example.org"),
        ("mail.example.org", "mail.example.org"),
    ])
    func `the mail name is the first line of its file`(_ content: String, _ expected: String) throws {
        try withDirectory { directory in
            let path = "\(directory)/mailname"
            try Files.writeAll(try Files.open(path, O_WRONLY | O_CREAT), Array(content.utf8))
            #expect(try HostNames.mailName(file: path) == expected)
        }
    }

    @Test func `without that file the host's name serves`() throws {
        let name = try HostNames.mailName(file: "/nonexistent/mailname")
        #expect(try name == HostNames.fullyQualified() ?? HostNames.current())
        #expect(!name.isEmpty)
    }

    @Test func `the loopback interface has its address`() throws {
        let addresses = try NetworkInterfaces.addresses()
        let loopback = try #require(addresses.first { $0.address == .ipv4([127, 0, 0, 1], port: 0) })
        #expect(loopback.isLoopback && loopback.isUp)
        let routed = try NetworkInterfaces.withDefaultRoute()
        #expect(!routed.contains("lo"))
        #expect(routed == routed.sorted())
    }
}

@Suite("Locks on files", .serialized) struct FileLockTests {
    @Test(arguments: [FileLock.flock, .record])
    func `a lock excludes another process until it is released`(_ lock: FileLock) throws {
        try withDirectory { directory in
            let path = "\(directory)/lock"
            let file = try Files.open(path, O_RDWR | O_CREAT)
            #expect(try lock.acquire(file))
            #expect(try acquiredElsewhere(lock, path) == false)
            try lock.release(file)
            #expect(try acquiredElsewhere(lock, path))
            try lock.wait(file)
            #expect(try acquiredElsewhere(lock, path) == false)
        }
    }

    /// Record locks belong to the process, so another one has to try.
    private func acquiredElsewhere(_ lock: FileLock, _ path: String) throws -> Bool {
        let outcome = try Probe.run(["lock", lock == .flock ? "flock" : "record", path])
        #expect(outcome.status == .exited(0))
        return outcome.lines == ["true"]
    }
}
