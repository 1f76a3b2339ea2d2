import Glibc
import Testing

@testable import Platform

@Suite("Descriptors of a service manager (sd_listen_fds(3))") struct PassedDescriptorsTests {
    private func read(_ process: String?, _ count: String?, _ names: String? = nil) throws -> [PassedDescriptors.Entry] {
        try PassedDescriptors(process: process, count: count, names: names, own: 77).entries
    }

    @Test func `they are counted from 3 on, and have names`() throws {
        #expect(try read("77", "2", "mail:submission").map(\.raw) == [3, 4])
        #expect(try read("77", "2", "mail:submission").map(\.name) == ["mail", "submission"])
        #expect(try read("77", "3", "mail:").map(\.name) == ["mail", "unknown", "unknown"])
        #expect(try read("77", "1").map(\.name) == ["unknown"])
        #expect(try read("77", "0").isEmpty)
        #expect(try read("77", "1024").count == 1_024)
    }

    @Test(arguments: [(nil, nil), (nil, "1"), ("77", nil), ("78", "1"), ("78", "many")])
    func `without both variables, and for another process, there are none`(_ process: String?, _ count: String?) throws {
        #expect(try read(process, count).isEmpty)
    }

    @Test(arguments: ["", "-1", "1025", "many", " 1", "1 ", "99999999999999999999"])
    func `a count that is none is refused`(_ count: String) {
        #expect(throws: PassedDescriptors.Problem.badCount(count)) { try read("77", count) }
    }

    @Test(arguments: ["", "0", "-77", "x", "77 ", "99999999999999999999"])
    func `a process that is none is refused`(_ process: String) {
        #expect(throws: PassedDescriptors.Problem.badProcess(process)) { try read(process, "1") }
    }
}

@Suite("Sockets that somebody else has bound") struct PassedSocketTests {
    @Test(arguments: ["127.0.0.1", "::1", "::"])
    func `one like ours has its address`(_ host: String) throws {
        let socket = try ListeningSocket.internet(try #require(SocketAddress(numeric: host, port: 0)))
        #expect(try ListeningSocket.address(ofPassed: socket) == Sockets.localAddress(socket.raw))
    }

    @Test func `one for every IPv6 address that takes IPv4 along is unfit`() throws {
        let socket = try Sockets.open(AF_INET6)
        try Sockets.setOption(socket, CInt(IPPROTO_IPV6), IPV6_V6ONLY, 0)
        try Sockets.bind(socket, to: try #require(SocketAddress(numeric: "::", port: 0)))
        #expect(listen(socket.raw, 1) == 0)
        #expect(throws: ListeningSocket.Unfit.takesBothFamilies) { try ListeningSocket.address(ofPassed: socket) }
    }

    @Test func `what does not listen, is no stream, or no socket, is unfit`() throws {
        let deaf = try Sockets.open(AF_INET)
        #expect(throws: ListeningSocket.Unfit.notListening) { try ListeningSocket.address(ofPassed: deaf) }
        let datagrams = OwnedDescriptor(adopting: socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0))
        #expect(throws: ListeningSocket.Unfit.notTCP) { try ListeningSocket.address(ofPassed: datagrams) }
        let local = try Sockets.open(AF_UNIX)
        #expect(throws: ListeningSocket.Unfit.notInternet) { try ListeningSocket.address(ofPassed: local) }
        let file = try Files.open("/dev/null", O_RDWR)
        #expect(throws: ListeningSocket.Unfit.notASocket) { try ListeningSocket.address(ofPassed: file) }
    }
}
