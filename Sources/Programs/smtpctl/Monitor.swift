import Glibc
import JSON

/// `monitor`: a line of counters each second, until it is interrupted.
enum Monitor {
    static func run(_ output: Output) -> Never {
        var observer = Observer(output)
        var last: Statistics?
        var line = 0
        while true {
            let now = observer.statistics()
            let row = Row(now, since: last)
            if output.asJSON {
                output.write(row.json)
            } else {
                if line % Row.linesBetweenHeaders == 0 { output.write(Array(((line > 0 ? "\n" : "") + Row.header).utf8)) }
                output.write(Array((row.text + "\n").utf8))
            }
            last = now
            line += 1
            sleep(1)
        }
    }

    /// What one line shows: numbers of now, and what has been added since the line before; the first has totals.
    struct Row: Equatable {
        static let linesBetweenHeaders = 25
        static let header = """
            --- client ---  -- envelope --   ---- relay/delivery --- ------- misc -------
            curr conn disc  curr  enq  deq   ok tmpfail prmfail loop expire remove bounce

            """
        private static let widths = [4, 5, 5, 6, 5, 5, 5, 8, 8, 5, 7, 7, 7]
        private static let names = [
            "clients", "connected", "disconnected", "envelopes", "enqueued", "dequeued", "ok", "tempfail", "permfail", "loop",
            "expired", "removed", "bounces",
        ]

        let numbers: [Int64]

        init(_ now: Statistics, since last: Statistics?) {
            func added(_ value: (Statistics) -> Int64) -> Int64 { value(now) - (last.map(value) ?? 0) }
            func sessions(_ statistics: Statistics) -> Int64 { statistics.sum("smtp.session", "smtp.session.local") }
            numbers = [
                now["smtp.session.open"], added(sessions), added { sessions($0) - $0["smtp.session.open"] },
                now["scheduler.envelope"], added { $0["scheduler.envelope.incoming"] },
                added {
                    $0.sum(
                        "scheduler.delivery.ok", "scheduler.delivery.permfail", "scheduler.delivery.loop",
                        "scheduler.envelope.expired", "scheduler.envelope.removed")
                },
                added { $0["scheduler.delivery.ok"] }, added { $0["scheduler.delivery.tempfail"] },
                added { $0["scheduler.delivery.permfail"] }, added { $0["scheduler.delivery.loop"] },
                added { $0["scheduler.envelope.expired"] }, added { $0["scheduler.envelope.removed"] },
                added { $0["queue.bounce"] },
            ]
        }

        var text: String {
            zip(numbers, Self.widths).map { number, width in
                let digits = String(number)
                return String(repeating: " ", count: max(0, width - digits.utf8.count)) + digits
            }.joined()
        }

        var json: JSONValue { .object(zip(Self.names, numbers).map { .init($0, .integer($1)) }) }
    }
}
