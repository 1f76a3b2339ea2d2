/// Where a module stands in the house, and what may stand below it (ARCHITECTURE.md, import directions).
enum Shelf: String {
    case mail = "Mail"
    case policy = "Policy"
    case system = "System"
    case storage = "Storage"
    /// What processes say to each other: values and their codecs.
    case messages = "the messages of Processes"
    case process = "a process"
    /// What every role is: its life and its rights, without what any of them does.
    case role = "the shape of a process"
    case options = "Options"
    case programs = "Programs"
    case sendmail = "compat/Sendmail"
    /// Other Swift in compat, such as PAM.
    case compat = "compat"
    /// A module without Swift.
    case c = "C"
    case tests = "Tests"

    init?(_ target: Manifest.Target, hasSwift: Bool) {
        let parts = target.path.split(separator: "/").map(String.init)
        guard parts.first != "Tests", parts.first != "Benchmarks" else { self = .tests; return }
        guard hasSwift, !target.isSystemLibrary else { self = .c; return }
        switch (parts.first, parts.dropFirst().first) {
        case ("Sources", "Mail"): self = .mail
        case ("Sources", "Policy"): self = .policy
        case ("Sources", "System"): self = .system
        case ("Sources", "Storage"): self = .storage
        case ("Sources", "Processes") where target.name == "RoleProcess": self = .role
        case ("Sources", "Processes"): self = target.name.hasSuffix("Messages") ? .messages : .process
        case ("Sources", "Options"): self = .options
        case ("Sources", "Programs"): self = .programs
        case ("compat", "Sendmail"): self = .sendmail
        case ("compat", _): self = .compat
        default: return nil
        }
    }

    /// True when a module of this shelf may import a module of another (or of the same).
    func mayImport(_ other: Shelf, named name: String, from importer: Manifest.Target, at path: String) -> Bool {
        switch (self, other) {
        case (.tests, _): true
        case (_, .tests): false
        case (.mail, .mail), (.policy, .mail), (.policy, .policy): true
        case (.mail, _), (.policy, _): false
        case (.system, .system), (.system, .c): true
        case (.system, _): false
        case (.options, .c), (.compat, .c): true
        // Everybody else reaches C through System; the small C of Platform, and C of one's own, are excepted.
        case (_, .c): name == "CPlatform" || Self.parent(of: path) == Self.parent(of: importer.path)
        case (.messages, .system): ["WireFormat", "Interprocess", "Platform"].contains(name)
        case (.messages, .mail), (.messages, .policy), (.messages, .messages): true
        case (.messages, _): false
        case (.storage, .mail), (.storage, .policy), (.storage, .system), (.storage, .storage): true
        case (.storage, _): false
        case (.options, .mail), (.options, .policy), (.options, .system), (.options, .storage): true
        // What all programs of tables have in common.
        case (.options, .options): name == "TableProgram"
        case (.options, _): false
        case (.compat, .mail), (.compat, .policy), (.compat, .system), (.compat, .storage): true
        case (.compat, _): false
        case (.sendmail, .mail), (.sendmail, .policy), (.sendmail, .system), (.sendmail, .messages), (.sendmail, .sendmail): true
        case (.sendmail, _): false
        case (.role, .mail), (.role, .messages), (.role, .system): true
        case (.role, _): false
        case (.process, .process), (.process, .programs), (.process, .sendmail): false
        case (.process, _): true
        case (.programs, .programs): false
        case (.programs, _): true
        case (.c, _): true
        }
    }

    /// Modules of the toolchain that this shelf may import.
    var toolchainModules: Set<String> {
        switch self {
        // The standard library, which is named only for what it offers on request.
        case .mail, .policy: ["Swift"]
        case .tests: ["Glibc", "Musl", "Synchronization", "Testing", "_Concurrency"]
        case .system, .storage, .messages, .process, .role, .options, .programs, .sendmail, .compat, .c:
            ["Glibc", "Musl", "Synchronization", "_Concurrency"]
        }
    }

    private static func parent(of path: String) -> Substring {
        path.lastIndex(of: "/").map { path[..<$0] } ?? ""
    }
}
