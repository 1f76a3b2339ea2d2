import Envelopes
import Glibc
import Platform

/// What the end of a delivery command means: 0 is delivered if it took the whole message, 71 (EX_OSERR) and
/// 75 (EX_TEMPFAIL) are tried again, any other status sends the message back, a signal is tried again, also one
/// that ended a program of the shell's, which reports it as 128 and its number.
///
/// - Parameters:
///   - tookWholeMessage: Whether all of the message went into its standard input.
///   - ended: Why we ended it; nil when we did not.
///   - lastLine: The last line of its output, empty for none.
///   - everyFailureIsTemporary: 5.4 grammar.
func commandOutcome(
    _ status: ExitStatus, tookWholeMessage: Bool, ended: CommandDelivery.EndReason?, lastLine: String, everyFailureIsTemporary: Bool
) -> DeliveryOutcome {
    func temporary(_ text: String) -> DeliveryOutcome { .temporary(DeliveryFailure(status: "4.3.0", text: text)) }
    switch ended {
    case .timeout: return temporary("terminated; timeout")
    case .shutdown: return temporary("terminated; the mail server stops")
    case nil: break
    }
    switch status {
    case .exited(0):
        guard tookWholeMessage else { return temporary("mda exited prematurely") }
        return .delivered("Delivered")
    case .exited(let code):
        if let number = signal(in: code) { return temporary("terminated; signal \(number)") }
        let text = lastLine.isEmpty ? "exited abnormally" : "\"\(lastLine)\""
        if everyFailureIsTemporary || code == EX_OSERR || code == EX_TEMPFAIL { return temporary(text) }
        return .permanent(DeliveryFailure(status: permanentStatus(code), text: text))
    case .signalled(let number):
        return temporary("terminated; signal \(number)")
    }
}

/// The signal that a shell's exit status stands for. Killed by somebody or out of memory, the program has said
/// nothing about the message.
private func signal(in code: CInt) -> CInt? { (1...64).contains(code - 128) ? code - 128 : nil }

/// The status code for the exit statuses of sysexits.h that say something about the recipient.
private func permanentStatus(_ code: CInt) -> String {
    switch code {
    case EX_NOUSER: "5.1.1"
    case EX_NOHOST: "5.1.2"
    case EX_NOPERM: "5.7.0"
    default: "5.3.0"
    }
}

/// The last line that is not blank of a stream of output, in bounded memory.
struct LastLine {
    private var line: [UInt8] = []
    private var isComplete = false

    /// The longest line kept, in bytes; the rest of a longer one is dropped.
    private static let limit = 400

    mutating func append(_ bytes: [UInt8]) {
        for byte in bytes {
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") {
                isComplete = true
            } else if isComplete, byte == 0x20 || byte == 0x09 {
                // Blanks do not begin a line that would replace the last one.
                continue
            } else {
                if isComplete { line.removeAll(keepingCapacity: true) }
                isComplete = false
                if line.count < Self.limit { line.append(byte) }
            }
        }
    }

    var text: String { printable(line) }
}
