/// Fields that several messages share, each checked as it is read.
import MailSyntax
import WireFormat

func writeAddress(_ address: MailAddress, into writer: inout WireWriter) {
    writer.write(address.localPart.bytes)
    writer.write(address.domain.bytes)
}

func readAddress(_ reader: inout WireReader) throws(WireError) -> MailAddress {
    let localPart = try readLocalPart(&reader)
    let domain = try reader.readBytes()
    do {
        return MailAddress(localPart, at: try Domain(validating: domain))
    } catch {
        throw .invalid("domain")
    }
}

func readLocalPart(_ reader: inout WireReader) throws(WireError) -> LocalPart {
    let bytes = try reader.readBytes()
    do {
        return try LocalPart(validating: bytes)
    } catch {
        throw .invalid("local part")
    }
}

/// A text that goes to the kernel or into an environment: no NUL, which would cut it off there.
func readSystemString(_ reader: inout WireReader) throws(WireError) -> String {
    let text = try reader.readString()
    guard !text.utf8.contains(0) else { throw .invalid("text with a NUL") }
    return text
}

/// A path that does not depend on where the agent stands.
func readPath(_ reader: inout WireReader) throws(WireError) -> String {
    let path = try readSystemString(&reader)
    guard path.utf8.first == UInt8(ascii: "/") else { throw .invalid("path that is not absolute") }
    return path
}
