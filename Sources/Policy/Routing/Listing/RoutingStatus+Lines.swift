import Configuration
import Envelopes
import JSON
import MailSyntax

/// The lines of smtpctl(8) `show hosts`, `show routes`, `show relays` and `show hoststats`, and the same as JSON.

/// A span of time as listings show it, `-` for none.
private func duration(_ seconds: Int64?) -> String { seconds.map(durationText) ?? "-" }

/// A name in a listing, where spaces separate.
private func name(_ text: String) -> String { text.isEmpty ? "-" : text }

extension HostStatus {
    var line: String {
        "\(address) \(name(hostName)) refcount=\(references) nconn=\(connections) lastconn=\(duration(lastConnection))"
    }

    var json: JSONValue {
        .object([
            "address": .text(address.description), "name": .text(hostName), "refcount": .integer(Int64(references)),
            "connections": .integer(Int64(connections)), "last_connection": .integer(lastConnection),
        ])
    }
}

extension DomainStatus {
    /// The words of a server are escaped as vis(3) does.
    func line(wallClock: Int64) -> String { "\(domain)|\(wallClock - age)|\(QueueListing.escaped(lastStatus))" }

    func json(wallClock: Int64) -> JSONValue {
        .object([
            "domain": .text(domain), "time": .integer(wallClock - age), "status": .text(lastStatus),
            "deferred": .integer(Int64(deferred)),
        ])
    }
}

extension RouteStatus {
    var line: String {
        "\(id). \(source?.description ?? "[]") <-> \(address) (\(name(hostName))) \(flags) nconn=\(connections) "
            + "nerror=\(errors) penalty=\(penalty) timeout=\(duration(timeout))"
    }

    var json: JSONValue {
        .object([
            "id": .integer(Int64(clamping: id)), "source": .text(source?.description), "address": .text(address.description),
            "port": .integer(Int64(port)), "name": .text(hostName), "new": .bool(isNew), "disabled": .bool(isDisabled),
            "timer": .bool(hasTimer), "keepalive": .bool(isKeptAlive), "connections": .integer(Int64(connections)),
            "errors": .integer(Int64(errors)), "penalty": .integer(Int64(penalty)), "timeout": .integer(timeout),
            "last_error": .text(lastError),
        ])
    }
}

extension ConnectorStatus {
    var line: String {
        "  connector \(source?.description ?? "[]") refcount=\(references) nconn=\(connections) "
            + "lastconn=\(duration(lastConnection)) timeout=\(duration(timeout)) flags=\(flags.text)"
    }

    var json: JSONValue {
        .object([
            "source": .text(source?.description), "refcount": .integer(Int64(references)),
            "connections": .integer(Int64(connections)), "last_connection": .integer(lastConnection),
            "timeout": .integer(timeout),
            "flags": .array(flags.text.split(separator: ",").map { .text(String($0)) }),
        ])
    }
}

extension RelayStatus {
    /// The relay, and under it its connectors.
    var lines: [String] {
        [
            "[\(key.listingName)] refcount=\(references) ntask=\(tasks) nconn=\(connections) lastconn=\(duration(lastConnection)) "
                + "timeout=\(duration(timeout)) wait=\(waitWords)\(held > 0 ? "ONHOLD" : "")"
        ] + connectors.map(\.line)
    }

    /// The words of `wait=`, each once, in the order of the manual page; empty when nothing waits.
    private var waitWords: String {
        let present = Set(waits.compactMap(\.listingWord))
        return ["MX", "preference", "secret", "limits", "source", "connector"].filter(present.contains).joined(separator: ",")
    }

    var json: JSONValue {
        .object([
            "relay": .text(key.listingName), "name": .text(key.destination.name), "port": .integer(Int64(key.destination.port)),
            "refcount": .integer(Int64(references)), "tasks": .integer(Int64(tasks)), "envelopes": .integer(Int64(envelopes)),
            "held": .integer(Int64(held)), "connections": .integer(Int64(connections)),
            "last_connection": .integer(lastConnection), "timeout": .integer(timeout),
            "window": .integer(window.map(Int64.init)), "waits": .array(waits.map { .text($0.text) }),
            "connectors": .array(connectors.map(\.json)),
        ])
    }
}

extension RelayKey {
    /// The relay's options as listings name it: `relay:example.org,port=25,smtp`, with those that are set.
    package var listingName: String {
        var parts = ["relay:\(destination.name)", "port=\(destination.port)"]
        switch destination {
        case .domain: parts.append(RelayURL.Scheme.smtp.rawValue)
        case .smarthost(let url): parts.append(url.scheme.rawValue)
        }
        if let credentials { parts.append("auth=\(credentials.table):\(credentials.label)") }
        if let pair = action.keyPair { parts.append("pki_name=\(pair)") }
        // The host is used as it is, and its MX records are not looked up.
        if destination.isSmarthost { parts.append("mx") }
        switch action.backup {
        case .ownName: parts.append("backup")
        case .named(let host): parts.append("backup=\(host)")
        case nil: break
        }
        for (option, value) in [
            ("sourcetable", action.sources), ("helotable", action.heloNames), ("heloname", action.helo),
        ] {
            if let value { parts.append("\(option)=\(value)") }
        }
        return parts.joined(separator: ",")
    }
}
