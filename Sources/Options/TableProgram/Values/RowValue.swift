import Tables

/// Makes the one value of the protocol from the rows of a database, which are not to be trusted: a line break would be
/// read as another answer, a colon in a user id as another field.
package enum RowValue {
    /// The value for a lookup, nil when there is no row.
    ///
    /// Rows of aliases and of senders' addresses are joined with a comma; of the others the first one counts.
    package static func value(of rows: [TableRow], for service: TableService) throws(TableFailure) -> [UInt8]? {
        guard let first = rows.first else { return nil }
        guard service.joinsRows else { return try check(try value(of: first, service)) }
        var joined: [UInt8] = []
        for row in rows {
            if !joined.isEmpty { joined += Array(", ".utf8) }
            joined += try value(of: row, service)
            guard joined.count <= TableLimits.value else { break }
        }
        return try check(joined)
    }

    /// Each row as an element of its own.
    package static func elements(of rows: [TableRow], for service: TableService) throws(TableFailure) -> [[UInt8]] {
        var elements: [[UInt8]] = []
        for row in rows { elements.append(try check(try value(of: row, service))) }
        return elements
    }

    /// True for octets that end a line, or a string of C.
    package static func breaksLine(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") || byte == 0
    }

    private static func value(of row: TableRow, _ service: TableService) throws(TableFailure) -> [UInt8] {
        guard row.count == service.columns else {
            throw TableFailure("\(row.count) columns for \(service.name), which has \(service.columns)")
        }
        var columns: [[UInt8]] = []
        for column in row {
            guard let column else { throw TableFailure("a value for \(service.name) is missing (NULL)") }
            guard !column.isEmpty else { throw TableFailure("a value for \(service.name) is empty") }
            columns.append(column)
        }
        switch service {
        case .credentials where columns[0].contains(UInt8(ascii: ":")):
            throw TableFailure("the user of credentials has a colon")
        case .userinfo where !(isNumber(columns[0]) && isNumber(columns[1])):
            throw TableFailure("uid and gid of userinfo are not numbers")
        default: return Array(columns.joined(separator: [UInt8(ascii: ":")]))
        }
    }

    private static func isNumber(_ text: [UInt8]) -> Bool {
        text.count < 11 && text.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }

    private static func check(_ value: [UInt8]) throws(TableFailure) -> [UInt8] {
        guard value.count <= TableLimits.value else { throw TableFailure("a value of more than \(TableLimits.value) octets") }
        guard !value.contains(where: breaksLine) else { throw TableFailure("a value with a line break or NUL") }
        return value
    }
}
