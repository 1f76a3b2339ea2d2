/// The rules of the house, applied to a tree that is given as values, so that bad ones can be tried.
struct Checker {
    /// A file by its path from the package's root, with `/`.
    struct File {
        var path: String
        var text: String

        init(_ path: String, _ text: String) {
            self.path = path
            self.text = text
        }

        var isSwift: Bool { path.hasSuffix(".swift") }
    }

    /// What is wrong, and where.
    struct Violation: Hashable, Comparable, CustomStringConvertible {
        var path: String
        /// Counted from 1; 0 for the file or target as a whole.
        var line: Int
        var reason: String

        var description: String { "\(path):\(line): \(reason)" }

        static func < (a: Violation, b: Violation) -> Bool { (a.path, a.line, a.reason) < (b.path, b.line, b.reason) }
    }

    private let files: [File]
    private let manifest: Manifest
    private let shelves: [String: Shelf]
    private var violations: [Violation] = []

    /// Every violation of the rules by a tree and its manifest.
    static func violations(of files: [File], manifest text: String) -> [Violation] {
        var checker = Checker(files, Manifest(text))
        checker.run()
        return checker.violations.sorted()
    }

    private init(_ files: [File], _ manifest: Manifest) {
        self.files = files
        self.manifest = manifest
        var namesWithSwift: Set<String> = []
        for file in files where file.isSwift {
            if let target = manifest.target(of: file.path) { namesWithSwift.insert(target.name) }
        }
        var shelves: [String: Shelf] = [:]
        for target in manifest.targets.values {
            shelves[target.name] = Shelf(target, hasSwift: namesWithSwift.contains(target.name))
        }
        self.shelves = shelves
    }

    private mutating func run() {
        checkDeclarations()
        checkSendmail()
        for file in files where file.isSwift {
            guard let target = manifest.target(of: file.path) else {
                report(file.path, 0, "belongs to no target of the manifest")
                continue
            }
            guard let shelf = shelves[target.name] else {
                report(file.path, 0, "stands on no known shelf")
                continue
            }
            let text = SwiftText(file.text)
            checkImports(of: file, text, target, shelf)
            checkForbiddenWords(in: file, text, shelf)
            guard shelf != .tests else { continue }
            checkComments(in: file, text)
            if file.path.hasSuffix("/main.swift") {
                report(file.path, 0, "is a main.swift, whose globals belong to the main actor: use @main")
            }
        }
    }

    // MARK: Imports

    private mutating func checkImports(of file: File, _ text: SwiftText, _ target: Manifest.Target, _ shelf: Shelf) {
        for (module, line) in text.imports where module != target.name {
            if module.hasPrefix("Foundation") || module == "Dispatch" {
                report(file.path, line, "imports \(module), which nothing of ours does")
            } else if let imported = manifest.targets[module], let other = shelves[module] {
                if !shelf.mayImport(other, named: module, from: target, at: imported.path) {
                    report(file.path, line, "\(shelf.rawValue) imports \(module) of \(other.rawValue)")
                }
                // Tests may use what comes with the module they test.
                let isDeclared = shelf == .tests
                    ? manifest.closure(of: target.name).contains(module) : target.dependencies.contains(module)
                if !isDeclared {
                    report(file.path, line, "imports \(module), which the manifest does not declare for \(target.name)")
                }
            } else if !shelf.toolchainModules.contains(module) {
                report(file.path, line, "\(shelf.rawValue) imports \(module)")
            }
        }
    }

    /// The manifest must not allow what the sources may not do.
    private mutating func checkDeclarations() {
        for target in manifest.targets.values {
            guard let shelf = shelves[target.name] else { continue }
            var cModules = 0
            for name in target.dependencies.sorted() {
                guard let dependency = manifest.targets[name], let other = shelves[name] else { continue }
                if other == .c { cModules += 1 }
                if !shelf.mayImport(other, named: name, from: target, at: dependency.path) {
                    report("Package.swift", 0, "\(target.name) of \(shelf.rawValue) depends on \(name) of \(other.rawValue)")
                }
            }
            if shelf == .options, cModules > 1 { report("Package.swift", 0, "\(target.name) is an option with more than one C module") }
        }
    }

    /// The submission tools start once for each message: no library that costs time at start, not even
    /// through another module.
    private mutating func checkSendmail() {
        for target in manifest.targets.values where shelves[target.name] == .sendmail {
            for name in ["EventLoop", "CLibevent", "TLS", "COpenSSL"] where manifest.closure(of: target.name).contains(name) {
                report("Package.swift", 0, "\(target.name) of compat/Sendmail reaches \(name)")
            }
        }
    }

    // MARK: Words

    private mutating func checkForbiddenWords(in file: File, _ text: SwiftText, _ shelf: Shelf) {
        if shelf == .system {
            for (number, line) in text.lines.enumerated() {
                let lowercased = line.lowercased()
                // The daemon's own name, which paths hold, is not the protocol's.
                let namesProtocol = line.contains("SMTP") || Self.contains(word: "smtp", in: lowercased)
                let found = ["envelope", "recipient"].filter(lowercased.contains) + (namesProtocol ? ["smtp"] : [])
                for word in found {
                    report(file.path, number + 1, "System knows no mail, but says \(word)")
                }
            }
        }
        if shelf == .mail || shelf == .policy {
            for (number, line) in text.code.enumerated() {
                for word in ["async", "await", "actor"] where Self.contains(word: word, in: line) {
                    report(file.path, number + 1, "\(shelf.rawValue) is without concurrency, but says \(word)")
                }
            }
        }
    }

    private mutating func checkComments(in file: File, _ text: SwiftText) {
        for (number, line) in text.code.enumerated() {
            for word in ["@unchecked Sendable", "nonisolated(unsafe)", "try!", "unsafeBitCast"] where line.contains(word) {
                let nearby = text.lines[max(0, number - 3)...number]
                if !nearby.contains(where: { $0.contains("//") }) {
                    report(file.path, number + 1, "\(word) without a comment that proves it right")
                }
            }
        }
    }

    private static func contains(word: String, in line: String) -> Bool {
        line.split { !($0.isLetter || $0.isNumber || $0 == "_") }.contains { $0 == word }
    }

    private mutating func report(_ path: String, _ line: Int, _ reason: String) {
        violations.append(Violation(path: path, line: line, reason: reason))
    }
}
