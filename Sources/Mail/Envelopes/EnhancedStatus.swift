/// The grammar of enhanced status codes, `class.subject.detail` (RFC 3463 section 2).
package enum EnhancedStatus {
    /// True for a code of this class (2, 4 or 5) with one to three digits in subject and detail.
    package static func isValid(_ text: String, class digit: Int) -> Bool {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        return parts.count == 3 && parts[0].elementsEqual(String(digit).utf8)
            && parts.dropFirst().allSatisfy { part in
                (1...3).contains(part.count) && part.allSatisfy { (0x30...0x39).contains($0) }
            }
    }
}
