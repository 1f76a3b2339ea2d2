/// Brings names and passwords into the form in which they are compared (SASLprep, RFC 4013).
///
/// ASCII is done in full. Of other text the characters that stand for a space become one, those that are
/// commonly mapped to nothing are dropped, and those that RFC 4013 section 2.3 prohibits are refused. What is
/// left out is normalization form KC and the rule on right-to-left text, whose tables are bigger than all the
/// rest of this room: two spellings of one accented letter are different passwords here, as they are for
/// crypt(3). Keyboards and clients produce the composed form, which is its own normal form.
package enum SASLPreparation {
    package enum Failure: Error, Hashable, Sendable {
        case notUTF8
        /// A control character, a private or unassigned use, a character that changes how text is shown.
        case prohibitedCharacter
    }

    package static func prepared(_ text: [UInt8]) throws(Failure) -> [UInt8] {
        if text.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        guard let string = String(validating: text, as: UTF8.self) else { throw .notUTF8 }
        var result = String.UnicodeScalarView()
        for scalar in string.unicodeScalars {
            switch mapping(of: scalar) {
            case .itself: result.append(scalar)
            case .space: result.append(" ")
            case .nothing: continue
            case .prohibited: throw .prohibitedCharacter
            }
        }
        return Array(String(result).utf8)
    }

    private enum Mapping { case itself, space, nothing, prohibited }

    /// RFC 3454 tables C.1.2, B.1, and C.2 to C.9.
    private static func mapping(of scalar: Unicode.Scalar) -> Mapping {
        switch scalar.value {
        case 0xA0, 0x1680, 0x2000...0x200A, 0x202F, 0x205F, 0x3000: .space
        // Zero width space is in both tables; it is mapped before it could be prohibited.
        case 0x200B: .space
        case 0xAD, 0x34F, 0x1806, 0x180B...0x180D, 0x200C, 0x200D, 0x2060, 0xFE00...0xFE0F, 0xFEFF: .nothing
        case 0x00...0x1F, 0x7F...0x9F: .prohibited
        case 0x6DD, 0x70F, 0x180E, 0x2028, 0x2029, 0x2061...0x2063, 0x206A...0x206F, 0xFFF9...0xFFFC: .prohibited
        case 0x1D173...0x1D17A: .prohibited
        case 0xE000...0xF8FF, 0xF0000...0xFFFFD, 0x100000...0x10FFFD: .prohibited
        case 0xFDD0...0xFDEF, 0xFFFD: .prohibited
        case 0x2FF0...0x2FFB, 0x340, 0x341, 0x200E, 0x200F, 0x202A...0x202E: .prohibited
        case 0xE0001, 0xE0020...0xE007F: .prohibited
        case let value where value & 0xFFFE == 0xFFFE: .prohibited
        default: .itself
        }
    }
}
