import Tables

/// What the command line of makemap asks for.
struct MakemapArguments: Equatable {
    enum Action: Equatable {
        /// Make a map of a text, or of a map of an older kind.
        case make(MapSource.Kind)
        /// Print a map (`-U`).
        case dump
    }

    enum Problem: Error, Equatable {
        case usage
        /// `-d` or the first of two operands.
        case unknownType(String)
        case unknownMap(String)

        var text: String? {
            switch self {
            case .usage: nil
            case .unknownType(let word): "unknown database type: \(word)"
            case .unknownMap(let word): "unknown map type: \(word)"
            }
        }
    }

    var action = Action.make(.mapping)
    /// Nil for standard input.
    var source: String?
    /// Where the map goes; nothing for a dump.
    var target = ""

    /// Types of databases that other makemaps know: the map is a constant database whatever is named.
    private static let types: Set<String> = ["hash", "btree", "dbm", "cdb"]

    /// - Parameter words: Without the program's name.
    init(_ words: [String]) throws(Problem) {
        var kind = MapSource.Kind.mapping
        var isDump = false
        var output: String?
        var operands: [String] = []
        var rest = words[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                operands.append(word)
                continue
            }
            if word == "--" {
                operands += rest
                break
            }
            var letters = word.dropFirst()
            while let letter = letters.popFirst() {
                switch letter {
                case "U": isDump = true
                // Of Sendmail's makemap: replacing, folding and a NUL behind keys are as they are here.
                case "f", "N", "r", "v", "e", "s": break
                case "d", "o", "t", "b", "C", "O":
                    let value = letters.isEmpty ? rest.popFirst() : String(letters)
                    letters = ""
                    guard let value else { throw .usage }
                    switch letter {
                    case "d": guard Self.types.contains(value) else { throw .unknownType(value) }
                    case "o": output = value
                    case "t":
                        switch value {
                        case "aliases": kind = .aliases
                        case "set": kind = .set
                        default: throw .unknownMap(value)
                        }
                    // newaliases as makemap -b i.
                    case "b": guard value == "i" else { throw .usage }
                    case "O":
                        guard value.hasPrefix("AliasFile=") else { throw .usage }
                        operands.append(String(value.dropFirst("AliasFile=".count)))
                        kind = .aliases
                    default: break
                    }
                default: throw .usage
                }
            }
        }
        var name: String
        switch operands.count {
        case 1:
            name = operands[0]
            source = name == "-" ? nil : name
        case 2 where !isDump:
            // makemap TYPE NAME of Sendmail.
            guard Self.types.contains(operands[0]) else { throw .unknownType(operands[0]) }
            name = operands[1]
            source = nil
        default: throw .usage
        }
        if isDump {
            guard output == nil, source != nil else { throw .usage }
            action = .dump
            return
        }
        action = .make(kind)
        if let output {
            target = output
        } else {
            guard name != "-" else { throw .usage }
            if name.hasSuffix(".db") { name.removeLast(3) }
            target = name + ".db"
        }
    }
}
