import Tables

/// Answers the requests of the mail server from an engine. No input or output of its own; time comes in.
package struct TableServer<Engine: TableEngine> {
    /// What came of some requests.
    package struct Turn: Equatable {
        /// To be sent, in the order of the requests.
        package var output: [UInt8] = []
        /// For the operator; what has been said is not said again until something worked.
        package var remarks: [String] = []
    }

    private var engine: Engine
    private var connection = KeptConnection<Engine.Connection>()
    private var cycles: [TableService: ElementCycle] = [:]
    private let reload: () throws(ProgramSettings.Problem) -> Engine
    private var said: Set<String> = []

    /// - Parameter reload: Reads the settings again.
    package init(_ engine: Engine, reload: @escaping () throws(ProgramSettings.Problem) -> Engine) {
        self.engine = engine
        self.reload = reload
    }

    /// Answers requests, which are asked of the database together.
    package mutating func answer(_ requests: [ProgramRequest], at now: Duration) -> Turn {
        var turn = Turn()
        var rest = requests[...]
        while let first = rest.first {
            if first.kind == .update {
                rest = rest.dropFirst()
                turn.output += update(&turn).line(for: first)
            } else {
                let batch = rest.prefix { $0.kind != .update }.prefix(TableLimits.batch)
                rest = rest.dropFirst(batch.count)
                answer(batch: Array(batch), at: now, &turn)
            }
        }
        return turn
    }

    private mutating func answer(batch: [ProgramRequest], at now: Duration, _ turn: inout Turn) {
        // Each question once, though several may ask it.
        var questions: [ProgramQuestion] = []
        var places: [ProgramQuestion: Int] = [:]
        let asked = batch.map { request -> ProgramQuestion? in
            guard let question = question(for: request, at: now) else { return nil }
            if places[question] == nil {
                places[question] = questions.count
                questions.append(question)
            }
            return question
        }
        let service = engine
        let findings = questions.isEmpty ? [] : connection.find(questions, at: now) { () throws(TableFailure) in try service.connect() }
        // A finding about elements is for all requests of the batch that want the next one.
        for (question, finding) in zip(questions, findings) {
            if case .elements(let service) = question, case .success(let rows) = finding {
                fill(service, rows, at: now)
            }
        }
        for (request, question) in zip(batch, asked) {
            let answer = answer(request, question.flatMap { places[$0] }.map { findings[$0] })
            remark(answer, to: request, &turn)
            turn.output += answer.line(for: request)
        }
    }

    /// What the database must be asked for a request; nil when nothing.
    private mutating func question(for request: ProgramRequest, at now: Duration) -> ProgramQuestion? {
        guard let service = request.service, engine.services.contains(service) else { return nil }
        guard request.kind == .fetch else { return .key(service, request.key) }
        guard let policy = engine.fetching[service] else { return nil }
        return cycles[service, default: ElementCycle(policy)].isStale(at: now) ? .elements(service) : nil
    }

    private mutating func fill(_ service: TableService, _ rows: [TableRow], at now: Duration) {
        guard let policy = engine.fetching[service] else { return }
        // A value that is none leaves the cycle stale; the request is then answered with the reason.
        guard let elements = try? RowValue.elements(of: rows, for: service) else { return }
        cycles[service, default: ElementCycle(policy)].fill(elements, at: now)
    }

    private mutating func answer(_ request: ProgramRequest, _ finding: TableFinding?) -> ProgramAnswer {
        guard let service = request.service, engine.services.contains(service) else {
            return .failed("this table does not serve that")
        }
        do throws(TableFailure) {
            let rows = try finding?.get()
            switch request.kind {
            case .update: preconditionFailure("updates are answered apart")
            case .check: return rows?.isEmpty ?? true ? .notFound : .found(nil)
            case .lookup: return try RowValue.value(of: rows ?? [], for: service).map { .found($0) } ?? .notFound
            case .fetch:
                guard engine.fetching[service] != nil else { return .failed("\(service.name) cannot be fetched here") }
                if let rows { _ = try RowValue.elements(of: rows, for: service) }
                return cycles[service]?.next().map { .found($0) } ?? .notFound
            }
        } catch {
            return .failed(error.reason)
        }
    }

    /// What was said is remembered within bounds: a reason may hold the key, and keys come from strangers.
    private mutating func remark(_ answer: ProgramAnswer, to request: ProgramRequest, _ turn: inout Turn) {
        guard case .failed(let reason) = answer else { return said.removeAll() }
        if said.count >= TableLimits.batch { said.removeAll() }
        guard said.insert(reason).inserted else { return }
        turn.remarks.append(ProgramAnswer.harmless("\(request.service?.name ?? "?"): \(reason)"))
    }

    private mutating func update(_ turn: inout Turn) -> ProgramAnswer {
        do throws(ProgramSettings.Problem) {
            let new = try reload()
            guard new.services == engine.services else {
                throw .init("it now serves \(new.services.map(\.name).joined(separator: ", ")): restart the mail server for that")
            }
            engine = new
            connection = .init()
            cycles = [:]
            said = []
            return .updated
        } catch {
            turn.remarks.append("the configuration stays as it was: \(error)")
            return .failed("\(error)")
        }
    }
}
