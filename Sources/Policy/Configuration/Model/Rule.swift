import Tables

/// One `match`, `accept` or `reject` line.
package struct Rule: Hashable, Sendable {
    /// Where it stands, for traces: `FILE:LINE`.
    package var location: SourceLocation
    package var tag: Condition<TableReference>?
    package var from = Condition(Source.local(countsAuthenticated: false))
    package var destination = Condition(Destination.local)
    package var helo: Condition<TableReference>?
    package var auth: Condition<Authentication>?
    package var tls: Condition<TLSCriterion>?
    package var sender: Condition<TableReference>?
    package var recipient: Condition<TableReference>?
    package var decision: Decision

    package init(location: SourceLocation, decision: Decision) {
        self.location = location
        self.decision = decision
    }

    package enum Decision: Hashable, Sendable {
        case reject
        /// The name of an action.
        case action(String)
    }

    package enum Source: Hashable, Sendable {
        /// `from local`; in the 5.4 grammar an authenticated session counts as local too.
        case local(countsAuthenticated: Bool)
        case any
        /// Only the Unix socket.
        case socket
        /// `from src`, `from source`. In the 5.4 grammar authenticated and internal sessions are
        /// looked up as the word `local`.
        case addresses(TableReference, authenticatedIsLocal: Bool)
        /// `from rdns`: nil asks only that there is a name.
        case reverseName(TableReference?)
    }

    package enum Destination: Hashable, Sendable {
        case local
        case any
        case domain(TableReference)
    }

    package enum Authentication: Hashable, Sendable {
        case anyone
        case user(TableReference)
    }

    package enum TLSCriterion: Hashable, Sendable { case used }
}

/// A criterion and whether `!` inverts it.
package struct Condition<Criterion: Hashable & Sendable>: Hashable, Sendable {
    package var criterion: Criterion
    package var isNegated: Bool
    package init(_ criterion: Criterion, isNegated: Bool = false) {
        self.criterion = criterion
        self.isNegated = isNegated
    }
}

/// A place in a configuration file.
package struct SourceLocation: Hashable, Sendable, CustomStringConvertible {
    package var file: String
    /// From 1.
    package var line: Int
    /// From 1, in bytes.
    package var column: Int
    package init(file: String, line: Int, column: Int) {
        self.file = file
        self.line = line
        self.column = column
    }
    package var description: String { "\(file):\(line):\(column)" }
}
