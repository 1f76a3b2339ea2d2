import ServerTesting
import Testing

/// What every engine of SQL answers from ``SampleData``.
func expectSampleAnswers(_ program: RunningProgram) throws {
    #expect(program.services == ["alias", "domain", "credentials", "userinfo", "source", "mailaddr"])
    // All of them at once, the missing table in the middle.
    #expect(try program.ask([
        "lookup|alias|ada", "lookup|alias|nobody", "check|alias|ada", "check|mailaddr|x", "lookup|alias|o'brien|x",
        "lookup|alias|j\u{FC}rgen", "lookup|credentials|ada", "lookup|userinfo|ada", "check|domain|example.org",
        "check|domain|example.com", "lookup|alias|' OR 1=1 --", "lookup|netaddr|x",
    ]).map { $0.hasPrefix("error|query_mailaddr") ? "error|query_mailaddr" : $0 } == [
        "found|bob, carl, dora", "not-found", "found", "error|query_mailaddr", "found|olga", "found|j@example.org",
        "found|ada:$6$salt$hash:x", "found|1000:100:/home/ada", "found", "not-found", "not-found",
        "error|this table does not serve that",
    ])
    #expect(try program.ask(["fetch|source|", "fetch|source|", "fetch|source|"]) == ["found|192.0.2.1", "found|192.0.2.2", "found|192.0.2.1"])
    for answer in try program.ask(SampleData.hostile) { #expect(answer.hasPrefix("error|")) }
    #expect(try program.ask("update||") == "ok")
    #expect(try program.ask("lookup|alias|ada") == "found|bob, carl, dora")
    // Far more than one batch.
    let many = (0..<500).map { $0 % 2 == 0 ? "lookup|alias|ada" : "lookup|alias|nobody\($0)" }
    #expect(try program.ask(many) == (0..<500).map { $0 % 2 == 0 ? "found|bob, carl, dora" : "not-found" })
    #expect(program.errors.contains("people: alias: "))
    #expect(try program.end() == .exited(0))
}

/// Asks again and again while a server ends and comes back, and never hears that something that is there is not.
func expectSurvival(_ program: RunningProgram, of server: DatabaseServer, _ request: String, _ answer: String) async throws {
    let isOver = Flag()
    let seen = Shared<[String: Int]>([:])
    let asking = TestThread {
        while !isOver.isSet {
            let answers = (try? program.ask(Array(repeating: request, count: 10) + ["lookup|alias|nobody"])) ?? ["ended"]
            for answer in answers { seen.with { $0[answer, default: 0] += 1 } }
            if answers == ["ended"] { return }
        }
    }
    try await eventually("answers") { seen.current[answer, default: 0] > 100 }
    for _ in 0..<2 {
        try server.stop()
        // Somebody must notice that it is away.
        try await eventually("a failure") { seen.current.keys.contains { $0.hasPrefix("error|") } }
        try await server.start()
        let before = seen.current[answer, default: 0]
        try await eventually("answers of the new server") { seen.current[answer, default: 0] > before + 20 }
    }
    isOver.set()
    try await asking.finished()
    let other = seen.current.keys.filter { $0 != answer && $0 != "not-found" && !$0.hasPrefix("error|") }
    #expect(other == [])
    // `nobody` is asked once in eleven, and is the only one who is not found.
    #expect(seen.current["not-found", default: 0] * 10 <= seen.current[answer, default: 0])
    #expect(try program.ask([request, "lookup|alias|nobody"]) == [answer, "not-found"])
    #expect(try program.end() == .exited(0))
}
