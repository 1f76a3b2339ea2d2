import Envelopes
import QueueCompression
import SeededTesting
import Testing

@testable import QueueStorage

@Suite("Nothing acknowledged is lost, nothing refused comes back") struct CrashTests {
    @Test func `random histories survive kills`() throws {
        for seed in StoreModel.seeds {
            var model = try StoreModel(seed: seed)
            for _ in 0..<4 {
                for _ in 0..<60 { try model.step() }
                try model.crash(power: false)
                try #require(model.problems == [], "history \(seed)")
            }
        }
    }

    @Test func `random histories survive power cuts`() throws {
        for seed in StoreModel.seeds {
            var model = try StoreModel(seed: seed &+ 1000)
            for _ in 0..<4 {
                for _ in 0..<60 { try model.step() }
                try model.crash(power: true)
                try #require(model.problems == [], "history \(seed)")
            }
        }
    }

    @Test func `random histories survive failing calls and then a crash`() throws {
        for seed in StoreModel.seeds {
            var model = try StoreModel(seed: seed &+ 2000)
            for round in 0..<4 {
                for step in 0..<60 {
                    if step % 10 == 9 { model.device.fail(at: 1 + model.generator.next(below: 6)) }
                    try model.step()
                }
                model.device.fail(at: nil)
                try model.crash(power: round % 2 == 1)
                try #require(model.problems == [], "history \(seed)")
            }
        }
    }

    /// Every opening with other options, the keys of before being known.
    @Test(arguments: [false, true]) func `random histories survive while options change`(_ power: Bool) throws {
        let keys = ["a", "b"].map(SampleWrapping.cipher)
        let compressor = QueueCompression.compressor()
        let wrappings = [
            PayloadWrapping(compressor: compressor, compresses: true, cipher: keys[0], formerCiphers: [keys[1]]),
            PayloadWrapping(compressor: compressor, compresses: false, cipher: keys[1], formerCiphers: [keys[0]]),
            PayloadWrapping(compressor: compressor, compresses: true, cipher: keys[1], formerCiphers: [keys[0]]),
            PayloadWrapping(compressor: compressor, compresses: true, formerCiphers: keys),
            PayloadWrapping(compressor: compressor, formerCiphers: keys),
        ]
        for seed in StoreModel.seeds {
            var model = try StoreModel(seed: seed &+ 3000, wrappings: wrappings)
            for round in 0..<6 {
                for step in 0..<60 {
                    if step % 20 == 19, round % 2 == 1 { model.device.fail(at: 1 + model.generator.next(below: 6)) }
                    try model.step()
                    if step == 30 { model.store?.use(wrappings[(round + 2) % wrappings.count]) }
                }
                model.device.fail(at: nil)
                try model.crash(power: power)
                try #require(model.problems == [], "history \(seed)")
            }
        }
    }

    /// Security and reliability section 6: fail the n-th call for n = 1, 2, 3 … until nothing fails.
    @Test(arguments: [false, true]) func `every call of a flush may fail once or for good`(_ forGood: Bool) throws {
        for call in 1... {
            var model = try StoreModel(seed: 42)
            for _ in 0..<80 { try model.step() }
            model.flush()
            // Enough for a new segment, a body file, an outcome and a segment that goes.
            for _ in 0..<40 { try model.step() }
            model.device.fail(at: call, from: forGood)
            model.flush()
            let wasReached = model.device.calls >= call
            if call % 2 == 0 {
                model.device.fail(at: nil)
                model.flush()
            }
            model.device.kill()
            try model.open()
            try model.check(refusedMayReturn: forGood)
            #expect(model.problems == [], "call \(call)")
            if !wasReached { break }
        }
    }

    @Test func `opening fails at any call and works the next time`() throws {
        for call in 1... {
            var model = try StoreModel(seed: 43)
            for _ in 0..<200 { try model.step() }
            model.device.kill()
            model.store = nil
            model.device.fail(at: call, from: true)
            do throws(StoreError) {
                _ = try LogStore.open(device: model.device, options: StoreModel.options, random: Sample.random(1))
            } catch {
                #expect(error != .inUse)
            }
            let wasReached = model.device.calls >= call
            model.device.kill()
            try model.open()
            try model.check(refusedMayReturn: false)
            #expect(model.problems == [], "call \(call)")
            if !wasReached { break }
        }
    }
}
