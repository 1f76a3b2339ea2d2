import JSON
@testable import smtpctl
import Testing

@Suite("monitor, top and completions") struct LiveTests {
    private func statistics(_ text: String) -> Statistics { Statistics(text.split(separator: " ").joined(separator: "\n").utf8) }

    @Test func `a line of monitor has 13 numbers under their headers`() {
        let row = Monitor.Row(
            statistics("smtp.session=9 smtp.session.local=3 smtp.session.open=2 scheduler.envelope=40 scheduler.envelope.incoming=50 scheduler.delivery.ok=5 scheduler.delivery.tempfail=6 scheduler.delivery.permfail=1 scheduler.delivery.loop=2 scheduler.envelope.expired=1 scheduler.envelope.removed=1 queue.bounce=4"),
            since: nil)
        #expect(row.numbers == [2, 12, 10, 40, 50, 10, 5, 6, 1, 2, 1, 1, 4])
        #expect(row.text == "   2   12   10    40   50   10    5       6       1    2      1      1      4")
        let header = Monitor.Row.header.split(separator: "\n")
        #expect(header.map(\.utf8.count) == [77, 77] && row.text.utf8.count == 77)
        guard case .object(let members) = row.json else { return #expect(Bool(false)) }
        #expect(members.count == 13 && Set(members.map(\.name)).count == 13)
    }

    @Test func `later lines show what was added, and the numbers of now`() {
        let first = statistics("smtp.session=9 smtp.session.open=2 scheduler.envelope=40 scheduler.delivery.ok=5")
        let second = statistics("smtp.session=12 smtp.session.open=1 scheduler.envelope=38 scheduler.delivery.ok=9")
        #expect(Monitor.Row(second, since: first).numbers == [1, 3, 4, 38, 0, 4, 4, 0, 0, 0, 0, 0, 0])
        #expect(Monitor.Row(first, since: first).numbers == [2, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    }

    @Test func `a picture fits its terminal, whatever the routes are`() {
        let routes = (1...100).map { "\($0). [] <-> 192.0.2.\($0) (\(String(repeating: "n", count: 300))) ----\n" }.joined()
        for (width, height) in [(80, 24), (20, 5), (1, 1), (300, 200)] {
            let picture = Top.Picture(now: statistics("uptime=90061"), last: statistics(""), routes: Array(routes.utf8))
            let lines = picture.lines(width: width, height: height)
            #expect(lines.count <= height && lines.allSatisfy { $0.unicodeScalars.count <= width })
        }
        let lines = Top.Picture(now: statistics("uptime=90061 queue.commit=8"), last: statistics("queue.commit=3"), routes: []).lines(width: 200, height: 24)
        #expect(lines[0].hasPrefix("smtpd up 1d 01:01:01 ") && lines[2].hasPrefix("mail/s   5 in, "))
    }

    @Test(arguments: ["bash", "zsh", "fish"])
    func `every keyword is in the script of a shell`(_ shell: String) {
        let script = Completions.script(for: shell, commands: Commands.all)
        for command in Commands.all {
            for case .word(let word) in command.tokens { #expect(script.contains(word), "\(word)") }
        }
        #expect(script.hasSuffix("\n"))
    }
}
