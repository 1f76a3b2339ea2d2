import Configuration
import TableProgram
import Tables

/// What is wrong with an example of the manual, read as its mark says; empty when it is as it should be.
enum ExampleReading {
    static func problems(of example: ManualPage.Example) -> [String] {
        let bytes = Array(example.text.utf8)
        switch example.mark {
        case "match": return configuration(example.text, .match, isServed: true)
        case "accept": return configuration(example.text, .accept, isServed: true)
        case "match, later": return configuration(example.text, .match, isServed: false)
        case "accept, later": return configuration(example.text, .accept, isServed: false)
        case "match, part", "configuration":
            let rules = "action last expand-only\nmatch for local action last\n"
            return configuration(example.text + rules, .match, isServed: true)
        case "accept, part": return configuration(example.text + "reject for any\n", .accept, isServed: true)
        case "list": return table(TableFile(bytes), .list)
        case "mapping": return table(TableFile(bytes), .mapping)
        case "refused": return TableFile(bytes).isUsable ? ["is a table that can be used"] : []
        case "aliases": return table(TableFile(aliases: bytes), .mapping)
        case "aliases, warned":
            let file = TableFile(aliases: bytes)
            return file.isUsable && !file.warnings.isEmpty ? [] : ["no line is warned about"]
        case "forward": return forward(bytes)
        case "settings": return settings(bytes)
        case "shell", "output": return []
        case let mark?: return ["unknown mark \(mark)"]
        case nil: return ["no mark says what it is"]
        }
    }

    /// Warnings count too: an example has none. Notes of names that stand for addresses do not.
    ///
    /// - Parameter isServed: Whether the daemon can do all that it asks for.
    private static func configuration(_ text: String, _ generation: Generation, isServed: Bool) -> [String] {
        let result = ConfigurationLoader.load(
            text: Array(text.utf8), named: "example", macros: [], environment: ExampleMachine())
        switch result {
        case .failed(let diagnostics):
            return diagnostics.map(\.description)
        case .configuration(let configuration, let notes):
            guard configuration.generation == generation else { return ["it is in the other language"] }
            let missing = UnsupportedFeatures.list(in: configuration).map(\.diagnostic.description)
            if missing.isEmpty, !isServed { return ["nothing of it is missing in the daemon"] }
            return notes.filter { $0.severity != .note }.map(\.description) + (isServed ? missing : [])
        }
    }

    private static func table(_ file: TableFile, _ kind: TableKind) -> [String] {
        var problems = (file.errors + file.warnings).map(\.description)
        if file.kind != kind { problems.append("is a \(file.kind)") }
        if file.elements.isEmpty { problems.append("has no entry") }
        return problems
    }

    /// Settings of a table program, which name at least one thing it can be asked for.
    private static func settings(_ bytes: [UInt8]) -> [String] {
        do throws(ProgramSettings.Problem) {
            var settings = try ProgramSettings(bytes)
            let isAsked = TableService.allCases.contains { service in
                ["query_\(service.name)", "\(service.name)_filter", "map_\(service.name)"].contains { settings.take($0) != nil }
            }
            return isAsked ? [] : ["there is no query"]
        } catch {
            return [error.description]
        }
    }

    private static func forward(_ bytes: [UInt8]) -> [String] {
        do throws(ItemFile.Failure) {
            let items = try ItemFile.items(bytes, limit: ForwardFile.maximumItems)
            return items.isEmpty ? ["has no item"] : []
        } catch {
            return [error.reason]
        }
    }
}
