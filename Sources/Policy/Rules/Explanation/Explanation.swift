import JSON

/// Why something is decided as it is: a tree of short lines, for people and for programs.
///
/// Bounded, however long the story is: what does not fit is counted, and the last line says so.
package struct Explanation: Hashable, Sendable {
    /// One line: what it is about, and what there is to say.
    package struct Item: Hashable, Sendable {
        /// Levels below the root.
        package var depth: UInt8
        /// A word or two, such as `rule` or `delivery`; the same for the same kind of thing.
        package var name: String
        package var text: String

        package init(depth: UInt8, name: String, text: String) {
            self.depth = depth
            self.name = name
            self.text = text
        }
    }

    package static let maximumItems = 400
    /// Bytes of UTF-8 of a text.
    package static let maximumText = 512
    package static let maximumDepth: UInt8 = 16

    package private(set) var items: [Item] = []
    private var omitted = 0

    package init() {}

    /// One that was made elsewhere.
    ///
    /// - Returns: Nil when it exceeds the bounds.
    package init?(items: [Item]) {
        guard items.count <= Self.maximumItems + 1, items.allSatisfy({ $0.depth <= Self.maximumDepth }) else { return nil }
        self.items = items
    }

    /// Adds a line below the last one of a lesser depth.
    package mutating func add(_ name: String, _ text: String, depth: Int) {
        guard items.count < Self.maximumItems else {
            omitted += 1
            let note = Item(depth: 0, name: "omitted", text: "\(omitted) lines more")
            if omitted == 1 { items.append(note) } else { items[items.count - 1] = note }
            return
        }
        items.append(
            Item(depth: UInt8(clamping: min(depth, Int(Self.maximumDepth))), name: name, text: Self.bounded(text)))
    }

    /// Adds all of another one, so many levels further down.
    package mutating func add(_ other: Explanation, depth: Int) {
        for item in other.items { add(item.name, item.text, depth: depth + Int(item.depth)) }
    }

    private static func bounded(_ text: String) -> String {
        // A line end inside would look like another line.
        let line = String(String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 0x20 || $0.value == 0x7F ? " " : $0 }))
        guard line.utf8.count > maximumText else { return line }
        return String(decoding: line.utf8.prefix(maximumText - 3), as: UTF8.self) + "..."
    }
}

extension Explanation {
    /// As a tree for a terminal.
    package var tree: String {
        items.map { item in
            String(repeating: "  ", count: Int(item.depth)) + item.name + (item.text.isEmpty ? "" : ": " + item.text) + "\n"
        }.joined()
    }

    /// The same for programs: an object with `name`, `text` and, where there are any, `children`, for each line that has
    /// none above it.
    package var values: [JSONValue] {
        var rest = items[...]
        return Self.values(&rest, below: -1)
    }

    /// ``values``, one on a line.
    package var json: String { values.map { $0.line + "\n" }.joined() }

    /// Takes what is deeper than `depth`; no more levels of calls than ``maximumDepth``.
    private static func values(_ rest: inout ArraySlice<Item>, below depth: Int) -> [JSONValue] {
        var values: [JSONValue] = []
        while let item = rest.first, Int(item.depth) > depth {
            rest.removeFirst()
            let children = Self.values(&rest, below: Int(item.depth))
            values.append(
                .object(
                    [.init("name", .text(item.name)), .init("text", .text(item.text))]
                        + (children.isEmpty ? [] : [.init("children", .array(children))])))
        }
        return values
    }
}
