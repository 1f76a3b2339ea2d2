import MailSyntax
import Tables

/// A table as an argument, and where it was written.
struct TableUse {
    var name: String
    var location: SourceLocation
}

// `table` statements and arguments that are tables (smtpd.conf(5), table(5)).
extension ConfigurationParser {
    /// The longest table name in bytes.
    static let maximumTableName = 64

    /// `table NAME { ... }` and `table NAME [TYPE:]PATH`.
    mutating func tableStatement() throws(StatementFailure) {
        advance()
        let location = token.location
        let name = try newName("the name of the table")
        guard name.utf8.count <= Self.maximumTableName else {
            throw fail(at: location, "table name too long", expected: "at most \(Self.maximumTableName) bytes")
        }
        if let earlier = result.places.tables[name] {
            throw fail(at: location, "table \(name) already declared at \(earlier)")
        }
        if token.isMark("{") {
            declare(name, try items(), at: location)
        } else {
            let place = token.location
            let source = try string("`{` or a type and path for table \(name)")
            let (content, kind) = try backend(source, table: name, at: place)
            declare(name, content, kind: kind, at: location)
            try cacheOption(table: name)
        }
    }

    /// `cache TIME` behind the declaration of a table that a program answers for.
    private mutating func cacheOption(table name: String) throws(StatementFailure) {
        let location = token.location
        guard take("cache") else { return }
        guard result.tables[name]?.program != nil else {
            throw fail(at: location, "table \(name) is not answered by a program", expected: "`cache` with tables of programs only")
        }
        let seconds = try delay("how long an answer is used again,")
        result.tables[name]?.cacheLifetime = seconds
    }

    /// A name where nothing else can stand, so 7.x takes reserved words too; 5.4 files have always been refused
    /// for them.
    mutating func anyName(_ what: String) throws(StatementFailure) -> String {
        generation == .match ? try name(what) : try string(what)
    }

    private mutating func declare(
        _ name: String, _ content: TableDefinition.Content, kind: TableKind? = nil, at location: SourceLocation
    ) {
        let definition = TableDefinition(name: name, content: content)
        result.tables[name] = definition
        tableKinds[name] = kind ?? definition.kind
        result.places.tables[name] = location
    }

    private mutating func backend(
        _ source: String, table: String, at location: SourceLocation
    ) throws(StatementFailure) -> (TableDefinition.Content, TableKind) {
        var type = "file"
        var path: String? = source
        if !source.hasPrefix("/") {
            let parts = source.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            type = String(parts.first ?? "")
            path = parts.count == 2 ? String(parts[1]) : nil
        }
        if type == "static" { type = "file" }
        if let path, !path.hasPrefix("/") {
            throw fail(at: location, "invalid backend parameter for table: \(table)", expected: "a path that starts with `/`")
        }
        switch type {
        case "file":
            guard let path else {
                throw fail(at: location, "table \(table) has no file", expected: "`file:` and an absolute path")
            }
            return (.backend(type: type, path: path), try kindOfFile(path, table: table, at: location))
        case "db", "passwd":
            guard let path else {
                throw fail(at: location, "table \(table) has no file", expected: "`\(type):` and an absolute path")
            }
            do throws(FileFailure) {
                try environment.check(file: path, for: .table)
                if type == "passwd", let mistake = PasswdFile(try environment.contents(ofFile: path)).errors.first {
                    throw FileFailure.other(mistake.description)
                }
            } catch {
                throw fail(at: location, "invalid configuration file \(path) for table \(table): \(error.text)")
            }
        case "getpwnam":
            break
        default:
            guard isProgramName(type), environment.tableProgramExists(type: type) else {
                let places = environment.tableProgramDirectories
                let sought = isProgramName(type) && !places.isEmpty ? ": no program table-\(type) in \(places.joined(separator: ", "))" : ""
                throw fail(
                    at: location, "no backend `\(type)` for table \(table)\(sought)",
                    expected: TableProgramTrait.advice(for: type)
                        ?? "`file`, `db`, `passwd`, or a type whose program table-TYPE is installed")
            }
        }
        return (.backend(type: type, path: path), .dynamic)
    }

    /// Static files are read at start, so what is wrong with them is wrong with the configuration; but a bad
    /// line of an alias or virtual map costs that line only (aliases(5)), and whether a table is one shows
    /// when an action names it. So the mistake is kept for the end.
    private mutating func kindOfFile(
        _ path: String, table: String, at location: SourceLocation
    ) throws(StatementFailure) -> TableKind {
        let bytes: [UInt8]
        do {
            bytes = try environment.contents(ofFile: path)
        } catch {
            throw fail(at: location, "invalid configuration file \(path) for table \(table): \(error.text)")
        }
        do {
            return try StaticTableFile.kind(of: bytes, generation: generation)
        } catch {
            let reason =
                switch error {
                case .missingValue(let line): "line \(line) has a key and no value"
                case .mixed(let line): "line \(line) is a mapping in a list"
                }
            tableFileMistakes[table] = Diagnostic(
                at: location, "invalid configuration file \(path) for table \(table): \(reason)")
            switch error {
            case .missingValue: return .mapping
            case .mixed: return .list
            }
        }
    }

    /// The type becomes a part of a file name: nothing in it may lead elsewhere.
    private func isProgramName(_ type: String) -> Bool {
        !type.isEmpty && type.utf8.allSatisfy { isASCIIAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    // MARK: Arguments

    /// `<name>`, one string, or items in braces.
    mutating func tables(_ what: String) throws(StatementFailure) -> TableUse {
        let location = token.location
        if take(mark: "<") {
            let place = token.location
            let name = try anyName("the name of a table")
            guard take(mark: ">") else { throw unexpected("`>` after the name of a table") }
            if result.tables[name] == nil, result.tables["<\(name)>"] != nil {
                return TableUse(name: "<\(name)>", location: place)
            }
            guard result.tables[name] != nil else { throw fail(at: place, "no such table: \(name)") }
            return TableUse(name: name, location: place)
        }
        let content: TableDefinition.Content
        if token.isMark("{") {
            content = try items()
        } else {
            content = .list([try string(what)])
        }
        anonymousTables += 1
        let name = "<dynamic:\(anonymousTables)>"
        let definition = TableDefinition(name: name, content: content)
        result.tables[name] = definition
        tableKinds[name] = definition.kind
        return TableUse(name: name, location: location)
    }

    /// True when the token looked at can start a table argument.
    var isTable: Bool { isString || token.isMark("<") || token.isMark("{") }

    /// A table argument of one of the kinds that serves the service.
    mutating func table(_ what: String, _ kinds: Set<TableKind>, for service: TableService) throws(StatementFailure) -> String {
        let use = try tables(what)
        guard let kind = tableKinds[use.name], serves(use.name, service),
            kind == .dynamic || kinds.contains(kind) || (service == .alias && isFile(use.name))
        else {
            let shape = kinds == [.list] ? "a list" : kinds == [.mapping] ? "a mapping" : "a list or mapping"
            let subject = use.name.hasPrefix("<dynamic:") ? "what stands here" : "table \"\(use.name)\""
            throw fail(
                at: use.location, "\(subject) may not be used for \(service.name) lookups",
                expected: "\(shape) that serves \(service.name)")
        }
        return use.name
    }

    /// A file of aliases is one whatever its first line looks like.
    private func isFile(_ table: String) -> Bool {
        guard case .backend("file", _) = result.tables[table]?.content else { return false }
        return true
    }

    private func serves(_ table: String, _ service: TableService) -> Bool {
        guard case .backend(let type, _) = result.tables[table]?.content else { return service != .auth }
        switch type {
        case "getpwnam": return service == .userinfo
        case "passwd": return service == .userinfo || service == .credentials
        case "file", "db": return service != .auth
        default: return true
        }
    }

    /// `[regex] tables`, the argument of a condition.
    mutating func reference(
        _ what: String, _ kinds: Set<TableKind> = [.list], for service: TableService
    ) throws(StatementFailure) -> TableReference {
        if take("regex") {
            return TableReference(try table("a regular expression", [.list], for: .regex), isRegex: true)
        }
        return TableReference(try table(what, kinds, for: service))
    }

    // MARK: Items

    /// `{ a, b }` or `{ k = v, k2 = v2 }`.
    private mutating func items() throws(StatementFailure) -> TableDefinition.Content {
        let first = try openItems()
        guard token.isMark("=") || token.kind == .arrow else {
            var list = [first]
            while let item = try nextItem() { list.append(item) }
            return .list(list)
        }
        advance()
        var entries = [TableDefinition.Entry(key: first, value: try string("a value"))]
        while let key = try nextItem() {
            guard token.isMark("=") || token.kind == .arrow else { throw unexpected("`=` as after the first key") }
            advance()
            entries.append(TableDefinition.Entry(key: key, value: try string("a value")))
        }
        return .mapping(entries)
    }

    /// `{ a, b }` where only names make sense, each with its place.
    mutating func names() throws(StatementFailure) -> [(name: String, location: SourceLocation)] {
        let first = try openItems()
        var list = [(first, itemLocation)]
        while let item = try nextItem() { list.append((item, itemLocation)) }
        return list
    }

    private mutating func openItems() throws(StatementFailure) -> String {
        guard take(mark: "{") else { throw unexpected("`{`") }
        if generation == .match { skipNewlines() }
        itemLocation = token.location
        return try string("an item")
    }

    /// The item after a separator, nil at the closing brace, which it takes.
    private mutating func nextItem() throws(StatementFailure) -> String? {
        var needsItem = false
        if token.kind == .newline {
            skipNewlines()
        } else if take(mark: ",") {
            needsItem = true
            skipNewlines()
        }
        if !needsItem, take(mark: "}") { return nil }
        itemLocation = token.location
        return try string(needsItem ? "an item" : "an item or `}`")
    }

    private mutating func skipNewlines() {
        while token.kind == .newline { advance() }
    }
}

// Tables every configuration has (smtpd.conf(5)).
extension ConfigurationParser {
    mutating func declarePredefinedTables() {
        let name = result.serverName
        let addresses = environment.interfaceAddresses.map(\.bracketed)
        predefine("<anyhost>", .list(["local", "0.0.0.0/0", "::/0"]))
        predefine("<localhost>", .list(["local"] + addresses))
        predefine("<localnames>", .list(["localhost", name] + (generation == .match ? addresses : [])))
        var destinations = ["*"]
        if let dot = name.utf8.firstIndex(of: UInt8(ascii: ".")), dot != name.startIndex {
            destinations.append(String(name[..<dot]))
        }
        predefine("<anydestination>", .list(destinations))
        predefine("<getpwnam>", .backend(type: "getpwnam", path: nil))
    }

    private mutating func predefine(_ name: String, _ content: TableDefinition.Content) {
        let definition = TableDefinition(name: name, content: content)
        result.tables[name] = definition
        tableKinds[name] = definition.kind
    }
}
