import DNSTesting
import SeededTesting
import Testing

@testable import Resolver

/// A query of the resolver's own, with the same number and capitals in every run.
func query(_ text: String, _ type: DNSType, seed: UInt64 = 1) -> DNSQuery {
    var generator = SplitMix64(seed: seed)
    return DNSQuery(DNSQuestion(name(text), type), using: &generator)
}

private func result(
    _ text: String, _ type: DNSType, code: UInt8 = 0, answers: [NameServerRecord] = [], authority: [NameServerRecord] = []
) throws -> DNSResult {
    let query = query(text, type)
    let message = NameServerQuery(query.bytes).reply(code: code, answers: answers, authority: authority)
    return try DNSResponse(message).result(for: query.question)
}

private func found(_ data: [DNSData], owner: String, timeToLive: UInt32 = 300) -> DNSResult {
    .found(DNSAnswer(data, owner: name(owner), timeToLive: timeToLive, isAuthenticated: false))
}

@Suite("Queries (RFC 1035 section 4.1, RFC 6891)") struct QueryTests {
    @Test func `the message is one question with recursion desired, and the size of datagrams that pass`() {
        let bytes = query("a.bc", .mailExchange).bytes
        #expect(Array(bytes[2..<12]) == [1, 0, 0, 1, 0, 0, 0, 0, 0, 1])
        #expect(bytes[12..<18].map { lowercased($0) } == [1, 0x61, 2, 0x62, 0x63, 0])
        #expect(Array(bytes[18...]) == [0, 15, 0, 1, 0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `numbers and capitals differ from query to query`() {
        let queries = (0..<64).map { query("a-long-name.example.org", .address4, seed: $0).bytes }
        #expect(Set(queries.map { $0[..<2] }).count > 60)
        #expect(Set(queries.map { $0[12..<37] }).count > 60)
    }

    @Test func `an answer has number, question and capitals of the query`() {
        let query = query("mx.example.org", .address4)
        let sent = NameServerQuery(query.bytes)
        #expect(query.match(sent.reply()) == .exact)
        for index in [0, 1, 5, 13, 12, 28, 29, 31] {
            var other = sent.reply()
            other[index] ^= 1
            #expect(query.match(other) == .none, "octet \(index)")
        }
        var lower = sent.reply()
        for index in 12..<26 { lower[index] = lowercased(lower[index]) }
        #expect(query.match(lower) == .otherCapitals)
        #expect(query.match(Array(sent.reply().prefix(20))) == .none)
        #expect(query.match([]) == .none)
        #expect(query.match(Array(query.bytes[..<2]) + [0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]) == .notUnderstood)
        #expect(query.match(Array(query.bytes[..<2]) + [0x81, 0x82, 0, 0, 0, 0, 0, 0, 0, 0]) == .none)
    }
}

@Suite("Answers (RFC 1034 section 3.6, RFC 1035 section 4.1)") struct ResponseTests {
    @Test func `each type is read`() throws {
        let six = [UInt8](1...16)
        #expect(try result("a.example", .address4, answers: [.a("a.example", "192.0.2.1")]) == found([.address([192, 0, 2, 1])], owner: "a.example"))
        #expect(try result("a.example", .address6, answers: [.aaaa("a.example", six)]) == found([.address(six)], owner: "a.example"))
        #expect(
            try result("a.example", .mailExchange, answers: [.mx("a.example", 10, "MX.example"), .mx("a.example", 0, "")])
                == found(
                    [.mailExchange(preference: 10, host: name("mx.example")), .mailExchange(preference: 0, host: .root)],
                    owner: "a.example"))
        #expect(try result("a.example", .pointer, answers: [.ptr("a.example", "b.example")]) == found([.pointer(name("b.example"))], owner: "a.example"))
        #expect(try result("a.example", .text, answers: [.txt("a.example", ["one ", "", "two"])]) == found([.text(Array("one two".utf8))], owner: "a.example"))
        #expect(
            try result("a.example", .tlsa, answers: [.tlsa("a.example", [3, 1, 1, 0xAB])])
                == found([.tlsa(usage: 3, selector: 1, matching: 1, data: [0xAB])], owner: "a.example"))
        #expect(
            try result("a.example", .canonicalName, answers: [.cname("a.example", "b.example")])
                == found([.canonicalName(name("b.example"))], owner: "a.example"))
    }

    @Test func `aliases are followed, eight at most, and the least time to live holds`() throws {
        func chain(_ count: Int) throws -> DNSResult {
            let aliases = (0..<count).map { NameServerRecord.cname("n\($0).example", "n\($0 + 1).example", timeToLive: 100 - UInt32($0)) }
            return try result("n0.example", .address4, answers: aliases.reversed() + [.a("n\(count).example", "192.0.2.1")])
        }
        #expect(try chain(8) == found([.address([192, 0, 2, 1])], owner: "n8.example", timeToLive: 93))
        #expect(try chain(9) == .failed(.tooManyAliases))
        let loop: [NameServerRecord] = [.cname("a.example", "b.example"), .cname("b.example", "a.example")]
        #expect(try result("a.example", .address4, answers: loop) == .failed(.tooManyAliases))
    }

    @Test func `records of other names, types and classes are not believed`() throws {
        let lies: [NameServerRecord] = [.a("bank.example", "192.0.2.66"), .mx("a.example", 1, "evil.example")]
        #expect(try result("a.example", .address4, answers: lies + [.a("a.example", "192.0.2.1")]) == found([.address([192, 0, 2, 1])], owner: "a.example"))
        #expect(try result("a.example", .address4, answers: lies) == .noData(timeToLive: 0))
        let query = query("a.example", .address4)
        var chaos = NameServerQuery(query.bytes).reply(answers: [.a("a.example", "192.0.2.1")])
        // The class of the record: after its name and type, before time, length and four octets.
        chaos[chaos.count - 11] = 3
        #expect(try DNSResponse(chaos).result(for: query.question) == .noData(timeToLive: 0))
    }

    @Test func `an absence holds as long as the start of authority says, and not longer than 15 minutes`() throws {
        func absence(_ minimum: UInt32, timeToLive: UInt32 = 3600, code: UInt8 = 0) throws -> DNSResult {
            try result("a.example", .address4, code: code, authority: [.soa("example", minimum: minimum, timeToLive: timeToLive)])
        }
        #expect(try absence(60) == .noData(timeToLive: 60))
        #expect(try absence(60, timeToLive: 30) == .noData(timeToLive: 30))
        #expect(try absence(60, code: 3) == .noSuchName(timeToLive: 60))
        #expect(try absence(900) == .noData(timeToLive: 900))
        #expect(try absence(901) == .noData(timeToLive: 900))
        #expect(try absence(.max, timeToLive: .max) == .noData(timeToLive: 0))
        let alias: [NameServerRecord] = [.cname("a.example", "b.example", timeToLive: 7)]
        #expect(
            try result("a.example", .address4, code: 3, answers: alias, authority: [.soa("example", minimum: 60)])
                == .noSuchName(timeToLive: 7))
    }

    @Test func `a time to live is a day at most, and none when its first bit is set (RFC 2181 section 8)`() throws {
        func kept(_ seconds: UInt32) throws -> DNSResult {
            try result("a.example", .address4, answers: [.a("a.example", "192.0.2.1", timeToLive: seconds)])
        }
        #expect(try kept(86_400) == found([.address([192, 0, 2, 1])], owner: "a.example", timeToLive: 86_400))
        #expect(try kept(86_401) == found([.address([192, 0, 2, 1])], owner: "a.example", timeToLive: 86_400))
        #expect(try kept(1 << 31) == found([.address([192, 0, 2, 1])], owner: "a.example", timeToLive: 0))
    }

    @Test func `no more records are kept than the limit`() throws {
        let many = [NameServerRecord](repeating: .a("a.example", "192.0.2.1"), count: DNSAnswer.maximumRecords + 1)
        guard case .found(let answer) = try result("a.example", .address4, answers: many) else { throw MalformedMessage.badLength }
        #expect(answer.data.count == DNSAnswer.maximumRecords)
    }

    @Test(arguments: [(2, DNSFailure.serverFailure), (5, .refused), (4, .errorCode(4)), (9, .errorCode(9))] as [(UInt8, DNSFailure)])
    func `an error code is a failure, whatever else is said`(_ code: UInt8, _ failure: DNSFailure) throws {
        #expect(try result("a.example", .address4, code: code, answers: [.a("a.example", "192.0.2.1")]) == .failed(failure))
    }

    @Test func `the code has more bits with EDNS (RFC 6891 section 6.1.3)`() throws {
        let option = NameServerRecord("", type: 41, timeToLive: 1 << 24, data: [])
        let message = NameServerQuery(query("a.example", .address4).bytes).reply(additional: [option])
        #expect(try DNSResponse(message).code == DNSResponse.badVersion)
    }

    @Test func `the server's word on authenticity counts only when it is trusted`() throws {
        let query = query("a.example", .address4)
        let response = try DNSResponse(NameServerQuery(query.bytes).reply(isAuthentic: true, answers: [.a("a.example", "192.0.2.1")]))
        for trust in [false, true] {
            guard case .found(let answer) = response.result(for: query.question, trustsAuthenticity: trust) else {
                throw MalformedMessage.badLength
            }
            #expect(answer.isAuthenticated == trust)
        }
    }
}
