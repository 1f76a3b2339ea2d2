import MailSyntax
import Testing

@testable import SMTPProtocol

@Suite("the PROXY header before a session (PROXY protocol version 2)")
struct ProxyHeaderTests {
    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    private static func header(_ command: UInt8, _ family: UInt8, _ rest: [UInt8]) -> [UInt8] {
        signature + [command, family, UInt8(rest.count >> 8), UInt8(rest.count & 255)] + rest
    }

    private static let v4: [UInt8] = [192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0, 25]
    private static let v6: [UInt8] =
        [0x20, 1, 0xD, 0xB8] + [UInt8](repeating: 0, count: 11) + [7] + [UInt8](repeating: 1, count: 16) + [1, 2, 0, 25]

    /// Feeds in pieces, never more than is asked for; says how many octets were taken.
    private func read(
        _ bytes: [UInt8], piece: Int = .max
    ) throws(ProxyHeader.Failure) -> (header: ProxyHeader?, taken: Int) {
        var reader = ProxyHeader.Reader()
        var position = 0
        while position < bytes.count {
            let end = min(bytes.count, position + min(piece, reader.needed))
            if let header = try reader.receive(Array(bytes[position..<end])) { return (header, end) }
            position = end
        }
        return (nil, position)
    }

    @Test(arguments: [1, 3, 16, .max])
    func `an IPv4 client is known by its address and port`(piece: Int) throws {
        let bytes = Self.header(0x21, 0x11, Self.v4)
        let (header, taken) = try read(bytes, piece: piece)
        #expect(header == .client(.v4(0xC000_0207), port: 12_345))
        #expect(taken == bytes.count)
    }

    @Test func `an IPv6 client is known by its address and port`() throws {
        let (header, _) = try read(Self.header(0x21, 0x21, Self.v6))
        #expect(header == .client(try #require(IPAddress("2001:db8::7".utf8)), port: 258))
    }

    @Test func `extensions are read over and what follows them is left`() throws {
        let bytes = Self.header(0x21, 0x11, Self.v4 + [0xEE, 0, 2, 1, 2])
        let (header, taken) = try read(bytes + Array("EHLO x".utf8))
        #expect(header == .client(.v4(0xC000_0207), port: 12_345))
        #expect(taken == bytes.count)
    }

    @Test func `a proxy that speaks for itself keeps its own address`() throws {
        #expect(try read(Self.header(0x20, 0x11, Self.v4)).header == .local)
        #expect(try read(Self.header(0x20, 0, [])).header == .local)
    }

    @Test func `an unspecified family or a Unix socket keeps the address of the connection`() throws {
        #expect(try read(Self.header(0x21, 0, [])).header == .local)
        #expect(try read(Self.header(0x21, 0x31, [UInt8](repeating: 0, count: 216))).header == .local)
    }

    @Test func `a client without a proxy is found out at its first octet that differs`() {
        #expect(throws: ProxyHeader.Failure.notAHeader) { try read(Array("E".utf8)) }
        #expect(throws: ProxyHeader.Failure.notAHeader) { try read(Array("PROXY TCP4 192.0.2.7 192.0.2.1 1 25\r\n".utf8)) }
        #expect(throws: ProxyHeader.Failure.notAHeader) { try read(Array("\r\n\r\nEHLO".utf8), piece: 5) }
    }

    @Test func `an unknown version or command is named`() {
        #expect(throws: ProxyHeader.Failure.unknownVersion(1)) { try read(Self.header(0x11, 0x11, Self.v4)) }
        #expect(throws: ProxyHeader.Failure.unknownCommand(2)) { try read(Self.header(0x22, 0x11, Self.v4)) }
    }

    @Test func `addresses must be whole`() {
        #expect(throws: ProxyHeader.Failure.tooShort(11)) { try read(Self.header(0x21, 0x11, Array(Self.v4.dropLast()))) }
        #expect(throws: ProxyHeader.Failure.tooShort(35)) { try read(Self.header(0x21, 0x21, Array(Self.v6.dropLast()))) }
    }

    @Test func `the length has a bound`() throws {
        let most = [UInt8](repeating: 0, count: ProxyHeader.maximumLength - 12)
        #expect(try read(Self.header(0x21, 0x11, Self.v4 + most)).header != nil)
        #expect(throws: ProxyHeader.Failure.tooLong(ProxyHeader.maximumLength + 1)) {
            try read(Self.header(0x21, 0x11, Self.v4 + most + [0]))
        }
    }

    @Test func `no octets make it trap or read on for ever`() {
        var state: UInt64 = 0x1234_5678_9ABC_DEF1
        func random(_ bound: Int) -> Int {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Int(state % UInt64(bound))
        }
        for _ in 0..<5_000 {
            var bytes = Self.header(0x21, [0x11, 0x21, 0x00, 0x31][random(4)], random(2) == 0 ? Self.v4 : Self.v6)
            for _ in 0..<random(3) { bytes[12 + random(bytes.count - 12)] = UInt8(random(256)) }
            let taken = (try? read(bytes, piece: 1 + random(40)))?.taken ?? 0
            #expect(taken <= bytes.count)
        }
    }
}
