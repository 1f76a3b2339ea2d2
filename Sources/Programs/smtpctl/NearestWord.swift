/// The word that somebody most likely meant to type.
enum NearestWord {
    /// The candidate that is few slips of the fingers away, nil when none is. Of several equally near ones the
    /// first in byte order.
    static func of(_ word: String, among candidates: some Sequence<String>) -> String? {
        let limit = word.utf8.count > 3 ? 2 : 1
        let near = candidates.sorted().map { (word: $0, distance: distance(Array(word.utf8), Array($0.utf8))) }
            .filter { $0.distance <= limit && $0.distance < $0.word.utf8.count }
        return near.min { $0.distance < $1.distance }?.word
    }

    /// How many letters must be added, left out, replaced or swapped with their neighbour.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        // No keyword is long; what is much longer is no slip of one.
        guard abs(left.count - right.count) <= 2, left.count < 64 else { return Int.max }
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var next = [row + 1]
            for column in right.indices {
                let isSame = left[row] == right[column]
                var least = min(last[column] + (isSame ? 0 : 1), last[column + 1] + 1, next[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    least = min(least, beforeLast[column - 1] + 1)
                }
                next.append(least)
            }
            beforeLast = last
            last = next
        }
        return last[right.count]
    }
}
