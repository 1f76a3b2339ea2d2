/// Writing an address field anew for one mailbox.
extension AddressListParser {
    /// A field body with one mailbox: the display name of the first one here, and the address given.
    ///
    /// Of a list, a group or what is no address list at all nothing but that name is left, and the name only
    /// when it ends where an address begins: what stays can then hold no address of its own.
    ///
    /// - Parameter body: What follows the colon of the field, folded or not, with its line end.
    package static func masqueraded(_ body: [UInt8], as address: MailAddress) -> [UInt8] {
        var result = displayName(body) ?? [0x20]
        result.append(UInt8(ascii: "<"))
        result += address.bytes
        result += [UInt8(ascii: ">"), 0x0A]
        return result
    }

    /// What stands before the first `<`, white space and comments included.
    private static func displayName(_ body: [UInt8]) -> [UInt8]? {
        var scanner = AddressListScanner(body)
        while scanner.position < body.count {
            switch body[scanner.position] {
            case UInt8(ascii: "<"):
                return Array(body[..<scanner.position])
            case UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: ">"):
                return nil
            default:
                do throws(AddressSyntaxError) {
                    // An `@` outside quotes would make of the name an address to some readers.
                    if case .at? = try scanner.token() { return nil }
                } catch {
                    return nil
                }
            }
        }
        return nil
    }
}
