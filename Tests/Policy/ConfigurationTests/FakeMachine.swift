import MailSyntax
import Testing

@testable import Configuration

/// A machine whose files, names and addresses are what a test says.
struct FakeMachine: ConfigurationEnvironment {
    var hostName = "mx.example.org"
    var mailName: String?
    var canonicalNames: [String: String] = [:]
    var interfaces: [String: [IPAddress]] = ["lo": [.loopback4, .loopback6], "eth0": [.documentation4, .documentation6]]
    var hosts: [String: [IPAddress]] = ["localhost": [.loopback4]]
    var files: [String: [UInt8]] = [:]
    var fileFailures: [String: FileFailure] = [:]
    var services: [String: UInt16] = ["smtp": 25, "submission": 587, "submissions": 465]
    var users: Set<String> = ["root", "vmail"]
    var groups: Set<String> = ["root", "vmail"]
    var tablePrograms: Set<String> = ["passwd", "sql"]
    var egressAddresses: [IPAddress] = [.documentation4, .documentation6]
    var interfaceGroups: [String: [IPAddress]] = [:]

    var loopbackAddresses: [IPAddress] { interfaces["lo"] ?? [] }
    var interfaceAddresses: [IPAddress] { interfaces.sorted { $0.key < $1.key }.flatMap(\.value) }

    func canonicalName(ofHost name: String) -> String? { canonicalNames[name] }
    func addresses(ofInterface name: String) -> [IPAddress]? { interfaces[name] }
    func addresses(ofInterfaceGroup name: String) -> [IPAddress]? { interfaceGroups[name] }
    func addresses(ofHost name: String) -> [IPAddress] { hosts[name] ?? [] }
    func port(ofService name: String) -> UInt16? { services[name] }
    func userExists(_ name: String) -> Bool { users.contains(name) }
    func groupExists(_ name: String) -> Bool { groups.contains(name) }
    func tableProgramExists(type: String) -> Bool { tablePrograms.contains(type) }
    var tableProgramDirectories: [String] { ["/libexec"] }

    func contents(ofFile path: String) throws(FileFailure) -> [UInt8] {
        if let failure = fileFailures[path] { throw failure }
        guard let bytes = files[path] else { throw .missing }
        return bytes
    }

    func check(file path: String, for purpose: FilePurpose) throws(FileFailure) { _ = try contents(ofFile: path) }

    /// Adds a file.
    func with(_ path: String, _ text: String = "") -> FakeMachine {
        var copy = self
        copy.files[path] = Array(text.utf8)
        return copy
    }
}

extension IPAddress {
    static let loopback4 = IPAddress.v4(0x7F00_0001)
    static let loopback6 = IPAddress.v6(high: 0, low: 1)
    static let documentation4 = IPAddress.v4(0xC000_020A)
    static let documentation6 = IPAddress.v6(high: 0x2001_0DB8_0000_0000, low: 0x0A)
}

/// Loads a text as the file `smtpd.conf`.
func load(_ text: String, on machine: FakeMachine = FakeMachine(), macros: [(String, String)] = []) -> ConfigurationResult {
    ConfigurationLoader.load(text: Array(text.utf8), named: "smtpd.conf", macros: macros, environment: machine)
}

/// The configuration, or a test failure that shows what was wrong with it.
func configuration(
    _ text: String, on machine: FakeMachine = FakeMachine(), macros: [(String, String)] = [],
    sourceLocation: Testing.SourceLocation = #_sourceLocation
) throws -> Configuration {
    switch load(text, on: machine, macros: macros) {
    case .configuration(let configuration, _):
        return configuration
    case .failed(let diagnostics):
        Issue.record("\(diagnostics.map(\.description).joined(separator: "\n"))", sourceLocation: sourceLocation)
        throw diagnostics[0].asError
    }
}

struct LoadingFailed: Error { var text: String }

extension Diagnostic {
    var asError: LoadingFailed { LoadingFailed(text: description) }
}

/// The errors of a text, as printed.
func errors(_ text: String, on machine: FakeMachine = FakeMachine(), macros: [(String, String)] = []) -> [String] {
    switch load(text, on: machine, macros: macros) {
    case .configuration: []
    case .failed(let diagnostics): diagnostics.filter { $0.severity == .error }.map(\.description)
    }
}

/// The warnings and notes of a text that loads.
func notes(_ text: String, on machine: FakeMachine = FakeMachine(), macros: [(String, String)] = []) -> [String] {
    switch load(text, on: machine, macros: macros) {
    case .configuration(_, let notes): notes.map(\.description)
    case .failed: []
    }
}
