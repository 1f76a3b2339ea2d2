import ControlMessages
import Glibc
import JSON
import Platform

/// `top`: the daemon live on the terminal, looked at each second. `q` ends it. Elsewhere than on a terminal one picture is
/// printed, after a second in which rates are measured.
enum Top {
    static func run(_ output: Output) -> Never {
        var observer = Observer(output)
        var last = observer.statistics()
        guard isatty(STDOUT_FILENO) == 1, isatty(STDIN_FILENO) == 1, !output.asJSON else {
            sleep(1)
            let picture = Picture(now: observer.statistics(), last: last, routes: observer.ask(.show(.routes, asJSON: false)))
            output.say(picture.lines(width: 100, height: 1_000).joined(separator: "\n"), picture.json)
            exit(0)
        }
        var before = termios()
        guard tcgetattr(STDIN_FILENO, &before) == 0 else { output.fail("smtpctl: no terminal") }
        var raw = before
        // Keys come one by one and unseen, the interrupt among them: the terminal is put right before the end.
        raw.c_lflag &= ~tcflag_t(ICANON | ECHO | ISIG)
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw)
        output.write(Array("\u{1B}[?1049h\u{1B}[?25l".utf8))
        repeat {
            let now = observer.statistics()
            let picture = Picture(now: now, last: last, routes: observer.ask(.show(.routes, asJSON: false)))
            last = now
            let (width, height) = size()
            let text = picture.lines(width: width, height: height - 1).map { $0 + "\u{1B}[K" }.joined(separator: "\r\n")
            output.write(Array("\u{1B}[H\(text)\u{1B}[J".utf8))
        } while !isToldToEnd()
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before)
        output.write(Array("\u{1B}[?25h\u{1B}[?1049l".utf8))
        exit(0)
    }

    private static func size() -> (width: Int, height: Int) {
        var window = winsize()
        guard ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &window) == 0, window.ws_col > 0, window.ws_row > 0 else { return (80, 24) }
        return (Int(window.ws_col), Int(window.ws_row))
    }

    /// Waits a second for a key: `q`, Ctrl-C or an end of input.
    private static func isToldToEnd() -> Bool {
        var request = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&request, 1, 1_000) > 0 else { return false }
        var key: UInt8 = 0
        return read(STDIN_FILENO, &key, 1) < 1 || key == UInt8(ascii: "q") || key == 3
    }

    /// What is shown at one moment.
    struct Picture {
        private let now: Statistics
        private let last: Statistics
        private let routes: [String]

        /// - Parameters:
        ///   - last: The counters a second before.
        ///   - routes: Lines of `show routes`.
        init(now: Statistics, last: Statistics, routes: [UInt8]) {
            self.now = now
            self.last = last
            self.routes = routes.split(separator: 0x0A).map { String(decoding: $0, as: UTF8.self) }
        }

        private func rate(_ key: String) -> Int64 { max(0, now[key] - last[key]) }

        func lines(width: Int, height: Int) -> [String] {
            let head = [
                "smtpd up \(Self.days(now["uptime"]))    sessions \(now["smtp.session.open"]) open, "
                    + "\(rate("smtp.session") + rate("smtp.session.local"))/s    relaying \(now["mta.session"]) sessions, "
                    + "\(now["mta.route"]) routes",
                "queue    \(now["scheduler.envelope"]) envelopes of \(now["queue.message"]) messages, "
                    + "\(now["scheduler.envelope.inflight"]) under delivery, \(now["scheduler.ramqueue.hold"]) held",
                "mail/s   \(rate("queue.commit")) in, \(rate("scheduler.delivery.ok")) delivered, "
                    + "\(rate("scheduler.delivery.tempfail")) deferred, "
                    + "\(rate("scheduler.delivery.permfail") + rate("scheduler.delivery.loop")) failed, "
                    + "\(rate("scheduler.envelope.expired")) expired",
                "local    \(now["mda.running"]) agents of \(now["mda.user"]) users, \(now["mda.envelope"]) envelopes    "
                    + "relay \(now["mta.envelope"]) envelopes, \(now["mta.task.running"]) messages under way",
                "",
                routes.isEmpty ? "no routes" : "routes",
            ]
            let lines = head + routes
            let shown = lines.count > height ? lines.prefix(max(0, height - 1)) + ["... \(lines.count - height + 1) more"] : lines[...]
            return shown.map { String($0.unicodeScalars.prefix(width).map(Character.init)) }
        }

        var json: JSONValue {
            .object([
                "uptime": .integer(now["uptime"]), "sessions": .integer(now["smtp.session.open"]),
                "envelopes": .integer(now["scheduler.envelope"]), "messages": .integer(now["queue.message"]),
                "inflight": .integer(now["scheduler.envelope.inflight"]), "held": .integer(now["scheduler.ramqueue.hold"]),
                "accepted_per_second": .integer(rate("queue.commit")),
                "delivered_per_second": .integer(rate("scheduler.delivery.ok")),
                "deferred_per_second": .integer(rate("scheduler.delivery.tempfail")),
                "failed_per_second": .integer(rate("scheduler.delivery.permfail") + rate("scheduler.delivery.loop")),
                "relay_sessions": .integer(now["mta.session"]), "routes": .integer(now["mta.route"]),
            ])
        }

        private static func days(_ seconds: Int64) -> String {
            let (days, rest) = max(0, seconds).quotientAndRemainder(dividingBy: 86_400)
            func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
            return (days > 0 ? "\(days)d " : "") + "\(two(rest / 3_600)):\(two(rest / 60 % 60)):\(two(rest % 60))"
        }
    }
}
