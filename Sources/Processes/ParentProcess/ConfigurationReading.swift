import Configuration
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
            return .refused(diagnostics.filter { $0.severity > .note || options.isVerbose }.map(\.description))
        case .configuration(let configuration, let notes):
            let told = notes.filter { $0.severity > .note || options.isVerbose }.map(\.description)
            return .loaded(configuration, told: told)
        }
    }

    /// What the configuration asks for and this daemon cannot do yet, one sentence each; empty when it can
    /// be served.
    package static func missingParts(of configuration: Configuration) -> [String] {
        UnsupportedFeatures.list(in: configuration).map(\.description)
    }
}
