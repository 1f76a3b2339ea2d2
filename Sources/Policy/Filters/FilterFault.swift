/// How a filter program has broken the protocol, with the beginning of what it said.
package enum FilterFault: Error, Hashable, Sendable {
    /// It begins with no known word.
    case unknownLine(String)
    /// Its fields are not what they must be.
    case malformed(String)
    /// An event or a phase that does not exist.
    case unknownName(String)
    /// A decision that does not exist, lacks its parameter, or is not for this phase.
    case unknownDecision(String)
    /// Said before or after its time.
    case outOfPlace(String)
    case lineTooLong

    /// In words for the log.
    package var text: String {
        switch self {
        case .unknownLine(let line): "line that is none of the protocol: \(line)"
        case .malformed(let line): "malformed line: \(line)"
        case .unknownName(let line): "no such event or phase: \(line)"
        case .unknownDecision(let line): "no such decision here: \(line)"
        case .outOfPlace(let line): "line out of place: \(line)"
        case .lineTooLong: "line of more than \(FilterProgram.maximumLine) octets"
        }
    }

    /// Octets of a line that are shown.
    private static let excerptLength = 120

    static func excerpt(_ line: ArraySlice<UInt8>) -> String {
        String(decoding: line.prefix(excerptLength), as: UTF8.self) + (line.count > excerptLength ? "..." : "")
    }
}
