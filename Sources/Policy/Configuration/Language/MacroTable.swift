/// The macros known so far: those of the command line, which stay, and those of the file.
struct MacroTable: Sendable {
    private struct Macro {
        var value: [UInt8]
        var isPersistent: Bool
        var isUsed = false
        var location: SourceLocation?
    }
    private var macros: [String: Macro] = [:]

    /// - Parameter persistent: `-D name=value` of the command line, which the file cannot override.
    init(persistent: [(String, String)]) {
        for (name, value) in persistent { macros[name] = Macro(value: Array(value.utf8), isPersistent: true) }
    }

    /// Sets a macro from the file; a later definition replaces an earlier one.
    mutating func define(_ name: String, _ value: String, at location: SourceLocation) {
        if let old = macros[name], old.isPersistent { return }
        let isUsed = macros[name]?.isUsed ?? false
        macros[name] = Macro(value: Array(value.utf8), isPersistent: false, isUsed: isUsed, location: location)
    }

    /// The value, noting that it was asked for.
    mutating func use(_ name: String) -> [UInt8]? {
        macros[name]?.isUsed = true
        return macros[name]?.value
    }

    /// Macros nobody asked for, by name.
    var unused: [(name: String, location: SourceLocation?)] {
        macros.filter { !$0.value.isUsed }.map { ($0.key, $0.value.location) }.sorted { $0.name < $1.name }
    }
}
