/// The targets that Package.swift declares, found by reading it: `room(...)`, `process(...)`, `program(...)`, `tests(...)` and
/// the target functions of the package description.
struct Manifest {
    struct Target: Equatable {
        var name: String
        var path: String
        /// The names in its list of dependencies.
        var dependencies: Set<String>
        var isSystemLibrary = false
    }

    var targets: [String: Target] = [:]

    init(_ text: String) {
        let withoutComments = text.split(separator: "\n", omittingEmptySubsequences: false)
            .filter { !$0.drop { $0 == " " }.hasPrefix("//") }.joined(separator: "\n")
        let code = Array(withoutComments.utf8)
        let roleImports = Self.list(named: "roleImports", in: withoutComments)
        for function in ["room", "process", "program", "tests", ".target", ".executableTarget", ".systemLibrary", ".testTarget"] {
            for start in Self.calls(of: Array("\(function)(".utf8), in: code) {
                guard var target = Self.target(function, Self.arguments(of: code, from: start)) else { continue }
                if function == "process" { target.dependencies.formUnion(roleImports) }
                targets[target.name] = target
            }
        }
    }

    /// The target whose folder a file lies in, the innermost one.
    func target(of path: String) -> Target? {
        targets.values.filter { path.hasPrefix($0.path + "/") }.max { $0.path.utf8.count < $1.path.utf8.count }
    }

    /// A target with everything it depends on, directly or not.
    func closure(of name: String) -> Set<String> {
        var reached: Set<String> = []
        var waiting = [name]
        while let next = waiting.popLast() {
            guard reached.insert(next).inserted else { continue }
            waiting += targets[next]?.dependencies ?? []
        }
        return reached
    }

    // MARK: Reading

    private static func calls(of function: [UInt8], in code: [UInt8]) -> [Int] {
        guard code.count > function.count else { return [] }
        return (0...(code.count - function.count)).compactMap { start in
            guard code[start] == function[0], code[start..<(start + function.count)].elementsEqual(function) else { return nil }
            // `func room(` is the definition, and `.target(` inside a list of dependencies has a path of its own nowhere.
            let before = code[..<start].last { $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "\n") }
            let isCall = before == UInt8(ascii: ",") || before == UInt8(ascii: "[")
            return isCall ? start + function.count : nil
        }
    }

    /// The arguments up to the closing parenthesis, as label (empty for none) and text.
    private static func arguments(of code: [UInt8], from start: Int) -> [(label: String, text: String)] {
        var arguments: [(label: String, text: String)] = []
        var depth = 0
        var isString = false
        var current: [UInt8] = []
        func finish() {
            let text = String(decoding: current, as: UTF8.self).drop { $0 == " " || $0 == "\n" }
            let label = text.prefix { $0.isLetter }
            let rest = text.dropFirst(label.count)
            if !label.isEmpty, rest.first == ":" {
                arguments.append((String(label), String(rest.dropFirst().drop { $0 == " " || $0 == "\n" })))
            } else if !text.isEmpty {
                arguments.append(("", String(text)))
            }
            current = []
        }
        for byte in code[start...] {
            if byte == UInt8(ascii: "\"") { isString.toggle() }
            if !isString {
                if byte == UInt8(ascii: "(") || byte == UInt8(ascii: "[") { depth += 1 }
                if byte == UInt8(ascii: ")") || byte == UInt8(ascii: "]") { depth -= 1 }
                if depth < 0 { break }
                if depth == 0, byte == UInt8(ascii: ",") {
                    finish()
                    continue
                }
            }
            current.append(byte)
        }
        finish()
        return arguments
    }

    private static func target(_ function: String, _ arguments: [(label: String, text: String)]) -> Target? {
        func value(_ label: String) -> String? { arguments.first { $0.label == label }.flatMap { strings(in: $0.text).first } }
        let unlabelled = arguments.filter { $0.label.isEmpty }.map(\.text)
        let names = unlabelled.filter { $0.hasPrefix("\"") }.compactMap { strings(in: $0).first }
        let list = unlabelled.first { $0.hasPrefix("[") } ?? arguments.first { $0.label == "dependencies" }?.text ?? ""
        let dependencies = Set(strings(in: list))
        switch function {
        case "room":
            guard names.count == 2 else { return nil }
            return Target(name: names[1], path: "Sources/\(names[0])/\(names[1])", dependencies: dependencies)
        case "process":
            guard let name = names.first else { return nil }
            return Target(name: name, path: "Sources/Processes/\(name)", dependencies: dependencies)
        case "tests":
            guard names.count == 2 else { return nil }
            return Target(
                name: names[1] + "Tests", path: "Tests/\(names[0])/\(names[1])Tests",
                // The function adds what all tests may use.
                dependencies: dependencies.union([names[1], "SeededTesting"]))
        case "program":
            guard let name = names.first, let path = value("in") else { return nil }
            return Target(name: name, path: path, dependencies: dependencies)
        default:
            guard let name = value("name"), let path = value("path") else { return nil }
            return Target(name: name, path: path, dependencies: dependencies, isSystemLibrary: function == ".systemLibrary")
        }
    }

    /// The strings of a constant list of dependencies, `let NAME: [Target.Dependency] = [...]`.
    private static func list(named name: String, in text: String) -> [String] {
        let words = text.split(separator: "let \(name): [Target.Dependency] = [", maxSplits: 1)
        guard words.count == 2 else { return [] }
        return strings(in: String(words[1].prefix { $0 != "]" }))
    }

    /// The contents of the string literals in a text.
    private static func strings(in text: String) -> [String] {
        text.split(separator: "\"", omittingEmptySubsequences: false).enumerated()
            .compactMap { $0.offset % 2 == 1 ? String($0.element) : nil }
    }
}
