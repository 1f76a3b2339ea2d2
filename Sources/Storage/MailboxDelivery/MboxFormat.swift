import Envelopes
import Glibc
import MailSyntax

/// One message as it stands in an mbox file: a `From ` line, the message with its own `From ` lines quoted,
/// an empty line.
struct MboxFormatter {
    /// How much of `From ` the current line has begun with; nil once it cannot become one.
    private var matched: Int? = 0
    private var endsInNewline = true

    private static let marker = Array("From ".utf8)

    /// `From SENDER DATE` and a line end. The null sender is written MAILER-DAEMON; blanks, which only quoted
    /// local parts have, become `_` since readers split the line at them.
    static func separator(sender: ReversePath, date: String) -> [UInt8] {
        var result = marker
        if let address = sender.address {
            result += address.bytes.map { $0 == 0x20 ? UInt8(ascii: "_") : $0 }
        } else {
            result += "MAILER-DAEMON".utf8
        }
        result.append(0x20)
        result += date.utf8
        result.append(UInt8(ascii: "\n"))
        return result
    }

    /// The next bytes of the message, with `>` before each `From ` that begins a line, however the chunks
    /// are cut.
    mutating func quoted(_ chunk: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(chunk.count + 16)
        for byte in chunk {
            if let count = matched {
                if byte == Self.marker[count] {
                    if count + 1 < Self.marker.count {
                        matched = count + 1
                        continue
                    }
                    result.append(UInt8(ascii: ">"))
                    result += Self.marker
                    matched = nil
                    continue
                }
                result += Self.marker[..<count]
                matched = nil
            }
            result.append(byte)
            if byte == UInt8(ascii: "\n") { matched = 0 }
        }
        if let last = chunk.last { endsInNewline = last == UInt8(ascii: "\n") }
        return result
    }

    /// What ends the message: the rest of a line held back, a missing line end, the empty line.
    mutating func end() -> [UInt8] {
        var result = Array(Self.marker[..<(matched ?? 0)])
        if !endsInNewline { result.append(UInt8(ascii: "\n")) }
        result.append(UInt8(ascii: "\n"))
        return result
    }
}

/// The date of a `From ` line as ctime(3) writes it, in English whatever the locale:
/// `Mon Jan  1 00:00:00 2024`.
func mboxDate(_ time: tm) -> String {
    func name(_ names: String, _ index: Int32) -> Substring {
        let all = names.split(separator: " ")
        return all.indices.contains(Int(index)) ? all[Int(index)] : "???"
    }
    func padded(_ number: Int32, _ fill: String) -> String { (number < 10 ? fill : "") + String(number) }
    return name("Sun Mon Tue Wed Thu Fri Sat", time.tm_wday) + " "
        + name("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", time.tm_mon) + " "
        + padded(time.tm_mday, " ") + " " + padded(time.tm_hour, "0") + ":" + padded(time.tm_min, "0") + ":"
        + padded(time.tm_sec, "0") + " " + String(time.tm_year + 1900)
}

/// The same for a moment, in the machine's time zone.
func mboxDate(_ moment: Timestamp) -> String {
    var time = tm()
    var seconds = time_t(moment.seconds)
    guard localtime_r(&seconds, &time) != nil else { return mboxDate(Timestamp(seconds: 0)) }
    return mboxDate(time)
}
