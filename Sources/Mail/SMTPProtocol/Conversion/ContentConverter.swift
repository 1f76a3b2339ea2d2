import MailSyntax

/// Makes a message ASCII for a server that takes no eight bits (RFC 6152 section 3): parts of text become
/// quoted-printable, others base64, and their headers say so.
///
/// A message that is none of MIME becomes one, of text in a character set nobody named (RFC 1428). Octets outside
/// ASCII in headers are left as they are, for nobody knows what they mean; where no reader looks, they become `?`.
/// Runs over the same octets as the ``ContentSurvey`` that made the plan.
package struct ContentConverter: Sendable {
    private enum Body: Sendable {
        case kept
        case quotedPrintable(QuotedPrintableEncoder)
        case base64(Base64LineEncoder)
    }

    private let plan: ConversionPlan
    private var walker = EntityWalker()
    private var lines = LineCutter()
    private var entities = 0
    private var body = Body.kept

    package init(_ plan: ConversionPlan) { self.plan = plan }

    /// Takes the next piece of the message, lines ended by LF, and gives what to send of it.
    package mutating func take(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        output.reserveCapacity(bytes.count + bytes.count / 3)
        lines.append(bytes)
        while let line = lines.next() { take(line: line, onto: &output) }
        return output
    }

    /// Ends the message and gives the last octets.
    package mutating func finish() -> [UInt8] {
        var output: [UInt8] = []
        if let line = lines.rest() { take(line: line, onto: &output) }
        if case .header(let entity, let header)? = walker.finish() { begin(entity, header, onto: &output) }
        endBody(onto: &output)
        return output
    }

    private mutating func take(line: ArraySlice<UInt8>, onto output: inout [UInt8]) {
        for place in walker.take(line) {
            switch place {
            case .header(let entity, let header): begin(entity, header, onto: &output)
            case .between:
                endBody(onto: &output)
                output += line.map { $0 < 0x80 ? $0 : UInt8(ascii: "?") }
            case .body:
                switch body {
                case .kept: output += line
                case .quotedPrintable(var encoder):
                    encoder.encode(line, onto: &output)
                    body = .quotedPrintable(encoder)
                case .base64(var encoder):
                    encoder.encode(line, onto: &output)
                    body = .base64(encoder)
                }
            }
        }
    }

    private mutating func endBody(onto output: inout [UInt8]) {
        if case .base64(var encoder) = body { encoder.finish(onto: &output) }
        body = .kept
    }

    private mutating func begin(_ entity: EntityWalker.Entity, _ header: [UInt8], onto output: inout [UInt8]) {
        endBody(onto: &output)
        let isRecoded = plan.isRecoded.indices.contains(entities) && plan.isRecoded[entities]
        entities += 1
        var encoding: String?
        if isRecoded {
            encoding = entity.type.isText ? "quoted-printable" : "base64"
            body = entity.type.isText ? .quotedPrintable(QuotedPrintableEncoder()) : .base64(Base64LineEncoder())
        } else if !entity.isLeaf {
            // What it consists of is ASCII now.
            encoding = "7bit"
        }
        rewrite(header, of: entity, encoding, onto: &output)
    }

    /// Writes a header with another encoding in it.
    private func rewrite(_ header: [UInt8], of entity: EntityWalker.Entity, _ encoding: String?, onto output: inout [UInt8]) {
        guard let encoding else {
            output += header
            return
        }
        var scanner = HeaderScanner(header)
        var hasType = false
        var hasVersion = false
        var hasEncoding = false
        while let field = scanner.next() {
            if field.isNamed("Content-Transfer-Encoding") {
                if !hasEncoding { output += "Content-Transfer-Encoding: \(encoding)\n".utf8 }
                hasEncoding = true
                continue
            }
            if field.isNamed("Content-Type") { hasType = true }
            if field.isNamed("MIME-Version") { hasVersion = true }
            output += header[field.range]
        }
        if entity.isMessage, !hasVersion { output += "MIME-Version: 1.0\n".utf8 }
        if entity.isMessage, !hasType, entity.isLeaf { output += "Content-Type: text/plain; charset=unknown-8bit\n".utf8 }
        // Seven bits are what a header means that says nothing.
        if !hasEncoding, encoding != "7bit" { output += "Content-Transfer-Encoding: \(encoding)\n".utf8 }
        if scanner.position < header.count { output += header[scanner.position...] } else { output.append(0x0A) }
    }
}
