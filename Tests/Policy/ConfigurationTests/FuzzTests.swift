import SeededTesting
import Testing

@testable import Configuration

@Suite("Hostile configurations") struct FuzzTests {
    private static let machine = FakeMachine().with("/c").with("/k").with("/inc", "table i { a\n b }\nx = \"y z\"\n$x")

    private static let samples: [String] = [
        """
        m = "a, b"
        include "/inc"
        table t { $m, "c d" }
        pki p cert "/c" key "/k"
        listen on lo tls pki p auth tag T # comment \\
        continued
        filter f phase connect match !rdns regex { '.*' } disconnect "550 x"
        action a maildir "%{user.directory}" junk ttl 4d
        action r relay host smtp+tls://h:25 mail-from "@x"
        match from any for domain <t> action a
        match !from src { 10.0.0.0/8, ::1 } mail-from "@x" for any reject
        smtp max-message-size 1.5M
        mta limit for domain d.org max-conn-per-host 5 inet4
        """,
        """
        expire 4d
        bounce-warn 1h, 2h
        table m { a = b, c => d }
        pki p certificate "/c" key "/k" ca "/c"
        listen on eth0 secure pki p hostnames <m> mask-source
        limit mta inet4 max-conn-per-host 3
        accept tagged ! T from ! source { 10.0.0.0/8 } for ! domain "*.x" alias <m> deliver to mda "c %{user}" expire 1d
        accept for any relay via tls+auth://l@h auth <m> verify as "@d"
        reject from any sender "a@b" recipient ! "c@*"
        """,
    ]

    /// One change to a text: bytes flipped, cut out, doubled, or words put in.
    private func mutate(_ bytes: inout [UInt8], _ generator: inout SplitMix64) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: bytes.indices, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 1...12, using: &generator))
        switch Int.random(in: 0..<6, using: &generator) {
        case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 1: bytes.removeSubrange(place..<end)
        case 2: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 3:
            let marks = Array("{}<>\"'\\\n#$=,!()-".utf8)
            bytes[place] = marks[Int.random(in: marks.indices, using: &generator)]
        case 4: bytes.removeSubrange(place...)
        default:
            let words = ["local", "any", "{", "}", "action", "accept", "99999999999999999999", "\"", "include \"/inc\"", "$m"]
            bytes.insert(contentsOf: " \(words[Int.random(in: words.indices, using: &generator)]) ".utf8, at: place)
        }
    }

    @Test func `thousands of damaged texts load or are refused, and the loaded ones convert`() {
        var generator = SplitMix64(seed: 42)
        for round in 0..<2_400 {
            var bytes = Array(Self.samples[round % Self.samples.count].utf8)
            for _ in 0..<Int.random(in: 1...6, using: &generator) { mutate(&bytes, &generator) }
            switch ConfigurationLoader.load(text: bytes, named: "f", macros: [], environment: Self.machine) {
            case .failed(let diagnostics):
                #expect(diagnostics.contains { $0.severity == .error })
            case .configuration(let configuration, _):
                #expect(!configuration.rules.isEmpty)
                let result = ConfigurationConverter.convert(text: bytes, named: "f", macros: [], environment: Self.machine)
                if case .failed(let diagnostics) = result {
                    Issue.record("\(String(decoding: bytes, as: UTF8.self))\n\(diagnostics.map(\.description))")
                }
            }
        }
    }

    @Test func `what is kept of hostile texts, and what is near it, loads or is refused`() {
        let inputs = HostileInputs.all("smtpd.conf")
        #expect(inputs.count >= 15)
        for (name, bytes) in inputs {
            for text in HostileInputs.variants(of: bytes) {
                guard case .configuration = ConfigurationLoader.load(text: text, named: "f", macros: [], environment: Self.machine) else { continue }
                let result = ConfigurationConverter.convert(text: text, named: "f", macros: [], environment: Self.machine)
                if case .failed(let diagnostics) = result { Issue.record("\(name): \(diagnostics.map(\.description))") }
            }
        }
    }

    @Test func `random bytes are refused or read, never a crash`() {
        var generator = SplitMix64(seed: 1)
        for _ in 0..<1_500 {
            let bytes = (0..<Int.random(in: 0...200, using: &generator)).map { _ in UInt8.random(in: 0...255, using: &generator) }
            _ = ConfigurationLoader.load(text: bytes, named: "f", macros: [], environment: Self.machine)
            _ = try? StaticTableFile.kind(of: bytes, generation: .match)
            _ = try? RelayURL(parsing: String(decoding: bytes, as: UTF8.self))
        }
    }

    @Test func `every cut of a good text is read to its end`() {
        for sample in Self.samples {
            let bytes = Array(sample.utf8)
            for length in bytes.indices {
                _ = ConfigurationLoader.load(text: Array(bytes[..<length]), named: "f", macros: [], environment: Self.machine)
            }
        }
    }

    @Test func `deep braces and long lines take no more than their length`() {
        let deep = String(repeating: "{", count: 100_000)
        #expect(!errors("table a \(deep)\nmatch reject").isEmpty)
        let long = "table a { " + String(repeating: "x, ", count: 50_000) + "x }\nmatch reject"
        #expect(errors(long).isEmpty)
    }
}
