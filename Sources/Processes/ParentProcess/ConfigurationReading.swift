import Configuration
import Glibc
import Platform

/// Reading the configuration for use: the loader's verdict, and whether this daemon can do what it asks.
package enum ConfigurationReading {
    /// Ready to serve, with what should be told (notes only when verbose).
    case loaded(Configuration, told: [String])
    /// Why not, one line each, ready to be printed.
    case refused([String])

    package static func read(_ options: DaemonOptions) -> ConfigurationReading {
        let environment = SystemEnvironment(programs: options.programs)
        switch ConfigurationLoader.load(file: options.file, macros: options.macros, environment: environment) {
        case .failed(let diagnostics):
            let told = diagnostics.filter { $0.severity != .note || options.isVerbose }.map(\.description)
            return .refused(told + [summary(of: diagnostics.filter { $0.severity == .error }, in: options.file)])
        case .configuration(let configuration, let notes):
            let told = notes.filter { $0.severity != .note || options.isVerbose }.map(\.description)
            return .loaded(configuration, told: told + warnings(about: options.file))
        }
    }

    /// Who can write the file can have the daemon do anything; that is the administrator's to know.
    private static func warnings(about file: String) -> [String] {
        // It has just been read; one that is gone by now has no mode.
        guard let descriptor = try? Files.open(file, O_RDONLY | O_NONBLOCK | O_NOCTTY),
            let status = try? Files.status(descriptor)
        else { return [] }
        var result: [String] = []
        if status.permissions & 0o022 != 0 { result.append("\(file): warning: others than its owner can write it") }
        if status.user != 0, status.user != geteuid() {
            result.append("\(file): warning: it belongs to uid \(status.user), not to root")
        }
        return result
    }

    /// The last line: how much is wrong, at the place of the first mistake in the form `FILE:LINE: message` that
    /// older tools look for.
    private static func summary(of errors: [Diagnostic], in file: String) -> String {
        let place = errors.first?.location.map { "\($0.file):\($0.line)" } ?? file
        return "\(place): configuration not used, \(errors.count == 1 ? "1 error" : "\(errors.count) errors")"
    }

    /// What the configuration asks for and this daemon cannot do yet, one sentence each; empty when it can
    /// be served.
    package static func missingParts(of configuration: Configuration) -> [String] {
        UnsupportedFeatures.list(in: configuration).map(\.diagnostic.description)
    }
}
