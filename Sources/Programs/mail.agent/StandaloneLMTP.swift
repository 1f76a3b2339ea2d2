/// `mail.lmtp`: one message to an LMTP server for one or more of its users. Exit status 0, 75 to try again,
/// 69 when the server refuses a recipient for good.
import Envelopes
import Glibc
import MailSyntax
import MailboxDelivery
import Platform
import SMTPProtocol

/// `mail.lmtp [-d destination] [-l lhlo] [-f from] -r | -u | user...`
func deliverToLMTP(_ arguments: ArraySlice<String>) -> Never {
    let program = "mail.lmtp"
    guard let options = Options(arguments, flags: "ru", values: "dlf"), options.flags.count <= 1 else { usage() }
    var users = options.operands
    if let flag = options.flags.first {
        guard users.isEmpty else { usage() }
        let variable = flag == "r" ? "RECIPIENT" : "USER"
        guard let value = environmentVariable(variable) else { Diagnostics.fail("\(program): \(variable) is not set", code: EX_TEMPFAIL) }
        users = [value]
    }
    guard !users.isEmpty else { usage() }
    let text = options.values["d"] ?? "localhost"
    guard let destination = LMTPDestination(text) else {
        Diagnostics.fail("\(program): invalid destination \(printable(text))", code: EX_TEMPFAIL)
    }
    let helo: Domain
    do throws(AddressSyntaxError) {
        helo = try options.values["l"].map { (name) throws(AddressSyntaxError) in try Domain(validating: Array(name.utf8)) } ?? localHost
    } catch {
        Diagnostics.fail("\(program): invalid host name for LHLO", code: EX_TEMPFAIL)
    }
    let from = sender(program, options.values["f"] ?? environmentVariable("SENDER"))
    let (message, size) = messageAndSize(program)
    let delivery = LMTPDelivery.Delivery(
        message: message, sender: from, recipients: users.map { recipient(program, $0) }, size: size)
    let outcomes = LMTPDelivery(to: destination, helo: helo).deliver([delivery]).flatMap { $0 }
    // What may still succeed decides: a second attempt repeats all recipients.
    let worst = outcomes.first { if case .temporary = $0 { true } else { false } }
        ?? outcomes.first { if case .delivered = $0 { false } else { true } } ?? .delivered("")
    finish(program, worst, permanent: EX_UNAVAILABLE)
}

private func usage() -> Never {
    Diagnostics.fail("usage: mail.lmtp [-d destination] [-l lhlo] [-f from] -r | -u | user ...", code: EX_TEMPFAIL)
}

private func recipient(_ program: String, _ text: String) -> OutgoingMessage.Path {
    do throws(AddressSyntaxError) {
        let bytes = Array(text.utf8)
        guard bytes.contains(UInt8(ascii: "@")) else { return .user(try LocalPart(validating: bytes)) }
        return .address(try address(text, completedBy: localHost))
    } catch {
        Diagnostics.fail("\(program): invalid recipient \(printable(text))", code: EX_TEMPFAIL)
    }
}

/// The message and its size, which has to be known before the first octet is sent: what is no file is copied
/// to one.
private func messageAndSize(_ program: String) -> (MessageSource, Int64) {
    let input = standardInput()
    do throws(SystemError) {
        let status = try Files.status(input.descriptor)
        if status.isRegular {
            let start = Int64(try checked("lseek") { lseek(STDIN_FILENO, 0, SEEK_CUR) })
            let size = max(0, status.size - start)
            return (MessageSource(.extent(input, offset: start, size: size)), size)
        }
        var template = Array("/tmp/mail.lmtp.XXXXXXXXXX".utf8CString)
        let raw = try checked("mkstemp") { mkstemp(&template) }
        let copy = OwnedDescriptor(adopting: raw)
        _ = try checked("unlink") { unlink(template) }
        let source = MessageSource(.stream(input))
        var size: Int64 = 0
        while let chunk = try source.next() {
            try Files.writeAll(copy, chunk)
            size += Int64(chunk.count)
        }
        return (MessageSource(.extent(SharedDescriptor(copy), offset: 0, size: size)), size)
    } catch {
        Diagnostics.fail("\(program): \(error)", code: EX_TEMPFAIL)
    }
}
