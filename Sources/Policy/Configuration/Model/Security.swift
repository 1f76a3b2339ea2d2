/// `pki`, `ca` and filter declarations.

package struct KeyPair: Hashable, Sendable {
    /// Lower case, or `*`.
    package var name: String
    package var certificate: String?
    package var key: String?
    package var ephemeralDH: EphemeralDH = .none
    /// 5.4 `pki NAME ca FILE`.
    package var authority: String?
    /// 5.4 `dhparams FILE`.
    package var dhParameters: String?

    package enum EphemeralDH: UInt8, Hashable, Sendable { case none = 1, auto, legacy }
    package init(name: String) { self.name = name }
}

package struct CertificateAuthority: Hashable, Sendable {
    package var name: String
    package var certificate: String
    package init(name: String, certificate: String) {
        self.name = name
        self.certificate = certificate
    }
}

package enum FilterReference: Hashable, Sendable {
    case named(String)
    /// `filter { a, b }`.
    case chain([String])
}

package struct FilterProcess: Hashable, Sendable {
    package var name: String
    package var command: String
    package var user: String?
    package var group: String?
    package var chroot: String?
    /// What sessions hear when the program does not answer as it must.
    package var onFailure = FailurePolicy.refuse
    /// Seconds for its registration, and for each answer.
    package var timeout: Int64 = 120
    /// The order of fields that the program expects.
    package var spoken = ProtocolVersion.current

    /// Versions of the filter protocol that differ in the order of fields (smtpd-filters(7)).
    package enum ProtocolVersion: UInt8, Hashable, Sendable, CaseIterable, Comparable {
        case v0_5 = 5
        case v0_6
        case v0_7

        package static let current = v0_7

        /// As lines name it.
        package var text: String {
            switch self {
            case .v0_5: "0.5"
            case .v0_6: "0.6"
            case .v0_7: "0.7"
            }
        }

        package static func < (one: Self, other: Self) -> Bool { one.rawValue < other.rawValue }
    }

    package enum FailurePolicy: UInt8, Hashable, Sendable {
        /// A temporary refusal.
        case refuse = 1
        /// As if the filter were not there.
        case accept
    }

    package init(name: String, command: String) {
        self.name = name
        self.command = command
    }
}

package struct FilterDefinition: Hashable, Sendable {
    package var name: String
    package var kind: Kind

    package enum Kind: Hashable, Sendable {
        /// By the name of a ``FilterProcess``.
        case process(String)
        case chain([String])
        case builtin(BuiltinFilter)
        case milter(MilterSettings)
        /// 5.4 `filter NAME PATH` and `filterchain`.
        case legacy
    }
    package init(name: String, kind: Kind) {
        self.name = name
        self.kind = kind
    }
}

package struct BuiltinFilter: Hashable, Sendable {
    package var phase: Phase
    /// At least one; the filter decides when all of them hold.
    package var conditions: [Condition<Criterion>]
    package var decision: Decision

    package enum Phase: UInt8, Hashable, Sendable {
        case connect = 1, helo, ehlo, auth, mailFrom, rcptTo, data, commit
    }
    package enum Criterion: Hashable, Sendable {
        case fcrdns
        case rdns(TableReference?)
        case source(TableReference)
        case helo(TableReference)
        case auth(TableReference?)
        case mailFrom(TableReference)
        case rcptTo(TableReference)
    }
    package enum Decision: Hashable, Sendable {
        case reject(String)
        case disconnect(String)
        case rewrite(String)
        case report(String)
        case junk
        case bypass
    }
    package init(phase: Phase, conditions: [Condition<Criterion>], decision: Decision) {
        self.phase = phase
        self.conditions = conditions
        self.decision = decision
    }
}
