/// A date and time as header fields write it (RFC 5322 section 3.3): `Mon, 1 Jan 2024 00:00:00 +0000 (UTC)`.
///
/// The moment, the offset and the zone's name come in from outside; nothing here knows a clock or a
/// time zone.
package struct MailDate: Hashable, Sendable {
    /// Seconds since 1970, UTC.
    package var seconds: Int64
    /// What local time is ahead of UTC, in seconds; written in whole minutes.
    package var offset: Int
    /// Such as `CET`; written as a comment, left out when empty.
    package var zoneName: String

    package init(seconds: Int64, offset: Int = 0, zoneName: String = "UTC") {
        self.seconds = seconds
        self.offset = offset
        self.zoneName = zoneName
    }

    /// The date with its zone. A moment outside the years 1900 to 9999, which the grammar cannot hold,
    /// becomes the nearest one inside.
    package var text: String {
        let minutes = min(max(offset / 60, -14 * 60), 14 * 60)
        let local = min(max(seconds, Self.first), Self.last) + Int64(minutes * 60)
        let days = Self.floorDivision(local, by: 86_400)
        let time = Int(local - days * 86_400)
        let (year, month, day) = Self.calendarDate(daysSince1970: days)
        let weekday = Int(Self.remainder(days + 4, by: 7))
        let clock = "\(Self.two(time / 3_600)):\(Self.two(time / 60 % 60)):\(Self.two(time % 60))"
        let zone = "\(minutes < 0 ? "-" : "+")\(Self.two(abs(minutes) / 60))\(Self.two(abs(minutes) % 60))"
        let date = "\(Self.weekdays[weekday]), \(day) \(Self.months[month - 1]) \(year) \(clock) \(zone)"
        return isPlainName ? "\(date) (\(zoneName))" : date
    }

    /// Only a name that needs no quoting goes into the comment.
    private var isPlainName: Bool {
        !zoneName.isEmpty
            && zoneName.utf8.allSatisfy { isASCIIAlphanumeric($0) || $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }
    }

    /// `2026-11-30T13:05:09Z` (RFC 3339), a moment in UTC; the nearest one inside for those outside the years 1900 to 9999.
    package static func timestamp(_ seconds: Int64) -> String {
        let seconds = min(max(seconds, first), last)
        let days = floorDivision(seconds, by: 86_400)
        let time = Int(seconds - days * 86_400)
        let (year, month, day) = calendarDate(daysSince1970: days)
        return "\(year)-\(two(month))-\(two(Int(day)))T\(two(time / 3_600)):\(two(time / 60 % 60)):\(two(time % 60))Z"
    }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    /// 2 Jan 1900 and 30 Dec 9999, so that no offset leaves the range.
    private static let first: Int64 = -2_208_902_400
    private static let last: Int64 = 253_402_214_399

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static func floorDivision(_ value: Int64, by divisor: Int64) -> Int64 {
        (value - remainder(value, by: divisor)) / divisor
    }

    private static func remainder(_ value: Int64, by divisor: Int64) -> Int64 {
        let rest = value % divisor
        return rest < 0 ? rest + divisor : rest
    }

    /// Gregorian year, month (1 to 12) and day. Counting in eras of 400 years that begin on 1 March puts
    /// the leap day last, so that no table of month lengths is needed.
    private static func calendarDate(daysSince1970 days: Int64) -> (year: Int64, month: Int, day: Int64) {
        let shifted = days + 719_468
        let era = floorDivision(shifted, by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = Int(monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9)
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}
