/// Turns the tree of a regular expression into a program (Thompson's construction).
struct RegularExpressionCompiler {
    private var program: [RegularExpression.Instruction] = []
    /// Counts visits of nodes as well as instructions: repetitions of nothing, one inside the other,
    /// would cost time without ever adding an instruction.
    private var effort = 0

    private typealias Failure = RegularExpression.SyntaxError

    mutating func compile(
        _ tree: RegularExpressionNode
    ) throws(RegularExpression.SyntaxError) -> [RegularExpression.Instruction] {
        try add(tree)
        try emit(.match)
        return program
    }

    private mutating func emit(_ instruction: RegularExpression.Instruction) throws(Failure) {
        guard program.count < RegularExpression.maximumInstructions else { throw .tooLarge }
        program.append(instruction)
    }

    private mutating func add(_ node: RegularExpressionNode) throws(Failure) {
        effort += 1
        guard effort <= RegularExpression.maximumInstructions * 4 else { throw .tooLarge }
        switch node {
        case .byte(let set):
            try emit(.byte(set))
        case .assertion(let assertion):
            try emit(.assert(assertion))
        case .sequence(let parts):
            for part in parts { try add(part) }
        case .alternatives(let branches):
            try addAlternatives(branches)
        case .repetition(let inside, let low, let high):
            for _ in 0..<low { try add(inside) }
            if let high {
                try addOptional(inside, count: high - low)
            } else {
                try addLoop(inside)
            }
        }
    }

    private mutating func addAlternatives(_ branches: [RegularExpressionNode]) throws(Failure) {
        var exits: [Int] = []
        for branch in branches.dropLast() {
            let split = program.count
            try emit(.split(split + 1, split + 1))
            try add(branch)
            exits.append(program.count)
            try emit(.jump(0))
            program[split] = .split(split + 1, program.count)
        }
        if let last = branches.last { try add(last) }
        for exit in exits { program[exit] = .jump(program.count) }
    }

    private mutating func addOptional(_ node: RegularExpressionNode, count: Int) throws(Failure) {
        var splits: [Int] = []
        for _ in 0..<count {
            splits.append(program.count)
            try emit(.split(0, 0))
            try add(node)
        }
        for split in splits { program[split] = .split(split + 1, program.count) }
    }

    private mutating func addLoop(_ node: RegularExpressionNode) throws(Failure) {
        let split = program.count
        try emit(.split(0, 0))
        try add(node)
        try emit(.jump(split))
        program[split] = .split(split + 1, program.count)
    }
}
