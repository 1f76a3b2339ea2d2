import MailSyntax

/// Cutting the client's octets into command lines.
extension ServerSession {
    /// Octets of a refused command that are kept for the log.
    static let noteLength = 256

    /// Gives back the memory of a large read, so that an idle session costs little.
    mutating func releaseInput() {
        guard position == input.count, input.capacity > 4_096 else { return }
        input = []
        position = 0
    }

    /// Passes over a chunk that nobody wants; false when more of it has to come.
    mutating func discardChunk() -> Bool {
        let count = min(chunkToDiscard, Int64(input.count - position))
        position += Int(count)
        chunkToDiscard -= count
        return chunkToDiscard == 0
    }

    /// Carries out the next command line; false when none is complete.
    mutating func executeLine() -> Bool {
        if isDiscardingLine {
            guard let feed = input[position...].firstIndex(of: 0x0A) else {
                position = input.count
                return false
            }
            position = feed + 1
            isDiscardingLine = false
        }
        let limit = lengthLimit(of: input[position...].prefix(8))
        let window = input[position...].prefix(limit)
        guard let feed = window.firstIndex(of: 0x0A) else {
            guard window.count == limit else { return false }
            // One reply for one line, however long it goes on.
            currentLine = loggable(window)
            isDiscardingLine = true
            if case .awaitingResponse(let name) = state {
                endExchange(name, .authenticationLineTooLong)
            } else {
                refuseCommand(.commandLineTooLong)
            }
            return true
        }
        var line = window[..<feed]
        position = feed + 1
        progress &+= 1
        currentLine = loggable(line.last == 0x0D ? line.dropLast() : line)
        if line.last == 0x0D {
            line = line.dropLast()
        } else if !settings.acceptsBareLineFeed {
            refuseLine(.bareLineFeed)
            return true
        }
        guard !line.contains(where: { $0 < 0x20 || $0 == 0x7F }) else {
            refuseLine(.controlCharacter)
            return true
        }
        tellLine(line)
        if case .awaitingResponse(let name) = state {
            takeResponse(line, from: name)
            return true
        }
        do throws(Command.SyntaxError) {
            execute(try Command(parsing: line))
        } catch {
            refuse(line, for: error)
            // How many octets of content follow is unknown, and they must not be taken for commands.
            if error == .malformedChunk { end(.protocolViolation, reply: nil) }
        }
        return true
    }

    /// Refuses a line for its form; an exchange that it answers is over.
    private mutating func refuseLine(_ reply: Reply) {
        guard case .awaitingResponse(let name) = state else { return refuseCommand(reply) }
        endExchange(name, reply)
    }

    /// Refuses a command for its syntax or its order.
    mutating func refuseCommand(_ reply: Reply) {
        badCommands += 1
        guard badCommands <= settings.limits.badCommands else {
            note(.tooManyBadCommands)
            return end(.tooManyBadCommands, reply: .tooManyBadCommands)
        }
        note(reply)
        pending.append(.reply(reply))
    }
}
