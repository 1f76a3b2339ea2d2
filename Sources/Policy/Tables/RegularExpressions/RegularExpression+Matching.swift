// Running the program of a regular expression over a text: all alternatives advance together.

extension RegularExpression {
    /// True when the pattern matches some part of the text; anchors ask for its ends.
    package func matches(_ text: some Collection<UInt8>) -> Bool {
        var run = Run(program, Array(text))
        return run.matches()
    }

    package func matches(_ text: String) -> Bool { matches(text.utf8) }

    private struct Run {
        let program: [Instruction]
        let text: [UInt8]
        /// Where the machine may be, before the byte at hand and after it: counters of `byte` instructions.
        var current: [Int] = []
        var following: [Int] = []
        /// The position at which a program counter was last entered, so that none is followed twice.
        var visited: [Int]
        var stack: [Int] = []

        init(_ program: [Instruction], _ text: [UInt8]) {
            self.program = program
            self.text = text
            visited = [Int](repeating: -1, count: program.count)
        }

        mutating func matches() -> Bool {
            for position in 0...text.count {
                // A match may begin anywhere.
                if enter(0, at: position) { return true }
                guard position < text.count else { return false }
                swap(&current, &following)
                following.removeAll(keepingCapacity: true)
                for counter in current {
                    guard case .byte(let set) = program[counter], set.contains(text[position]) else { continue }
                    if enter(counter + 1, at: position + 1) { return true }
                }
            }
            return false
        }

        /// Follows everything that needs no byte; true when that leads to a match.
        mutating func enter(_ start: Int, at position: Int) -> Bool {
            stack.append(start)
            while let counter = stack.popLast() {
                guard visited[counter] != position else { continue }
                visited[counter] = position
                switch program[counter] {
                case .match:
                    stack.removeAll(keepingCapacity: true)
                    return true
                case .byte:
                    following.append(counter)
                case .jump(let target):
                    stack.append(target)
                case .split(let first, let second):
                    stack.append(second)
                    stack.append(first)
                case .assert(let assertion):
                    if holds(assertion, at: position) { stack.append(counter + 1) }
                }
            }
            return false
        }

        func holds(_ assertion: Assertion, at position: Int) -> Bool {
            let before = position > 0 && isWordByte(text[position - 1])
            let after = position < text.count && isWordByte(text[position])
            switch assertion {
            case .start: return position == 0
            case .end: return position == text.count
            case .wordStart: return !before && after
            case .wordEnd: return before && !after
            case .wordBoundary: return before != after
            case .noWordBoundary: return before == after
            }
        }
    }
}
