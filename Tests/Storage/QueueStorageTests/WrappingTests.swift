import Cryptography
import Envelopes
import Platform
import QueueCompression
import QueueEncryption
import SeededTesting
import Testing

@testable import QueueStorage

/// Keys and ways of wrapping that the tests share.
enum SampleWrapping: CaseIterable, CustomTestStringConvertible {
    case compressed, encrypted, both

    static func cipher(_ letter: String = "k") -> QueueCipher {
        // Nothing of it fails: it is memory.
        let text = try! SecretBytes(room: 32) { room in
            room.copyBytes(from: String(repeating: letter, count: 32).utf8.prefix(32))
            return 32
        }
        // Thirty-two octets are a key.
        return QueueCipher(try! QueueKey.read(text))
    }

    var wrapping: PayloadWrapping {
        PayloadWrapping(
            compressor: QueueCompression.compressor(), compresses: self != .encrypted,
            cipher: self == .compressed ? nil : Self.cipher())
    }

    /// Those that this build can do.
    static var available: [SampleWrapping] {
        QueueCompression.compressor().isAvailable ? allCases : [.encrypted]
    }

    var testDescription: String { "\(self)" }
}

@Suite("Payloads are wrapped, each record saying how") struct WrappingTests {
    private static let phrase = Array("a phrase that nobody should find on the disk".utf8)

    /// Text that shrinks, with the phrase in it.
    private static func text(_ size: Int) -> [UInt8] {
        var text: [UInt8] = []
        while text.count < size { text += phrase + [0x0A] }
        return Array(text.prefix(size))
    }

    private static func open(
        _ device: SimulatedDevice, _ wrapping: PayloadWrapping, seed: UInt64 = 7
    ) throws -> LogStore {
        try LogStore.open(device: device, options: Sample.options, wrapping: wrapping, random: Sample.random(seed)).store
    }

    /// Everything on the device.
    private static func disk(_ device: SimulatedDevice) -> [UInt8] {
        ["segments", "large", "incoming", "corrupt"].flatMap { folder in
            device.names(in: folder).flatMap { device.content("\(folder)/\($0)") ?? [] }
        }
    }

    private static func contains(_ haystack: [UInt8], _ needle: [UInt8]) -> Bool {
        guard let first = needle.first else { return true }
        var start = 0
        while let place = haystack[start...].firstIndex(of: first) {
            if haystack[place...].starts(with: needle) { return true }
            start = place + 1
        }
        return false
    }

    @Test(arguments: SampleWrapping.available, [0, 1, 127, 4_096, 4_097, 65_536, 65_537, 200_000])
    func `bodies of every size come back after a kill`(_ sample: SampleWrapping, _ size: Int) throws {
        let device = SimulatedDevice()
        let body = Self.text(size)
        var store: LogStore? = try Self.open(device, sample.wrapping)
        let id = try #require(try store?.beginMessage())
        for piece in stride(from: 0, to: size, by: 5_000) { try store?.appendBody(Array(body[piece..<min(size, piece + 5_000)]), to: id) }
        let number = try #require(store?.makeEnvelopeID(in: id))
        try store?.prepareCommit(id, Sample.transaction(), [Sample.envelope(number, to: "secret-name")])
        #expect(store?.flush().committed == [id])
        #expect(try store?.bytes(of: id) == body)
        if sample != .compressed {
            #expect(!Self.contains(Self.disk(device), Array(Self.phrase.prefix(20))))
            #expect(!Self.contains(Self.disk(device), Array("secret-name".utf8)))
        }
        device.kill()
        store = nil
        let again = try Self.open(device, sample.wrapping, seed: 8)
        #expect(try again.bytes(of: id) == body)
        let envelope = try #require(again.envelopes(of: id).first)
        #expect(try again.envelope(envelope)?.envelope.recipient == Sample.address("secret-name"))
        again.recordGone(envelope)
        _ = again.flush()
        #expect(device.names(in: "large").isEmpty)
    }

    @Test(.enabled(if: QueueCompression.compressor().isAvailable, "built without the trait Compression"))
    func `compression makes text shorter on disk and leaves the rest`() throws {
        func length(_ body: [UInt8], _ wrapping: PayloadWrapping) throws -> Int {
            let store = try Self.open(SimulatedDevice(), wrapping)
            try store.prepare(body)
            _ = store.flush()
            return store.segments.last?.end ?? 0
        }
        let text = Self.text(4_000)
        #expect(try length(text, SampleWrapping.compressed.wrapping) < length(text, PayloadWrapping()) - 3_000)
        var generator = SplitMix64(seed: 3)
        let noise = (0..<4_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        #expect(try length(noise, SampleWrapping.compressed.wrapping) <= length(noise, PayloadWrapping()))
    }

    @Test func `the same payload never looks the same twice, and opens in its place alone`() throws {
        let cipher = SampleWrapping.cipher()
        let first = cipher.seal(Self.phrase, context: [1])
        let second = cipher.seal(Self.phrase, context: [1])
        #expect(first != second)
        #expect(cipher.open(first[...], context: [1]) == Self.phrase)
        #expect(cipher.open(first[...], context: [2]) == nil)
        #expect(SampleWrapping.cipher("x").open(first[...], context: [1]) == nil)
        for place in first.indices {
            var changed = first
            changed[place] ^= 1
            #expect(cipher.open(changed[...], context: [1]) == nil)
        }
        for count in first.indices { #expect(cipher.open(first[..<count], context: [1]) == nil) }
    }

    @Test func `a wrong key is refused at the start, and nothing is touched`() throws {
        let device = SimulatedDevice()
        var store: LogStore? = try Self.open(device, SampleWrapping.encrypted.wrapping)
        let ids = try (0..<5).map { try #require(try store?.prepare(Self.text(1_000 * (1 + $0)))) }
        _ = store?.flush()
        store?.record(DeliveryHistory(attempts: 1, lastError: "later"), of: try #require(store?.envelopes(of: ids[0]).first))
        _ = store?.flush()
        for closing in [false, true] {
            if closing {
                store = try Self.open(device, SampleWrapping.encrypted.wrapping)
                _ = store?.close()
            }
            device.kill()
            store = nil
            for wrong in [PayloadWrapping(), PayloadWrapping(cipher: SampleWrapping.cipher("x"))] {
                do throws(StoreError) {
                    _ = try LogStore.open(device: device, options: Sample.options, wrapping: wrong, random: Sample.random(9))
                    Issue.record("the wrong key was taken")
                } catch {
                    guard case .unknownKey = error else { throw error }
                }
                device.kill()
            }
            #expect(device.names(in: "corrupt").isEmpty)
        }
        let (again, warnings) = try LogStore.open(
            device: device, options: Sample.options, wrapping: SampleWrapping.encrypted.wrapping, random: Sample.random(9))
        #expect(warnings == [])
        for (number, id) in ids.enumerated() { #expect(try again.bytes(of: id) == Self.text(1_000 * (1 + number))) }
    }

    @Test func `options may change over a queue that is not empty`() throws {
        let device = SimulatedDevice()
        let both = PayloadWrapping(
            compressor: QueueCompression.compressor(), compresses: true, cipher: SampleWrapping.cipher("b"),
            formerCiphers: [SampleWrapping.cipher()])
        let off = PayloadWrapping(
            compressor: QueueCompression.compressor(), formerCiphers: [SampleWrapping.cipher(), SampleWrapping.cipher("b")])
        var bodies: [MessageID: [UInt8]] = [:]
        for (round, wrapping) in [PayloadWrapping(), SampleWrapping.encrypted.wrapping, both, off].enumerated() {
            var store: LogStore? = try Self.open(device, wrapping, seed: UInt64(round))
            for (id, body) in bodies { #expect(try store?.bytes(of: id) == body) }
            for size in [300, 3_000, 30_000] {
                let body = Self.text(size + round)
                bodies[try #require(try store?.prepare(body))] = body
            }
            #expect(store?.flush().committed.count == 3)
            for (id, body) in bodies { #expect(try store?.bytes(of: id) == body) }
            device.kill()
            store = nil
        }
        let store = try Self.open(device, off, seed: 99)
        #expect(store.statistics.messages == 12)
        for (id, body) in bodies { #expect(try store.bytes(of: id) == body) }
    }

    @Test func `what is under the key of before moves to the new one, until that alone is needed`() throws {
        let device = SimulatedDevice()
        var store: LogStore? = try Self.open(device, SampleWrapping.encrypted.wrapping)
        var bodies: [MessageID: [UInt8]] = [:]
        for number in 0..<30 {
            let body = Self.text(2_000 + number)
            bodies[try #require(try store?.prepare(body))] = body
            _ = store?.flush()
        }
        store?.use(PayloadWrapping(cipher: SampleWrapping.cipher("new")))
        #expect(store?.messagesUnderOtherKeys == 30)
        let late = try #require(try store?.prepare(Self.text(100)))
        bodies[late] = Self.text(100)
        while store?.compactStep(budget: 4_000) == true { _ = store?.flush() }
        _ = store?.flush()
        #expect(store?.messagesUnderOtherKeys == 0)
        device.kill()
        store = nil
        let again = try Self.open(device, PayloadWrapping(cipher: SampleWrapping.cipher("new")), seed: 9)
        for (id, body) in bodies { #expect(try again.bytes(of: id) == body) }
    }

    @Test func `a body file keeps its key, and the start says so`() throws {
        let device = SimulatedDevice()
        var store: LogStore? = try Self.open(device, SampleWrapping.encrypted.wrapping)
        let id = try #require(try store?.prepare(Self.text(100_000)))
        _ = store?.flush()
        let new = SampleWrapping.cipher("new")
        store?.use(PayloadWrapping(cipher: new))
        while store?.compactStep(budget: 4_000) == true { _ = store?.flush() }
        device.kill()
        store = nil
        #expect(throws: StoreError.unknownKey("large/\(id)")) { try Self.open(device, PayloadWrapping(cipher: new)) }
        device.kill()
        let again = try Self.open(device, PayloadWrapping(cipher: new, formerCiphers: [SampleWrapping.cipher()]))
        #expect(again.messagesUnderOtherKeys == 1)
        #expect(try again.bytes(of: id) == Self.text(100_000))
    }

    @Test func `pieces of a body file cannot be changed, cut off or exchanged`() throws {
        let device = SimulatedDevice()
        var store: LogStore? = try Self.open(device, SampleWrapping.encrypted.wrapping)
        let id = try #require(try store?.prepare(Self.text(200_000)))
        _ = store?.flush()
        device.kill()
        store = nil
        let name = "large/\(id)"
        let whole = try #require(device.content(name))
        var generator = SplitMix64(seed: 4)
        var pieces = WrappedBodyFile.Pieces(of: id.rawValue, under: SampleWrapping.cipher().identifier, SampleWrapping.encrypted.wrapping)
        #expect(try pieces.read(Array(whole.dropFirst(WrappedBodyFile.headerSize))) == Self.text(200_000))
        for _ in 0..<40 {
            var changed = Array(whole.dropFirst(WrappedBodyFile.headerSize))
            changed[generator.next(below: changed.count)] ^= 0x41
            var pieces = WrappedBodyFile.Pieces(of: id.rawValue, under: SampleWrapping.cipher().identifier, SampleWrapping.encrypted.wrapping)
            do throws(WrappingFailure) {
                let body = try pieces.read(changed)
                // Reserved octets of a piece's header say nothing.
                #expect(!pieces.isComplete || body == Self.text(200_000))
            } catch {
                #expect(error == .damaged)
            }
        }
        device.setContent(name, Array(whole.dropLast(40)))
        #expect(throws: StoreError.damaged("\(name): not what was written")) {
            _ = try Self.open(device, SampleWrapping.encrypted.wrapping).body(id)
        }
    }

    @Test(.enabled(if: QueueCompression.compressor().isAvailable, "built without the trait Compression"))
    func `a compressed payload never grows beyond what it says, and that is bounded`() throws {
        let compressor = QueueCompression.compressor()
        let zeros = [UInt8](repeating: 0, count: 1 << 20)
        let short = try #require(compressor.compress(zeros))
        #expect(compressor.expand(short[...], size: zeros.count) == zeros)
        #expect(compressor.expand(short[...], size: zeros.count - 1) == nil)
        #expect(compressor.expand(short[...], size: zeros.count + 1) == nil)
        #expect(compressor.expand(short.dropLast(), size: zeros.count) == nil)
        let wrapping = SampleWrapping.compressed.wrapping
        let stored = wrapping.wrap(zeros, as: PayloadContext(.body, of: 1))
        #expect(throws: WrappingFailure.damaged) {
            try wrapping.unwrap(stored.bytes[...], stored.flags, as: PayloadContext(.body, of: 1), key: 0, limit: 1 << 19)
        }
    }

    @Test(.enabled(if: QueueCompression.compressor().isAvailable, "built without the trait Compression"))
    func `a build without compression says what it lacks`() throws {
        let device = SimulatedDevice()
        let store = try Self.open(device, SampleWrapping.compressed.wrapping)
        try store.prepare(Self.text(1_000))
        _ = store.flush()
        device.kill()
        #expect(throws: StoreError.compressed("segments/00000001")) { try Self.open(device, PayloadWrapping()) }
        #expect(device.names(in: "corrupt").isEmpty)
    }

    @Test(arguments: SampleWrapping.available) func `one flipped bit costs one message at most`(_ sample: SampleWrapping) throws {
        var generator = SplitMix64(seed: 5)
        for _ in 0..<40 {
            let device = SimulatedDevice()
            var store: LogStore? = try Self.open(device, sample.wrapping)
            var bodies: [MessageID: [UInt8]] = [:]
            for number in 0..<20 {
                let body = Self.text(500 + number)
                bodies[try #require(try store?.prepare(body, recipients: ["a", "b"]))] = body
                _ = store?.flush()
            }
            let end = try #require(store?.segments.last?.end)
            device.kill()
            store = nil
            var content = try #require(device.content("segments/00000001"))
            content[generator.next(below: end)] ^= 1 << UInt8(generator.next(below: 8))
            device.setContent("segments/00000001", content)
            let again = try Self.open(device, sample.wrapping, seed: 8)
            #expect(try DamageTests.sound(again, bodies) >= bodies.count - 1)
        }
    }
}
