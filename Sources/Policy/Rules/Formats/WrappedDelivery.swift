import Configuration
import Envelopes

/// A delivery inside an `mda wrapper`: the delivery program that does the work, and the wrapper's command
/// around it.
///
/// Whatever a wrapper does with `%{mda}`, it hands it to a shell, so values that strangers choose are words
/// for a shell here, in paths as well.
package struct WrappedDelivery {
    private let wrapper: String
    private let programs: String
    private let values: FormatValues
    private let generation: Generation

    /// - Parameters:
    ///   - wrapper: The command template of `mda wrapper`.
    ///   - programs: The directory of `mail.maildir`, `mail.mboxfile`, `mail.lmtp` and `mail.mda`.
    package init(wrapper: String, programs: String, values: FormatValues, generation: Generation) {
        self.wrapper = wrapper
        self.programs = programs
        self.values = values
        self.generation = generation
    }

    /// The line for the shell; nil for what no program delivers: mailboxes of the system, to which the user
    /// alone has no access, and actions that deliver nothing.
    ///
    /// - Throws: When the path, the command or the wrapper cannot be expanded for this message.
    package func line(
        _ delivery: LocalDelivery.Method, by method: LocalAction.Method
    ) throws(FormatTemplate.FormatError) -> String? {
        guard let inner = try inner(delivery, by: method) else { return nil }
        var values = values
        values.command = inner
        return try FormatTemplate(wrapper, generation: generation).expand(values, for: .command)
    }

    private func inner(
        _ delivery: LocalDelivery.Method, by method: LocalAction.Method
    ) throws(FormatTemplate.FormatError) -> String? {
        switch delivery {
        case .pipe(let line): return program("mail.mda", Self.quoted(line))
        // The sender comes out as one word without a character that a shell would read.
        case .file(let path): return program("mail.mboxfile", "-f", try expand("%{mbox.from}"), Self.quoted(path))
        case .action: break
        }
        switch method {
        case .maildir(let template, let junk):
            let path = Self.quoted(try expand(template ?? "~/Maildir"))
            return junk ? program("mail.maildir", "-j", path) : program("mail.maildir", path)
        case .lmtp(let destination, let usesRecipientAddress):
            return program("mail.lmtp", "-d", Self.quoted(try expand(destination)), usesRecipientAddress ? "-r" : "-u")
        case .command(let template): return program("mail.mda", Self.quoted(try expand(template)))
        case .mbox, .forwardOnly, .expandOnly: return nil
        }
    }

    private func expand(_ template: String) throws(FormatTemplate.FormatError) -> String {
        try FormatTemplate(template, generation: generation).expand(values, for: .command)
    }

    private func program(_ name: String, _ arguments: String...) -> String {
        ([Self.quoted("\(programs)/\(name)")] + arguments).joined(separator: " ")
    }

    /// The text as one word for a shell, whatever is in it.
    static func quoted(_ text: String) -> String {
        var result = "'"
        for scalar in text.unicodeScalars {
            if scalar == "'" { result += "'\\''" } else { result.unicodeScalars.append(scalar) }
        }
        return result + "'"
    }
}
