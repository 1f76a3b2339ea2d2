import Glibc
import MailSyntax

@testable import Configuration

/// Configurations that people really use, with the verdicts of the daemons they were written for. They
/// are not part of this package; the folder is named by `MARTLET_CORPUS` or found beside the package.
struct Corpus {
    struct Row: Sendable, CustomStringConvertible {
        var file: String
        var generation: String
        var expectation: String
        var line: Int?
        var message: String
        var text: [UInt8]

        var description: String { file }
    }

    static let rows: [Row] = {
        guard let folder, let table = contents(of: folder + "/VERDICTS.tsv") else { return [] }
        return String(decoding: table, as: UTF8.self).split(separator: "\n").dropFirst().compactMap { line in
            let columns = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
            guard columns.count > 5, let text = contents(of: folder + "/" + columns[0]) else { return nil }
            return Row(
                file: columns[0], generation: columns[1], expectation: columns[2], line: Int(columns[3]),
                message: columns[4], text: text)
        }
    }()

    static let folder: String? = {
        if let named = getenv("MARTLET_CORPUS") { return String(cString: named) }
        let root = #filePath.split(separator: "/").dropLast(4).joined(separator: "/")
        let beside = "/\(root)/../shared/corpus/smtpd-conf"
        return contents(of: beside + "/VERDICTS.tsv") == nil ? nil : beside
    }()

    static func contents(of path: String) -> [UInt8]? {
        guard let file = fopen(path, "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = fread(&buffer, 1, buffer.count, file)
            if count == 0 { return bytes }
            bytes += buffer[..<count]
        }
    }
}

/// The machine on which the verdicts were made: every file a configuration opens is there with harmless
/// contents, and every interface and every host listened on is the loopback.
struct PermissiveMachine: ConfigurationEnvironment {
    private var contentsByPath: [String: [UInt8]] = [:]
    private var listenNames: Set<String> = []

    private static let mapping = Array("user@example.org\tuser\nroot\tuser\n127.0.0.1\tmx.example.org\n".utf8)
    private static let list = Array("example.org\n127.0.0.1\n".utf8)
    private static let mappingUses: Set<String> = [
        "alias", "virtual", "userbase", "hostnames", "helo-src", "auth", "auth-optional", "senders",
    ]

    init(for text: [UInt8]) {
        let joined = String(decoding: text, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
            .map { $0.drop { $0 == " " || $0 == "\t" }.hasPrefix("#") ? "" : String($0) }
            .joined(separator: "\n")
        let words = joined.split { " \t\n\\".contains($0) }.map(String.init)
        var mappings: Set<String> = []
        for (word, next) in zip(words, words.dropFirst()) where Self.mappingUses.contains(word) && next.hasPrefix("<") {
            mappings.insert(String(next.dropFirst().prefix { $0 != ">" }))
        }
        for index in words.indices.dropLast(2) where words[index] == "table" {
            let source = words[index + 2].filter { $0 != "\"" }
            let path = source.hasPrefix("file:") ? String(source.dropFirst(5)) : source
            guard path.hasPrefix("/"), !path.hasPrefix("/nonexistent/") else { continue }
            let name = words[index + 1].filter { $0 != "\"" }
            contentsByPath[path] = mappings.contains(name) ? Self.mapping : Self.list
        }
        for index in words.indices.dropLast(2) where words[index] == "listen" && words[index + 1] == "on" {
            listenNames.insert(words[index + 2].filter { $0 != "\"" })
        }
    }

    var hostName: String { "mx.example.org" }
    var mailName: String? { nil }
    var interfaceAddresses: [IPAddress] { [.loopback4, .loopback6] }
    var egressAddresses: [IPAddress] { [.loopback4, .loopback6] }
    var loopbackAddresses: [IPAddress] { [.loopback4, .loopback6] }

    func canonicalName(ofHost name: String) -> String? { nil }

    func addresses(ofInterface name: String) -> [IPAddress]? {
        let kinds = ["lo", "em", "vio", "vtnet", "eth", "ens", "enp", "eno", "bse", "re", "tun", "wg", "vlan"]
        let isInterface = name == "lo" || kinds.contains { name.hasPrefix($0) && (name.dropFirst($0.count).first?.isNumber ?? false) }
        return isInterface ? [.loopback4, .loopback6] : nil
    }

    func addresses(ofInterfaceGroup name: String) -> [IPAddress]? { nil }
    func addresses(ofHost name: String) -> [IPAddress] {
        name == "localhost" || (listenNames.contains(name) && name.split(separator: ".").last?.first?.isLetter == true)
            ? [.loopback4] : []
    }

    func port(ofService name: String) -> UInt16? { ["smtp": 25, "submission": 587, "submissions": 465][name] }
    func userExists(_ name: String) -> Bool { true }
    func groupExists(_ name: String) -> Bool { true }
    func tableProgramExists(type: String) -> Bool { ["passwd", "sqlite", "postgres"].contains(type) }
    var tableProgramDirectories: [String] { ["/libexec"] }

    func contents(ofFile path: String) throws(FileFailure) -> [UInt8] {
        if path.hasPrefix("/nonexistent/") { throw .missing }
        return contentsByPath[path] ?? []
    }

    func check(file path: String, for purpose: FilePurpose) throws(FileFailure) {
        if path.hasPrefix("/nonexistent/") { throw .missing }
    }
}
