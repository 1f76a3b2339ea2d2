import Configuration
enum UnsupportedFeatures { static func list(in c: Configuration) -> [String] { [] } }
package enum ConfigurationConverter { package enum R { case converted([UInt8]); case failed([Diagnostic]) }
 package static func convert(file: String, macros: [(String,String)], environment: some ConfigurationEnvironment) -> R { .failed([]) } }
