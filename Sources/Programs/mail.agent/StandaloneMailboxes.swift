/// `mail.maildir` and `mail.mboxfile`: one message into a mailbox. Exit status 0, 75 to try again, 1 for
/// mistakes in the call.
import Envelopes
import Glibc
import MailSyntax
import MailboxDelivery
import Platform

/// `mail.maildir [-j] [directory]`
func deliverToMaildir(_ arguments: ArraySlice<String>) -> Never {
    let program = "mail.maildir"
    guard let options = Options(arguments, flags: "j", values: ""), options.operands.count <= 1 else {
        Diagnostics.fail("usage: mail.maildir [-j] [directory]")
    }
    let path: String
    if let operand = options.operands.first {
        guard !operand.isEmpty else { Diagnostics.fail("\(program): empty path") }
        path = absolutePath(program, operand)
    } else {
        guard let home = environmentVariable("HOME"), home.hasPrefix("/") else {
            Diagnostics.fail("\(program): HOME is not set to an absolute path")
        }
        path = home + "/Maildir"
    }
    guard path.utf8.count < PATH_MAX else { Diagnostics.fail("\(program): path too long") }
    let random: UInt32
    do throws(SystemError) {
        random = try ThisProcess.randomBytes(4).reduce(0) { $0 << 8 | UInt32($1) }
    } catch {
        Diagnostics.fail("\(program): \(error)", code: EX_TEMPFAIL)
    }
    let name = MaildirName(now: Timestamp(seconds: Int64(time(nil))), random: random, host: hostName(program))
    let delivery = Maildir.Delivery(
        message: MessageSource(.stream(standardInput())), path: path, name: name,
        subaddress: environmentVariable("EXTENSION"), filesJunk: options.flags.contains("j"))
    // One delivery, one result.
    finish(program, Maildir().deliver([delivery])[0], permanent: 1)
}

/// `mail.mboxfile [-f sender] file`
func deliverToMboxFile(_ arguments: ArraySlice<String>) -> Never {
    let program = "mail.mboxfile"
    guard let options = Options(arguments, flags: "", values: "f"), options.operands.count == 1,
        let file = options.operands.first, !file.isEmpty
    else { Diagnostics.fail("usage: mail.mboxfile [-f sender] file") }
    let path = absolutePath(program, file)
    guard path.utf8.count < PATH_MAX else { Diagnostics.fail("\(program): path too long") }
    let delivery = Mbox.Delivery(
        message: MessageSource(.stream(standardInput())), sender: sender(program, options.values["f"]))
    finish(program, Mbox(path: path, kind: .file).deliver([delivery])[0], permanent: 1)
}

/// The sender of an option or variable: nothing, `<>` and MAILER-DAEMON stand for the null sender, brackets
/// are taken off, and a bare user is one of this host.
func sender(_ program: String, _ text: String?) -> ReversePath {
    guard var text, text != "", text != "<>", text != "MAILER-DAEMON" else { return .null }
    if text.hasPrefix("<"), text.hasSuffix(">") { text = String(text.dropFirst().dropLast()) }
    do throws(AddressSyntaxError) {
        let domain = (try? Domain(validating: Array(hostName(program).utf8))) ?? localHost
        return .mailbox(try address(text, completedBy: domain))
    } catch {
        Diagnostics.fail("\(program): invalid sender \(printable(text))")
    }
}

/// An address by its grammar, or split at its last `@`: the environment of deliveries has addresses without
/// the quotes of SMTP, and mail must not bounce because its sender needs them.
func address(_ text: String, completedBy domain: Domain) throws(AddressSyntaxError) -> MailAddress {
    let bytes = Array(text.utf8)
    do throws(AddressSyntaxError) {
        return try MailAddress(parsing: bytes, completedBy: domain)
    } catch {
        guard let at = bytes.lastIndex(of: UInt8(ascii: "@")), !bytes.contains(UInt8(ascii: "\"")) else { throw error }
        return MailAddress(
            try LocalPart(validating: Array(bytes[..<at])), at: try Domain(validating: Array(bytes[(at + 1)...])))
    }
}
