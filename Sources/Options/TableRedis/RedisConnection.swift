#if Redis
import CHiredis
import Glibc
import TableProgram
import Tables

/// A connection to a Redis server: all commands are sent before the first reply is waited for.
final class RedisConnection: TableConnection {
    private let commands: [TableService: CommandTemplate]
    // Made in the initializer and freed by deinit alone.
    private let handle: UnsafeMutablePointer<redisContext>

    init(
        _ server: ServerAddress, _ login: RedisEngine.Login, _ commands: [TableService: CommandTemplate]
    ) throws(TableFailure) {
        self.commands = commands
        let patience = timeval(tv_sec: login.connecting, tv_usec: 0)
        let handle = switch server.place {
        case .path(let path): redisConnectUnixWithTimeout(path, patience)
        case .host(let name, let port): redisConnectWithTimeout(name, CInt(port ?? 6379), patience)
        }
        guard let handle else { throw TableFailure("no memory") }
        self.handle = handle
        guard handle.pointee.err == 0 else { throw TableFailure(Self.words(of: handle)) }
        guard redisSetTimeout(handle, timeval(tv_sec: login.answering, tv_usec: 0)) == REDIS_OK else {
            throw TableFailure(Self.words(of: handle))
        }
        var greeting: [[String]] = []
        if let password = login.password { greeting.append(["AUTH"] + (login.user.map { [$0] } ?? []) + [password]) }
        if login.database != 0 { greeting.append(["SELECT", String(login.database)]) }
        for words in greeting { try append(words.map { Array($0.utf8) }) }
        for words in greeting {
            let reply = try self.reply()
            defer { freeReplyObject(reply) }
            if reply.pointee.type == REDIS_REPLY_ERROR { throw TableFailure("\(words[0]): \(Self.text(of: reply))") }
        }
    }

    deinit { redisFree(handle) }

    func find(_ questions: [ProgramQuestion]) throws(TableFailure) -> [TableFinding] {
        var sent: [Bool] = []
        for question in questions {
            guard case .key(let service, let key) = question, let command = commands[service] else {
                sent.append(false)
                continue
            }
            try append(command.words(for: key))
            sent.append(true)
        }
        var findings: [TableFinding] = []
        for (question, isSent) in zip(questions, sent) {
            guard isSent else {
                findings.append(.failure(TableFailure("there is no query for that")))
                continue
            }
            let reply = try self.reply()
            defer { freeReplyObject(reply) }
            findings.append(try Self.finding(reply, for: question.service))
        }
        return findings
    }

    private func append(_ words: [[UInt8]]) throws(TableFailure) {
        let flat = words.flatMap { $0 }.map(CChar.init(bitPattern:)) + [0]
        let lengths = words.map(\.count)
        let code = flat.withUnsafeBufferPointer { flat in
            // Each word begins where the one before ends; there is an octet at each of these places, the last is the NUL.
            var starts: [UnsafePointer<CChar>?] = []
            var offset = 0
            for length in lengths {
                starts.append(flat.baseAddress.map { $0 + offset })
                offset += length
            }
            return redisAppendCommandArgv(handle, CInt(words.count), &starts, lengths)
        }
        guard code == REDIS_OK else { throw TableFailure(Self.words(of: handle)) }
    }

    /// The next reply, for the caller to free.
    private func reply() throws(TableFailure) -> UnsafeMutablePointer<redisReply> {
        var reply: UnsafeMutableRawPointer?
        guard redisGetReply(handle, &reply) == REDIS_OK, let reply else { throw TableFailure(Self.words(of: handle)) }
        // What the library makes when nobody has given it another function.
        return reply.assumingMemoryBound(to: redisReply.self)
    }

    // MARK: Replies

    /// What a reply says: nothing, yes or no as a number, text, or a list that is a row or, for aliases, has a row in
    /// each element.
    private static func finding(
        _ reply: UnsafeMutablePointer<redisReply>, for service: TableService
    ) throws(TableFailure) -> TableFinding {
        switch reply.pointee.type {
        case REDIS_REPLY_NIL: return .success([])
        case REDIS_REPLY_INTEGER:
            let number = reply.pointee.integer
            return .success(number == 0 ? [] : [row(of: Array(String(number).utf8), service)])
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: return .success([row(of: octets(of: reply), service)])
        case REDIS_REPLY_ARRAY: return list(reply, for: service)
        case REDIS_REPLY_ERROR:
            let failure = TableFailure(text(of: reply))
            // A server that is still reading its data, or has lost its master: the other one may do.
            if ["LOADING", "MASTERDOWN", "NOAUTH"].contains(where: failure.reason.hasPrefix) { throw failure }
            return .failure(failure)
        default: return .failure(TableFailure("a reply of a kind that has no meaning here"))
        }
    }

    private static func list(_ reply: UnsafeMutablePointer<redisReply>, for service: TableService) -> TableFinding {
        let count = reply.pointee.elements
        guard count <= TableLimits.rows else { return .failure(TableFailure("more than \(TableLimits.rows) elements")) }
        var columns: TableRow = []
        for number in 0..<count {
            guard let element = reply.pointee.element[number] else { continue }
            switch element.pointee.type {
            case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: columns.append(octets(of: element))
            case REDIS_REPLY_INTEGER: columns.append(Array(String(element.pointee.integer).utf8))
            case REDIS_REPLY_NIL: columns.append(nil)
            default: return .failure(TableFailure("a list with elements that are no text"))
            }
        }
        // Fields of a key that is not there are all missing.
        guard columns.contains(where: { $0 != nil }) else { return .success([]) }
        if service.joinsRows { return .success(columns.filter { $0 != nil }.map { [$0] }) }
        return .success(service.columns == 1 ? [[columns[0]]] : [columns])
    }

    /// One text where several fields are wanted has them with colons between.
    private static func row(of text: [UInt8], _ service: TableService) -> TableRow {
        text.split(separator: UInt8(ascii: ":"), maxSplits: service.columns - 1, omittingEmptySubsequences: false).map(Array.init)
    }

    private static func octets(of reply: UnsafeMutablePointer<redisReply>) -> [UInt8] {
        UnsafeBufferPointer(start: reply.pointee.str, count: reply.pointee.len).map { UInt8(bitPattern: $0) }
    }

    private static func text(of reply: UnsafeMutablePointer<redisReply>) -> String { String(decoding: octets(of: reply), as: UTF8.self) }

    private static func words(of handle: UnsafeMutablePointer<redisContext>) -> String {
        // An array of C within the context, which the library ends with a NUL.
        withUnsafePointer(to: &handle.pointee.errstr) { text in
            text.withMemoryRebound(to: CChar.self, capacity: 128) { String(cString: $0) }
        }
    }
}
#endif
