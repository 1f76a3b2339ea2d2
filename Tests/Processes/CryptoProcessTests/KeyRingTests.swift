import EventLoop
import Glibc
import Platform
import ServerTesting
import TLS
import Testing

@testable import CryptoProcess

@Suite("Keys that were replaced sign for a while, then they are forgotten") struct KeyRingTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)

    private func key() throws -> PrivateKey {
        let path = try TestCertificates.shared.get().path("curve.key")
        return try PrivateKey(pem: try SecretBytes(contentsOf: try Files.open(path, O_RDONLY), limit: 65_536))
    }

    @Test func `a retired key is there until its time is over, and not a moment longer`() throws {
        var ring = KeyRing()
        ring.add(try key(), number: 1)
        ring.add(try key(), number: 2)
        ring.keep([2], at: start)
        ring.forgetRetired(at: start + KeyRing.grace + .nanoseconds(-1))
        #expect(ring[1] != nil)
        ring.forgetRetired(at: start + KeyRing.grace)
        #expect(ring[1] == nil && ring[2] != nil)
    }

    @Test func `a key that is wanted again stays, and a second retirement does not prolong the first`() throws {
        var ring = KeyRing()
        for number in 1...2 as ClosedRange<UInt32> { ring.add(try key(), number: number) }
        ring.keep([], at: start)
        ring.keep([1], at: start + .seconds(10))
        ring.keep([1], at: start + KeyRing.grace)
        #expect(ring[1] != nil && ring[2] == nil)
    }

    @Test func `numbers that nobody has given have no key`() {
        var ring = KeyRing()
        ring.keep([7], at: start)
        #expect(ring[7] == nil)
    }
}
